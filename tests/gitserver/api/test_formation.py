"""Scaling and launching: what is allowed, what changes, what does not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from runner.engines.supervisord.rpc import Wanted
from stratum.model import Contents, Target
from stratum.store import environments, formation, releases, rollouts
from tests.supervision import supervised
from tests.webside import COMMIT, SLUG

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app, "web", "worker")
    return app


def scales(side, app):
    with side.db.read() as tx:
        return dict(formation.get_formation(tx, app.id).scales)


@pytest.mark.parametrize(
    ("given", "shown"),
    [(-1, "-1"), (1.5, "1.5"), (10**9, "1000000000"), (True, "True"), ("2", "'2'"), (None, "None")],
)
def test_a_scale_that_is_no_small_whole_number_is_refused(api, side, app, given, shown):
    before = scales(side, app)

    assert api("PUT", f"{HERE}/formation", json={"web": 1, "worker": given}) == (
        422,
        {
            "error": "invalid-scale",
            "message": f"{shown} is no scale for worker: a whole number from 0 to 100 is.",
            "hint": "+1 and -1 change the scale there is.",
        },
    )
    assert scales(side, app) == before


def test_an_unknown_target_is_refused_with_those_there_are(api, app):
    expected = {
        "error": "unknown-target",
        "message": "'nope' is no target of the current release; its targets are: web, worker.",
        "hint": "Add a line for it to the Procfile and push, or use one of these.",
    }

    assert api("PUT", f"{HERE}/formation", json={"nope": 1}) == (422, expected)
    assert api("POST", f"{HERE}/workers/nope") == (422, expected)


def test_no_scale_at_all_is_refused(api, app):
    assert api("PUT", f"{HERE}/formation", json={})[1]["message"] == "No scale was given."


def test_nothing_can_be_launched_before_the_first_release(api, side):
    side.app()

    assert api("POST", f"{HERE}/workers/web") == (
        409,
        {
            "error": "nothing-released",
            "message": "MyProdEnv/app02 has no release yet.",
            "hint": "Push first: git push catalyze master.",
        },
    )
    assert api("PUT", f"{HERE}/formation", json={"web": 1})[0] == 409


def test_a_scale_is_wished_with_a_rollout_that_knows_the_former_one(api, side, app):
    status, change = api("PUT", f"{HERE}/formation", json={"worker": 3, "web": 1})

    assert status == 200
    assert change == {
        "changed": True,
        "rollout": 2,
        "release": None,
        "message": "",
        "formation": [
            {"target": "web", "scale": 1, "paused": False, "present": True},
            {"target": "worker", "scale": 3, "paused": False, "present": True},
        ],
    }
    assert scales(side, app) == {"web": 1, "worker": 3}
    with side.db.read() as tx:
        rollout = rollouts.find_rollout(tx, app.id, 2)
    assert rollout is not None
    assert (rollout.cause, rollout.who, rollout.formation_before) == (
        "scale worker=3 web=1",
        "admin",
        {"worker": 0},
    )


def test_the_same_scale_again_changes_nothing(api, side, app):
    _, said = api("PUT", f"{HERE}/formation", json={"web": 1})

    assert (said["changed"], said["rollout"]) == (False, None)
    assert said["message"] == "web=1 is wished already; nothing changed."
    assert said["formation"] == api("GET", f"{HERE}/formation")[1]


def test_a_scale_is_changed_by_so_many(api, side, app):
    api("PUT", f"{HERE}/formation", json={"worker": 3})

    _, said = api("PUT", f"{HERE}/formation", json={"worker": "-2", "web": "+1"})

    assert said["changed"]
    assert scales(side, app) == {"web": 2, "worker": 1}
    with side.db.read() as tx:
        rollout = rollouts.find_rollout(tx, app.id, 3)
    assert rollout is not None
    assert (rollout.cause, rollout.formation_before) == ("scale worker=1 web=2", {"web": 1, "worker": 3})


def test_changes_of_a_scale_at_once_all_count(api, side, app):
    def one_more(_):
        return api("PUT", f"{HERE}/formation", json={"worker": "+1"})[0]

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(one_more, range(16))) == {200}

    assert scales(side, app) == {"web": 1, "worker": 16}


@pytest.mark.parametrize(("given", "hint"), [("-2", "worker=0"), ("+100", "worker=100")])
def test_no_change_of_a_scale_leads_below_0_or_above_the_limit(api, side, app, given, hint):
    api("PUT", f"{HERE}/formation", json={"worker": 1})

    status, said = api("PUT", f"{HERE}/formation", json={"web": 5, "worker": given})

    assert (status, said["error"]) == (422, "invalid-scale")
    assert said["message"] == f"worker cannot go from 1 by {given}: a scale is from 0 to 100."
    assert said["hint"] == f"Give the scale itself, such as {hint}."
    assert scales(side, app) == {"web": 1, "worker": 1}


def test_launching_twice_changes_nothing_the_second_time(api, app):
    assert api("POST", f"{HERE}/workers/worker")[1]["rollout"] == 2
    _, said = api("POST", f"{HERE}/workers/worker")
    assert (said["changed"], said["rollout"]) == (False, None)
    assert said["message"] == "worker is already running (1 process); nothing changed."


def test_the_formation_lists_targets_of_the_release_and_remembered_ones(api, side, app):
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"gone": 2})

    assert api("GET", f"{HERE}/formation")[1] == [
        {"target": "web", "scale": 1, "paused": False, "present": True},
        {"target": "worker", "scale": 0, "paused": False, "present": True},
        {"target": "gone", "scale": 2, "paused": False, "present": False},
    ]


def test_processes_need_supervisord(api, app):
    status, said = api("GET", f"{HERE}/processes")

    assert status == 503
    assert said["error"] == "supervisor-unavailable"


@pytest.mark.integration
def test_processes_are_those_wished_and_those_that_run(api, side, app):
    api("PUT", f"{HERE}/formation", json={"worker": 1})
    with supervised(fenced=False) as supervisord:
        side.instance.layout.supervisord_socket.symlink_to(supervisord.folder / "supervisord.sock")
        pid = supervisord.run(Wanted("MyProdEnv", "app02", 1, 1, "web", 1), "sleep 60")
        supervisord.run(Wanted("MyProdEnv", "app02x", 2, 1, "web", 1), "sleep 60")
        _, found = api("GET", f"{HERE}/processes")

    web, worker = found
    assert web.pop("since").startswith("20")
    assert web.pop("state") in ("starting", "running")
    assert web == {
        "name": "MyProdEnv.app02.v1.web.1",
        "target": "web",
        "index": 1,
        "pid": pid,
        "port": None,
        "release": "v1",
        "restarts": 0,
        "crash": None,
        "note": "",
    }
    assert (worker["name"], worker["state"], worker["pid"]) == (
        "MyProdEnv.app02.v1.worker.1",
        "stopped",
        None,
    )


@pytest.mark.integration
def test_a_process_that_a_release_leaves_alone_is_listed_in_its_place(api, side, app):
    api("PATCH", f"{HERE}/targets/worker", json={"restart_on_deploy": "false"})
    api("PUT", f"{HERE}/formation", json={"worker": 2, "web": 0})
    side.release(app)
    with supervised(fenced=False) as supervisord:
        side.instance.layout.supervisord_socket.symlink_to(supervisord.folder / "supervisord.sock")
        supervisord.run(Wanted("MyProdEnv", "app02", 1, 1, "worker", 1), "sleep 60")
        _, found = api("GET", f"{HERE}/processes")

    assert [(row["name"][16:], row["release"], row["state"] == "stopped") for row in found] == [
        ("v1.worker.1", "v1", False),
        ("v2.worker.2", "v2", True),
    ]


@pytest.fixture
def site(side):
    """An app whose web process has given way to a site."""
    made = side.app("site")
    side.release(made, "web", "worker")
    with side.db.write() as tx:
        targets = (Target("worker", "run worker"),)
        contents = Contents(site="dist")
        new = releases.add_release(
            tx, made.id, slug=SLUG, commit=COMMIT, targets=targets, cause="push", who="me", contents=contents
        )
        environments.set_current_release(tx, made.id, new.id)
    return made


def test_a_site_has_no_web_process_to_scale_or_launch(api, site):
    expected = {
        "error": "served-by-router",
        "message": "v2 has no web process: the router serves its site by itself, to however many ask.",
        "hint": "Add a line for web to the Procfile and push, if a process is to answer.",
    }

    assert api("PUT", "/apps/MyProdEnv/site/formation", json={"web": 2, "worker": 2}) == (409, expected)
    assert api("POST", "/apps/MyProdEnv/site/workers/web") == (409, expected)
    assert api("PUT", "/apps/MyProdEnv/site/formation", json={"worker": 2})[0] in (200, 202)


@pytest.mark.integration
def test_a_site_is_listed_as_what_answers(api, side, site):
    with supervised(fenced=False) as supervisord:
        side.instance.layout.supervisord_socket.symlink_to(supervisord.folder / "supervisord.sock")
        _, (first, *_) = api("GET", "/apps/MyProdEnv/site/processes")

    assert (first["target"], first["release"], first["state"], first["pid"]) == (
        "web",
        "v2",
        "served by the router",
        None,
    )
