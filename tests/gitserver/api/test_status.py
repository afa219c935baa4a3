import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gitserver.api import status
from gitserver.services import services_of
from stratum import disk
from stratum.errors import SupervisorUnavailable
from stratum.model import Grant, Right
from stratum.store import builds
from tests.webside import COMMIT


class FakeSupervisor:
    """Answers with given states of services; without any it does not answer."""

    def __init__(self, **states: str) -> None:
        self._states = states

    def state(self) -> str:
        return "RUNNING" if self._states else self.service_state("")

    def service_state(self, name: str) -> str:
        if not self._states:
            raise SupervisorUnavailable("supervisord does not answer")
        return self._states[name]


@pytest.mark.parametrize(
    ("states", "up"),
    [
        ({"_web": "RUNNING", "_work": "RUNNING"}, {"supervisord", "web", "work"}),
        ({"_web": "RUNNING", "_work": "STARTING"}, {"supervisord", "web", "work"}),
        ({"_web": "RUNNING", "_work": "STOPPED"}, {"supervisord", "web"}),
        ({"_web": "RUNNING", "_work": "BACKOFF"}, {"supervisord", "web"}),
        ({}, set()),
    ],
)
def test_status_says_which_services_run(api, client, states, up):
    """Without `_work` pushes are taken and nothing builds, rolls out or reconciles."""
    services = services_of(client.application)
    fake = FakeSupervisor(**states)
    replace(services, supervisor=fake).keep_in(client.application)  # type: ignore[arg-type]

    parts = {row["part"]: row["up"] for row in api("GET", "/status")[1]["parts"]}

    assert {part for part in ("supervisord", "web", "work") if parts[part]} == up


def test_status_counts_builds_and_says_how_long_the_oldest_has_waited(api, side, monkeypatch):
    ours, others = side.app("ours"), side.app("others")
    with side.db.write() as tx:
        for app in (ours, others, others):
            builds.add_build(tx, app.id, COMMIT, source="push", who="admin")
        builds.claim_next(tx, others.id, "1:1")
    begun = datetime.now(UTC)
    monkeypatch.setattr(status, "now", lambda: begun + timedelta(seconds=90))
    seen = side.token("one app's", Grant(ours.environment.id, ours.id, Right.READ))

    queue = api("GET", "/status")[1]["queue"]

    assert (queue["running"], queue["queued"]) == (1, 2)
    assert 89 <= queue["oldest_s"] <= 120
    assert api("GET", "/status", token=seen)[1]["queue"] == {**queue, "running": 0, "queued": 1}


def test_nothing_waits_on_a_server_at_rest(api):
    assert api("GET", "/status")[1]["queue"] == {"running": 0, "queued": 0, "oldest_s": 0}


def test_status_says_what_is_free_and_why_no_build_begins(api, side, monkeypatch):
    found = api("GET", "/status")[1]["disk"]
    there = os.statvfs(side.instance.layout.data)

    assert found["total_bytes"] == there.f_blocks * there.f_frsize
    assert 0 < found["free_bytes"] <= found["total_bytes"]
    assert found["lack"] == ""

    monkeypatch.setattr(disk, "below_floor", lambda *_: (1 << 20, 1 << 30))
    assert api("GET", "/status")[1]["disk"]["lack"] == (
        "1 MiB of the server's disk are free, and none begins below 1 GiB."
    )
