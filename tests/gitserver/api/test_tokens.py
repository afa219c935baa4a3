"""Tokens, whoami, status."""

HERE = "/apps/MyProdEnv/app02"


def test_a_token_is_shown_once_and_has_its_rights(api, side):
    side.app()
    grants = [
        {"environment": "MyProdEnv", "app": "app02", "right": "read"},
        {"environment": "myprodenv", "right": "write"},
    ]

    status, made = api("POST", "/tokens", json={"name": "ci", "grants": grants})
    who = api("GET", "/whoami", token=made["token"])[1]

    assert status == 201
    assert who["name"] == "ci"
    assert who["admin"] is False
    assert who["grants"] == [
        {"environment": "MyProdEnv", "app": "app02", "right": "read"},
        {"environment": "MyProdEnv", "app": None, "right": "write"},
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
            "message": "admin is the only administrator's token.",
            "hint": "Create another first: stratum tokens create NAME --admin.",
        },
    )


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
        },
    )
