from dataclasses import replace

import pytest

from gitserver.services import services_of
from stratum.errors import SupervisorUnavailable


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
