"""Maintenance: a wish of its own, which no rollout changes."""

import pytest

from stratum.model import Grant, Right
from tests.repos import git, make_repo

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


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<p>soon</p>", "visitors get its maintenance.html."),
        (
            "x" * 70_000,
            "visitors get a page that says so. maintenance.html is not shown: it may have 64 KiB.",
        ),
    ],
)
def test_the_page_of_the_code_that_runs_is_named_or_why_it_is_not_shown(api, side, app, tmp_path, page, told):
    work = make_repo(tmp_path / "work", {"maintenance.html": page})
    git(tmp_path, "clone", "-q", "--bare", str(work), str(side.instance.layout.repo(app.id)))
    side.release(app, commit=git(work, "rev-parse", "HEAD"))

    assert api("PUT", MAINTENANCE, {"on": True})[1]["message"].endswith(f"within seconds {told}")


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
