"""Whatever alters what runs is a numbered release: every address that changes anything, tried."""

import pytest

from stratum.model import BuildState
from stratum.store import builds, releases
from tests.gitserver.api.test_rights import ADMINISTERING, DEPLOYING

HERE = "/apps/MyProdEnv/app02"
DATA = {"name": "data"}
# What each address is asked, and whether a release comes of it. A build's release comes at its end.
ASKED: dict[str, tuple[dict[str, object] | None, bool]] = {
    "PUT /formation": ({"worker": 2}, False),  # how many run, not what: a rollout without a release
    "POST /workers/worker": (None, False),
    "POST /pause": ({"targets": []}, False),
    "POST /resume": ({"targets": []}, False),
    "PUT /maintenance": ({"on": True}, False),  # what visitors get, not what runs
    "PATCH /targets/worker": ({"strategy": "overlap"}, False),  # how the next rollout goes about it
    "POST /domains": ({"name": "shop.example.com"}, False),
    "DELETE /domains/old.example.com": (None, False),
    "PATCH /vars": ({"set": {"A": "1"}}, True),
    "POST /rollback": ({"version": 1}, True),
    "PATCH /releases/1": ({"name": "spring", "note": "x", "pinned": True}, False),
    "POST /releases/1/verify": (None, False),
    "POST /redeploy": (None, False),
    "POST /builds/3/cancel": (None, False),
    "POST /builds/4/retry": (None, False),
    "POST /storage": ({"name": "more"}, False),
    "PATCH /storage/data": ({"path": "uploads"}, True),
    "DELETE /storage/data": ({"confirm": "data"}, False),
    "PATCH ": ({"name": "renamed"}, True),
    "DELETE ": ({"confirm": "app02"}, False),
}
OF_BUILDS = {"POST /builds/purge", "POST /buildpacks/update"}  # what only the next build meets
# Who tells us, who is told, what pull requests are given: of what this app runs they change nothing.
OUTSIDE = ("/webhooks", "/notifications", "/review-apps")
# The same addresses, asked for what changes nothing, or what only later pushes meet.
QUIET = [
    ("PATCH /vars", {"set": {"B": "same"}}),
    ("POST /rollback", {"version": 3}),
    ("PATCH /storage/data", {"path": None}),
    ("PATCH ", {"gate": "build", "protected": True, "deploy_branch": "next"}),
    ("PATCH ", {"name": "app02"}),
]


@pytest.fixture
def app(side, api):
    app = side.app()
    side.release(app)
    side.release(app, commit="b" * 40)
    with side.db.write() as tx:
        for state in (None, BuildState.FAILED):
            made = builds.add_build(tx, app.id, "c" * 40, source="push", who="me")
            if state:
                builds.cancel(tx, made, "x")
    api("PATCH", f"{HERE}/vars", json={"set": {"B": "same"}})
    side.settle(app)
    api("POST", f"{HERE}/storage", json=DATA)
    api("POST", f"{HERE}/domains", json={"name": "old.example.com"})
    return app


def versions(side, app):
    with side.db.read() as tx:
        return [one.version for one in list(releases.newest_first(tx, app.id))]


def ask(api, what, body):
    method, _, below = what.partition(" ")
    status, answer = api(method, f"{HERE}{below}", json=body if body is not None else {})
    assert status in (200, 201), answer
    return answer


def test_every_address_that_changes_anything_is_tried():
    """A new one has to be put into the table."""
    shapes = {
        f"{method} {rule.removeprefix('/api/apps/<environment>/<app>')}"
        for method, rule in DEPLOYING | ADMINISTERING
        if not rule.removeprefix("/api/apps/<environment>/<app>").startswith(OUTSIDE)
    }
    tried = {
        what.replace("/1", "/<number>")
        .replace("/3/", "/<number>/")
        .replace("/4/", "/<number>/")
        .replace("/storage/data", "/storage/<name>")
        .replace("/workers/worker", "/workers/<target>")
        .replace("/targets/worker", "/targets/<target>")
        .replace("/old.example.com", "/<name>")
        for what in ASKED
    }

    assert tried == shapes - OF_BUILDS


@pytest.mark.parametrize("what", ASKED)
def test_what_alters_what_runs_is_a_numbered_release(api, side, app, what):
    body, is_release = ASKED[what]
    before = versions(side, app)

    answer = ask(api, what, body)

    assert versions(side, app) == ([before[0] + 1] if is_release else []) + before
    if is_release:
        assert answer["release"] == before[0] + 1
        assert answer["rollout"] is not None
        with side.db.read() as tx:
            made = next(releases.newest_first(tx, app.id))
        assert made.cause
        assert made.who == "admin"


@pytest.mark.parametrize(("what", "body"), QUIET)
def test_what_alters_nothing_that_runs_is_none(api, side, app, what, body):
    before = versions(side, app)

    ask(api, what, body)

    assert versions(side, app) == before
