"""Going back to a release that ran before."""

import pytest

from stratum.door.client import Door
from stratum.model import ReleaseState
from stratum.store import releases
from tests.webside import COMMIT, SLUG

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    return side.app()


def test_a_rollback_takes_code_and_variables_of_the_one_before(api, side, app):
    side.release(app)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})
    side.settle(app)
    side.release(app, commit="b" * 40)

    change = api("POST", f"{HERE}/rollback", json={"version": 1})[1]
    side.settle(app)

    assert change == {"changed": True, "rollout": 4, "release": 4, "message": ""}
    newest = api("GET", f"{HERE}/releases")[1][0]
    assert (newest["cause"], newest["commit"], newest["current"]) == ("rollback to v1", COMMIT, True)
    assert api("GET", f"{HERE}/vars")[1] == []


def test_a_rollback_without_a_version_skips_what_failed(api, side, app):
    side.release(app)
    side.release(app, commit="b" * 40)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "bad"}})
    side.settle(app, error="no")
    side.release(app, commit="c" * 40)

    api("POST", f"{HERE}/rollback", json={})

    assert api("GET", f"{HERE}/releases")[1][0]["cause"] == "rollback to v2"


def test_a_rollback_while_a_release_is_to_come_goes_back_to_what_runs(api, side, app):
    """Its release phase may take an hour: who rolls back means to stay with what runs."""
    side.release(app)
    side.release(app, commit="b" * 40)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "slow"}})

    change = api("POST", f"{HERE}/rollback", json={})[1]

    assert (change["changed"], change["release"]) == (True, 4)
    newest = api("GET", f"{HERE}/releases")[1][0]
    assert (newest["cause"], newest["commit"]) == ("rollback to v2", "b" * 40)
    assert api("GET", f"{HERE}/vars")[1] == []


def test_rolling_back_to_what_cannot_run_is_refused(api, side, app):
    assert api("POST", f"{HERE}/rollback", json={})[1]["error"] == "nothing-released"
    side.release(app)

    none = api("POST", f"{HERE}/rollback", json={})
    unknown = api("POST", f"{HERE}/rollback", json={"version": 9})
    current = api("POST", f"{HERE}/rollback", json={"version": 1})
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "bad"}})
    side.settle(app, error="no")
    failed = api("POST", f"{HERE}/rollback", json={"version": 2})

    assert (none[0], none[1]["message"]) == (409, "MyProdEnv/app02 has no release before v1 to go back to.")
    assert (unknown[0], unknown[1]["message"]) == (404, "There is no release 'v9' here that you may use.")
    assert current[1]["message"] == "v1 is the current release; nothing changed."
    assert (failed[0], failed[1]["message"]) == (409, "v2 is failed: it never ran.")


def test_what_is_not_what_was_built_is_not_gone_back_to(api, side, app, monkeypatch):
    side.release(app)
    side.release(app, commit="b" * 40)
    monkeypatch.setattr(Door, "slug_digest", lambda _door, _app_id, _digest: "")

    verified = api("POST", f"{HERE}/releases/1/verify")[1]
    refused = api("POST", f"{HERE}/rollback", json={})

    assert verified == {"version": 1, "slug": SLUG, "found": None, "sound": False}
    assert (refused[0], refused[1]["message"]) == (409, "What v1 ran is gone, or is not what was built.")
    assert COMMIT in refused[1]["hint"]
    assert len(api("GET", f"{HERE}/releases")[1]) == 2


@pytest.mark.parametrize(("what", "address"), [("verify", "releases/1/verify"), ("rollback", "rollback")])
def test_a_slug_is_read_for_one_request_of_a_kind_at_a_time(api, side, app, monkeypatch, what, address):
    """Each takes a processor for as long as the slug has bytes, and holes are bytes, too."""
    side.release(app)
    side.release(app, commit="b" * 40)
    asked = []

    def read(*_):
        asked.append(api("POST", f"{HERE}/{address}", json={}))
        return SLUG

    monkeypatch.setattr(Door, "slug_digest", read)
    assert api("POST", f"{HERE}/{address}", json={})[0] == 200

    [(status, said)] = asked
    assert (status, said["message"]) == (
        409,
        f"What a release of {app.label} runs is being read already, for another {what}.",
    )


def test_a_pruned_release_is_built_again_not_gone_back_to(api, side, app):
    first = side.release(app)
    side.release(app, commit="b" * 40)
    with side.db.write() as tx:
        releases.set_release_state(tx, first.id, ReleaseState.PRUNED)

    back = api("POST", f"{HERE}/rollback", json={"version": 1})
    pinned = api("PATCH", f"{HERE}/releases/1", json={"pinned": True})

    assert (back[0], back[1]["message"], back[1]["hint"]) == (
        409,
        "What v1 ran is no longer kept.",
        "stratum builds retry 1 builds it again.",
    )
    assert pinned[0] == 409
    assert api("POST", f"{HERE}/rollback", json={})[0] == 409
    assert api("POST", f"{HERE}/builds/1/retry")[1]["build"] == 3
