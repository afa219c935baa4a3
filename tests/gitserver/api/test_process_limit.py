"""How many processes an app may have: more are refused, and none that run are stopped for it."""

import pytest

from stratum.model import Grant, Right
from stratum.store import environments, formation

HERE = "/apps/MyProdEnv/app02"
TOO_MANY = (
    409,
    {
        "error": "too-many-processes",
        "message": "MyProdEnv/app02 would have 5 processes, and may have 4.",
        "hint": "Scale another target down, or ask an administrator for more: "
        "stratum apps set app02 --max-processes 5.",
    },
)


@pytest.fixture
def app(side, api):
    app = side.app()
    side.release(app, "web", "worker", "clock")
    api("PUT", f"{HERE}/formation", json={"web": 2, "worker": 2})
    api("PATCH", HERE, json={"max_processes": 4})
    return app


def scales(side, app):
    with side.db.read() as tx:
        return dict(formation.get_formation(tx, app.id).scales)


@pytest.mark.parametrize("asked", [{"web": 3}, {"web": "+1"}, {"web": 1, "worker": 4}, {"clock": 1}])
def test_more_processes_than_allowed_are_refused_and_nothing_is_wished(api, side, app, asked):
    assert api("PUT", f"{HERE}/formation", json=asked) == TOO_MANY
    assert scales(side, app) == {"web": 2, "worker": 2, "clock": 0}


def test_a_worker_or_a_resume_beyond_the_limit_is_refused(api, side, app):
    assert api("POST", f"{HERE}/workers/clock") == TOO_MANY
    api("POST", f"{HERE}/pause", json={"targets": ["web"]})
    assert api("POST", f"{HERE}/workers/clock")[0] == 200

    assert api("POST", f"{HERE}/resume", json={"targets": ["web"]}) == TOO_MANY
    with side.db.read() as tx:
        assert formation.get_formation(tx, app.id).paused == {"web"}


def test_a_limit_that_is_lowered_leaves_what_there_is_and_lets_it_become_less(api, side, app):
    api("PATCH", HERE, json={"max_processes": 1})

    assert scales(side, app) == {"web": 2, "worker": 2, "clock": 0}
    assert api("PUT", f"{HERE}/formation", json={"web": "-1"})[0] == 200
    assert api("PUT", f"{HERE}/formation", json={"web": 0, "worker": 3})[0] == 200
    assert api("PUT", f"{HERE}/formation", json={"web": 1})[0] == 409


def test_only_an_administrator_of_the_server_sets_it(api, side, app):
    mine = side.token("mine", Grant(app.environment.id, None, Right.ADMIN))

    status, said = api("PATCH", HERE, json={"max_processes": 3}, token=mine)

    assert (status, said["message"]) == (
        403,
        "Your token may administer MyProdEnv/app02, but not change how many processes it may have.",
    )
    with side.db.read() as tx:
        found = environments.get_app(tx, app.id)
    assert found is not None
    assert found.max_processes == 4
