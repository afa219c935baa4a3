"""Maintenance: a wish of its own, which no rollout changes."""

import pytest

from stratum.model import Grant, Right

MAINTENANCE = "/apps/MyProdEnv/app02/maintenance"


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app)
    return app


def test_it_is_off_until_it_is_turned_on_and_stays_over_releases(api, side, app):
    assert api("GET", MAINTENANCE) == (200, {"on": False})

    status, change = api("PUT", MAINTENANCE, {"on": True})

    assert (status, change["changed"], change["rollout"]) == (200, True, None)
    assert change["message"] == (
        "Maintenance of MyProdEnv/app02 is on: within seconds visitors get a page that says so."
    )
    side.release(app)
    assert api("GET", MAINTENANCE) == (200, {"on": True})
    assert api("GET", "/apps/MyProdEnv/app02")[1]["maintenance"] is True


def test_what_is_so_already_changes_nothing(api, app):
    assert api("PUT", MAINTENANCE, {"on": False})[1] == {
        "changed": False,
        "rollout": None,
        "release": None,
        "message": "Maintenance of MyProdEnv/app02 is off already.",
    }


@pytest.mark.parametrize("body", [{}, {"on": 1}, {"on": "yes"}, {"on": True, "message": "<b>"}])
def test_only_true_and_false_are_taken(api, app, body):
    assert api("PUT", MAINTENANCE, body)[0] == 422
    assert api("GET", MAINTENANCE)[1] == {"on": False}


def test_who_deploys_turns_it_on(api, side, app):
    may = side.token("ci", Grant(app.environment.id, app.id, Right.DEPLOY))
    reads = side.token("eye", Grant(app.environment.id, app.id, Right.READ))

    assert api("PUT", MAINTENANCE, {"on": True}, token=may)[0] == 200
    assert api("PUT", MAINTENANCE, {"on": False}, token=reads)[0] == 403
    assert api("GET", MAINTENANCE, token=reads)[1] == {"on": True}
