"""Giving builds up, building them again, and all that is known of one."""

import pytest
from sqlalchemy import update

from stratum.model import BuildOptions, BuildState, ReleaseState
from stratum.store import builds, releases, tables
from stratum.verbs.build import MAX_QUEUED
from tests.there import there
from tests.webside import COMMIT

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    return side.app()


def queue(side, app, **more):
    with side.db.write() as tx:
        return builds.add_build(tx, app.id, COMMIT, source="push", who="ci", **more)


def set_build(side, build, **values):
    with side.db.write() as tx:
        tx.execute(update(tables.builds).where(tables.builds.c.id == build.id).values(values))


def claim(side, app):
    with side.db.write() as tx:
        return there(builds.claim_next(tx, app.id, "1:1"))


def test_a_queued_build_is_given_up_at_once_and_its_followers_are_told(api, side, app):
    queue(side, app)

    status, found = api("POST", f"{HERE}/builds/1/cancel")

    assert (status, found["status"], found["error"]) == (200, "canceled", "admin asked for it.")
    assert found["finished_at"].endswith("Z")
    assert api.text(f"{HERE}/builds/1/log?follow=true") == (
        200,
        " !     Build canceled: admin asked for it.\n",
    )


def test_a_build_that_runs_is_for_its_builder_to_give_up(api, side, app):
    queue(side, app)
    claimed = claim(side, app)

    found = api("POST", f"{HERE}/builds/1/cancel")[1]
    again = api("POST", f"{HERE}/builds/1/cancel")

    assert (found["status"], found["error"]) == ("running", "admin asked for it.")
    assert (again[0], again[1]["status"]) == (200, "running")
    with side.db.read() as tx:
        assert there(builds.held(tx, claimed)).error == "admin asked for it."


def test_a_gated_build_that_waits_is_given_up(api, side, app):
    build = queue(side, app, gate="1:1")
    set_build(side, build, state="waiting")

    assert api("POST", f"{HERE}/builds/1/cancel")[1]["status"] == "canceled"


def test_what_has_ended_or_is_not_there_cannot_be_given_up(api, side, app):
    side.release(app)
    build = queue(side, app)
    set_build(side, build, state="failed")

    released, failed, absent = (api("POST", f"{HERE}/builds/{number}/cancel") for number in (1, 2, 3))

    assert (released[0], released[1]["message"], released[1]["hint"]) == (
        409,
        "Build 1 has been released as v1.",
        "stratum rollback goes back to the release before.",
    )
    assert (failed[0], failed[1]["message"]) == (409, "Build 2 has ended already: it has failed.")
    assert absent[0] == 404


def test_a_release_phase_is_called_off_with_its_build(api, side, app):
    side.release(app, "release", "web")
    with side.db.write() as tx:
        tx.execute(update(tables.rollouts).values(state="running", finished_at=None))

    status, found = api("POST", f"{HERE}/builds/1/cancel")

    assert (status, found["status"], found["release"]) == (200, "succeeded", 1)
    assert api("GET", f"{HERE}/rollouts/1")[1]["error"] == "canceled by admin"
    assert api("POST", f"{HERE}/builds/1/cancel")[0] == 200
    log = side.instance.layout.build_log(app.id, 1)
    assert not log.exists(), "its build is not canceled; what becomes of the rollout its applier tells"


@pytest.mark.parametrize(
    ("state", "message", "hint"),
    [
        (
            ReleaseState.PENDING,
            "v1 of build 1 is being rolled out.",
            "stratum -E MyProdEnv -A app02 builds follow 1",
        ),
        (ReleaseState.FAILED, "v1 of build 1 has failed already.", "stratum builds retry 1"),
        (ReleaseState.RETIRED, "Build 1 has been released as v1.", "stratum rollback"),
    ],
)
def test_a_build_whose_release_cannot_be_called_off_is_told_how_that_stands(
    api, side, app, state, message, hint
):
    release = side.release(app)
    with side.db.write() as tx:
        releases.set_release_state(tx, release.id, state)

    status, said = api("POST", f"{HERE}/builds/1/cancel")

    assert (status, said["message"]) == (409, message)
    assert hint in said["hint"]


@pytest.mark.parametrize("state", ["failed", "canceled", "superseded"])
def test_an_ended_build_is_built_again_with_its_options(api, side, app, state):
    options = BuildOptions(no_cache=True, scale={"web": 2}, reason="stop the leak")
    set_build(side, queue(side, app, options=options), state=state)

    assert api("POST", f"{HERE}/builds/1/retry") == (200, {"changed": True, "build": 2})

    made = api("GET", f"{HERE}/builds/2")[1]
    assert (made["status"], made["source"], made["commit"], made["who"]) == (
        "queued",
        "retry",
        COMMIT,
        "admin",
    )
    assert made["options"] == {
        "no_cache": True,
        "color": False,
        "scale": {"web": 2},
        "reason": "stop the leak",
    }


def test_what_was_released_and_never_came_up_is_built_again(api, side, app):
    """A variable or a database that it lacked may be there by now, and git has nothing to push."""
    release = side.release(app)
    with side.db.write() as tx:
        releases.set_release_state(tx, release.id, ReleaseState.FAILED)

    assert api("POST", f"{HERE}/builds/1/retry") == (200, {"changed": True, "build": 2})


def test_what_runs_was_released_or_never_taken_is_not_built_again(api, side, app):
    side.release(app)
    queue(side, app)
    set_build(side, queue(side, app, gate="1:1"), state="canceled")

    released, queued, gated = (api("POST", f"{HERE}/builds/{number}/retry") for number in (1, 2, 3))

    assert [one[0] for one in (released, queued, gated)] == [409, 409, 409]
    assert released[1]["message"] == "Build 1 has been released as v1."
    assert queued[1]["message"] == "Build 2 has not ended yet: it is queued."
    assert gated[1]["message"] == "Build 3 was for a push that was not taken."


def test_all_that_is_known_of_a_build_is_shown(api, side, app):
    side.release(app)

    shown = api("GET", f"{HERE}/builds/1")[1]

    assert {name: shown[name] for name in ("gated", "attempt", "release", "rollout", "source")} == {
        "gated": False,
        "attempt": 1,
        "release": 1,
        "rollout": 1,
        "source": "push",
    }
    assert shown["created_at"] <= shown["started_at"] <= shown["finished_at"]


def test_a_build_of_another_app_cannot_be_given_up(api, side, app):
    queue(side, app)
    side.app("other")

    assert api("POST", "/apps/MyProdEnv/other/builds/1/cancel")[0] == 404
    with side.db.read() as tx:
        assert there(builds.find_build(tx, app.id, 1)).state is BuildState.QUEUED


def test_no_more_builds_may_be_asked_for_than_may_wait(api, side, app):
    side.release(app)
    set_build(side, queue(side, app), state="failed")
    for _ in range(MAX_QUEUED):
        queue(side, app)

    for address in ("builds/2/retry", "redeploy"):
        status, said = api("POST", f"{HERE}/{address}")
        assert (status, said["message"]) == (
            409,
            f"{MAX_QUEUED} builds of {app.label} wait already; {MAX_QUEUED} may.",
        )
    listed = api("GET", f"{HERE}/builds")[1]
    assert len(listed) == MAX_QUEUED + 2
    api("POST", f"{HERE}/builds/3/cancel")
    assert api("POST", f"{HERE}/builds/2/retry")[0] == 200
