"""What the settler does for one app does not depend on the others."""

import time
from typing import cast

import pytest

from gitserver.git.repos import ensure_repo
from hooks import gate, settler
from hooks.parts import Parts
from hooks.settler import Settler
from hooks.sweep import LOCK_AGE_S
from stratum.model import App, BuildOptions, BuildState, PushState, RefUpdate
from stratum.queue import Nudges
from tests.fakes import FakeNudges
from tests.gitweb import GitWeb
from tests.hooks.test_settle import MASTER, journaled, move, state
from tests.hooks.test_sweep import leave
from tests.repos import git

GARBAGE = b"\0\xffgarbage\nnot refs at all\n"


@pytest.fixture
def parts(web):
    return Parts(web.instance, web.db, cast(Nudges, FakeNudges()))


def damaged(web: GitWeb) -> App:
    app = web.new_app()
    (ensure_repo(web.instance, app) / "packed-refs").write_bytes(GARBAGE)
    return app


def pushed(web: GitWeb, app: App, name: str) -> int:
    """A push whose ref has moved and that is still pending."""
    source = web.source(name)
    tip = git(source, "rev-parse", "HEAD")
    git(ensure_repo(web.instance, app), "fetch", "-q", str(source), "master")
    push = journaled(web, app, RefUpdate(MASTER, "0" * 40, tip))
    move(web, app, MASTER, tip)
    return push


def abandoned(web: GitWeb, parts: Parts, app: App, commit: str) -> None:
    build = gate.begin(parts, app, gate.Wanted(commit, "", "who", BuildOptions()))
    gate.leave(build)


def test_a_damaged_repository_stops_nothing_for_the_other_apps(web, parts, caplog, monkeypatch):
    monkeypatch.setattr(settler, "SWEEP_EVERY_S", -1.0)
    bad, good, gated = damaged(web), web.new_app(), web.new_app()
    stuck = journaled(web, bad, RefUpdate(MASTER, "0" * 40, "1" * 40))
    push = pushed(web, good, "good")
    abandoned(web, parts, gated, web.ref(good))
    left = leave(web.repo(good), "refs/heads/other.lock", LOCK_AGE_S + 1)
    settling = Settler(parts)
    for _ in range(3):
        settling.look()

    assert (state(web, stuck), state(web, push)) == (PushState.PENDING, PushState.ACCEPTED)
    assert len(web.builds(good)) == 1
    assert [build.state for build in web.builds(gated)] == [BuildState.CANCELED]
    assert not left.exists()
    said = [record.getMessage() for record in caplog.records if record.exc_info]
    assert len(said) == 1
    assert said[0].startswith(f"settling pushes of app {bad.id} failed")


def test_a_push_that_is_accepted_is_nudged_though_its_ref_cannot_be_kept(web, parts):
    """The loose ref tells that it moved; the damage is met only afterwards."""
    app = web.new_app()
    push = pushed(web, app, "moved")
    (web.repo(app) / "packed-refs").write_bytes(GARBAGE)

    Settler(parts).look()

    assert state(web, push) is PushState.ACCEPTED
    assert parts.nudges.builds == [app.id]


def test_one_orphan_that_cannot_be_given_up_does_not_stop_the_next(web, parts, monkeypatch):
    app = web.new_app()
    pushed(web, app, "orphans")
    for _ in range(2):
        abandoned(web, parts, app, web.ref(app))
    first = web.builds(app)[0]
    cancel = gate.cancel

    def failing(parts, build, reason):
        if build.id == first.id:
            raise OSError("no")
        cancel(parts, build, reason)

    monkeypatch.setattr(gate, "cancel", failing)
    Settler(parts).look()

    states = {build.id: build.state for build in web.builds(app)}
    assert states.pop(first.id) is BuildState.QUEUED
    assert BuildState.CANCELED in states.values()


def test_each_job_is_done_though_the_ones_before_it_fail(web, parts, monkeypatch):
    done: list[str] = []

    def failing(*_):
        done.append("failed")
        raise OSError("no")

    monkeypatch.setattr(Settler, "settle_all", failing)
    monkeypatch.setattr(settler, "cancel_abandoned", failing)
    monkeypatch.setattr(settler, "sweep", lambda _: done.append("swept"))
    settling = Settler(parts)
    settling._swept_at = time.monotonic() - settler.SWEEP_EVERY_S - 1
    settling.look()

    assert done == ["failed", "failed", "swept"]
