"""Tokens, whoami, status."""

from datetime import UTC, datetime, timedelta

import pytest

from stratum.door.fencing import fences
from stratum.door.fencing.fences import Fences
from stratum.model import Grant, Right
from stratum.store import tokens
from stratum.store.clock import now

HERE = "/apps/MyProdEnv/app02"


def test_a_token_is_shown_once_and_has_its_rights(api, side):
    side.app()
    grants = [
        {"environment": "MyProdEnv", "app": "app02", "right": "read"},
        {"environment": "myprodenv", "right": "deploy"},
    ]

    status, made = api("POST", "/tokens", json={"name": "ci", "grants": grants})
    who = api("GET", "/whoami", token=made["token"])[1]

    assert status == 201
    assert who["name"] == "ci"
    assert who["admin"] is False
    assert who["grants"] == [
        {"environment": "MyProdEnv", "app": "app02", "right": "read"},
        {"environment": "MyProdEnv", "app": None, "right": "deploy"},
    ]
    assert made["token"] not in str(api("GET", "/tokens")[1])


def test_a_revoked_token_is_worth_nothing(api):
    made = api("POST", "/tokens", json={"name": "ci", "admin": True})[1]

    assert api("DELETE", "/tokens/ci")[0] == 200
    assert api("GET", "/whoami", token=made["token"])[0] == 401
    assert api("DELETE", "/tokens/ci")[0] == 404


def test_the_last_administrator_stays(api):
    assert api("DELETE", "/tokens/admin") == (
        409,
        {
            "error": "conflict",
            "message": "admin is the only administrator's token that never expires.",
            "hint": "Create another first: stratum tokens create NAME --admin.",
        },
    )


def test_one_that_expires_is_no_last_administrator(api):
    """Or the day it expires nobody could make a token any more."""
    soon = {"name": "soon", "admin": True, "expires_at": later(1)}

    assert api("POST", "/tokens", json=soon)[0] == 201
    assert api("DELETE", "/tokens/admin")[0] == 409
    assert api("DELETE", "/tokens/soon")[0] == 200


def later(days):
    return (now() + timedelta(days=days)).isoformat()


def test_a_token_expires_and_stays_listed_with_its_last_use(api, side):
    side.app()
    made = api("POST", "/tokens", json={"name": "ci", "admin": True, "expires_at": later(1)})[1]
    assert api("GET", "/whoami", token=made["token"])[0] == 200
    with side.db.write() as tx:
        past = tokens.add_token(tx, "old", is_admin=True, expires_at=now() - timedelta(seconds=1))

    listed = {row["name"]: row for row in api("GET", "/tokens")[1]}

    assert api("GET", "/whoami", token=past) == api("GET", "/whoami", token="wrong")
    assert [(row["name"], row["expired"]) for row in listed.values()] == [
        ("admin", False),
        ("ci", False),
        ("old", True),
    ]
    assert listed["ci"]["expires_at"] == made["expires_at"]
    assert listed["ci"]["last_used_at"] is not None
    assert (listed["ci"]["created_by"], listed["admin"]["created_by"]) == ("admin", None)
    assert listed["admin"]["expires_at"] is None


@pytest.mark.parametrize(
    "given",
    [
        "2020-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2030-01-01T00:00:00",
        "soon",
        -1,
        1e308,
        [],
        True,
    ],
)
def test_an_end_that_is_none_is_refused(api, given):
    assert api("POST", "/tokens", json={"name": "ci", "admin": True, "expires_at": given})[0] == 422


HERE_TOO = {"environment": "MyProdEnv", "app": "app02", "right": "deploy"}


@pytest.fixture
def mine(side):
    """Token of who administers MyProdEnv/app02 and may deploy to the other app there."""
    app, other = side.app(), side.app("other")
    side.app("app", "Elsewhere")
    rights = (
        Grant(app.environment.id, app.id, Right.ADMIN),
        Grant(app.environment.id, other.id, Right.DEPLOY),
    )
    return side.token("mine", *rights)


def test_who_administers_an_app_makes_lists_and_revokes_tokens_for_it(api, mine):
    status, made = api("POST", "/tokens", json={"name": "ci", "grants": [HERE_TOO]}, token=mine)

    assert status == 201
    assert api("GET", "/whoami", token=made["token"])[1]["grants"] == [HERE_TOO]
    assert [(row["name"], row["created_by"]) for row in api("GET", "/tokens", token=mine)[1]] == [
        ("ci", "mine")
    ]
    assert api("DELETE", "/tokens/ci", token=mine)[0] == 200
    assert api("GET", "/whoami", token=made["token"])[0] == 401


@pytest.mark.parametrize(
    ("grant", "status", "said"),
    [
        ({"environment": "MyProdEnv"}, 403, "may read MyProdEnv, but not create tokens for it"),
        (
            {"environment": "myprodenv", "app": "other"},
            403,
            "may deploy to myprodenv/other, but not create tokens for it",
        ),
        ({"environment": "MyProdEnv", "app": "nope"}, 404, "no app 'MyProdEnv/nope' here that you may use"),
        ({"environment": "Elsewhere", "app": "app"}, 404, "no environment 'Elsewhere' here"),
        ({"environment": "Nope"}, 404, "no environment 'Nope' here"),
    ],
)
def test_nobody_makes_a_token_wider_than_what_he_administers(api, mine, grant, status, said):
    wanted = {"name": "ci", "grants": [HERE_TOO, {**grant, "right": "read"}]}

    answer = api("POST", "/tokens", json=wanted, token=mine)

    assert answer[0] == status
    assert said in answer[1]["message"]
    assert api("POST", "/tokens", json={"name": "ci", "admin": True}, token=mine)[0] == 403


def test_tokens_that_reach_further_are_neither_listed_nor_revoked(api, side, mine):
    """An administrator's, one for another app, one for both, one left without any right."""
    both = [HERE_TOO, {"environment": "MyProdEnv", "app": "other", "right": "read"}]
    api("POST", "/tokens", json={"name": "both", "grants": both})
    api("POST", "/tokens", json={"name": "away", "grants": both[1:]})
    side.token("bare")

    assert api("GET", "/tokens", token=mine)[1] == []
    for name in ("admin", "both", "away", "bare", "mine", "nope"):
        status, said = api("DELETE", f"/tokens/{name}", token=mine)
        assert (status, said["message"]) == (404, f"There is no token {name!r} here that you may use.")


def test_what_a_token_makes_does_not_outlast_it(api, side):
    app = side.app()
    end = now() + timedelta(days=2)
    with side.db.write() as tx:
        grants = (Grant(app.environment.id, None, Right.ADMIN),)
        brief = tokens.add_token(tx, "brief", is_admin=False, grants=grants, expires_at=end)

    def make(**more):
        wanted = {"name": f"t{len(more)}{more.get('expires_at', '')[8:10]}", "grants": [HERE_TOO]}
        return api("POST", "/tokens", json={**wanted, **more}, token=brief)

    assert datetime.fromisoformat(make()[1]["expires_at"]) - end.astimezone(UTC) < timedelta(seconds=1)
    assert make(expires_at=later(1))[0] == 201
    status, said = make(expires_at=later(3))
    assert (status, said["message"].endswith("UTC; one made with it cannot outlast it.")) == (422, True)


def test_tokens_that_make_no_sense_are_refused(api, side):
    side.app()
    unknown = {"name": "x", "grants": [{"environment": "Nope", "right": "read"}]}
    wrong = {"name": "x", "grants": [{"environment": "MyProdEnv", "right": "fly"}]}

    assert (
        api("POST", "/tokens", json={"name": "x"})[1]["message"] == "A token without any right is of no use."
    )
    assert api("POST", "/tokens", json={"name": "a b", "admin": True})[1]["error"] == "invalid-name"
    assert api("POST", "/tokens", json={"name": "admin", "admin": True})[0] == 409
    assert api("POST", "/tokens", json=unknown)[0] == 404
    assert api("POST", "/tokens", json=wrong)[0] == 422


def test_status_tells_which_parts_are_away_and_that_all_share_one_account(api):
    status, found = api("GET", "/status")

    found.pop("version")
    assert found.pop("disk").keys() == {"free_bytes", "total_bytes", "lack"}
    assert (status, found) == (
        200,
        {
            "fenced": False,
            "note": "Started as an ordinary user: "
            "all apps, their builds and Stratum itself share one account.",
            "parts": [
                {"part": "redis", "up": False},
                {"part": "supervisord", "up": False},
                {"part": "web", "up": False},
                {"part": "work", "up": False},
                {"part": "router", "up": False},
            ],
            "counts": {"environments": 0, "apps": 0},
            "builds": {"fences": [], "missing": {}, "refused": ""},
            "queue": {"running": 0, "queued": 0, "oldest_s": 0},
        },
    )


def test_status_tells_which_fences_builds_have(api, side):
    found = Fences(frozenset({"files"}), {"network": "unshare: Operation not permitted"}, as_user=True)
    fences.write(side.instance.layout.fences, found)

    told = api("GET", "/status")[1]["builds"]

    assert (told["fences"], told["missing"]) == (["files"], dict(found.missing))


def test_unfenced_builds_are_refused_once_others_may_push(api, side):
    side.app()
    whole = Fences(frozenset({"files", "network", "processes"}), as_user=True)
    fences.write(side.instance.layout.fences, whole)
    grants = [{"environment": "MyProdEnv", "right": "read"}]
    api("POST", "/tokens", json={"name": "reader", "grants": grants})
    before = api("GET", "/status")[1]["builds"]["refused"]
    made = api("POST", "/tokens", json={"name": "ci", "grants": [{**grants[0], "right": "push"}]})[1]

    assert before == ""
    assert "the token 'ci' may push" in api("GET", "/status")[1]["builds"]["refused"]
    told = api("GET", "/status", token=made["token"])[1]["builds"]["refused"]
    assert (
        told
        == "Builds are refused: what is pushed would have all that Stratum has here. Ask an administrator."
    )
