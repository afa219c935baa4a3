"""401, then 404, then 403: what each caller learns."""

import pytest

from stratum.model import Grant, Right

MISSING = {
    "error": "not-found",
    "message": "There is no app 'MyProdEnv/app02' here that you may use.",
    "hint": "",
}


@pytest.mark.parametrize("path", ["/api/whoami", "/api/apps/MyProdEnv/app02", "/api/nothing", "/api"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic OmFiYw=="},
        {"Authorization": "Digest x"},
        {"Authorization": "Bearer \xff"},
    ],
)
def test_no_or_wrong_credentials_are_401_for_every_address(client, path, headers):
    answer = client.get(path, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert answer.get_json() == {
        "error": "bad-credentials",
        "message": "This needs a valid token.",
        "hint": "Sign in with: stratum login URL.",
    }


def test_a_token_works_as_basic_password_too(client, side):
    assert client.get("/api/whoami", auth=("anybody", side.admin)).get_json()["name"] == "admin"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_one_has_no_right_to_looks_like_what_does_not_exist(api, side, method):
    stranger = side.token("stranger")

    before = api(method, "/apps/MyProdEnv/app02", token=stranger, json={"confirm": "app02"})
    side.app()
    after = api(method, "/apps/MyProdEnv/app02", token=stranger, json={"confirm": "app02"})

    assert before == after == (404, MISSING)


def test_a_bad_body_tells_a_stranger_nothing_either(api, side):
    side.app()

    status, said = api("PUT", "/apps/MyProdEnv/app02/formation", json=[], token=side.token("stranger"))

    assert (status, said) == (404, MISSING)


def test_a_reader_who_writes_is_403(api, side):
    app = side.app()
    reader = side.token("reader", Grant(app.environment.id, app.id, Right.READ))

    assert api("GET", "/apps/MyProdEnv/app02", token=reader)[0] == 200
    assert api("POST", "/apps/MyProdEnv/app02/workers/web", token=reader) == (
        403,
        {
            "error": "not-allowed",
            "message": "Your token may read MyProdEnv/app02, but not change what runs there.",
            "hint": "Ask an administrator for one that may.",
        },
    )


def test_lists_hold_what_one_may_see(api, side):
    seen = side.app("seen")
    side.app("unseen")
    side.app("elsewhere", "Other")
    reader = side.token("reader", Grant(seen.environment.id, seen.id, Right.READ))

    assert [app["name"] for app in api("GET", "/apps", token=reader)[1]] == ["seen"]
    assert [one["name"] for one in api("GET", "/environments", token=reader)[1]] == ["MyProdEnv"]
    assert api("GET", "/status", token=reader)[1]["counts"] == {"environments": 1, "apps": 1}
    assert len(api("GET", "/apps")[1]) == 3


def test_who_administers_one_app_creates_no_other_in_its_environment(api, side):
    app = side.app()
    one = side.token("one", Grant(app.environment.id, app.id, Right.ADMIN))
    deployer = side.token("deployer", Grant(app.environment.id, None, Right.DEPLOY))
    whole = side.token("whole", Grant(app.environment.id, None, Right.ADMIN))
    wanted = {"environment": "MyProdEnv", "name": "another"}

    refused = {
        name: api("POST", "/apps", json=wanted, token=token)
        for name, token in {"one": one, "deployer": deployer}.items()
    }

    assert [status for status, _ in refused.values()] == [403, 403]
    assert refused["one"][1]["message"] == "Your token may read MyProdEnv, but not create apps in it."
    assert refused["deployer"][1]["message"] == (
        "Your token may deploy to MyProdEnv, but not create apps in it."
    )
    assert api("POST", "/apps", json=wanted, token=side.token("stranger"))[0] == 404
    assert api("POST", "/apps", json=wanted, token=whole)[0] == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/environments", {"name": "New"}),
        ("GET", "/tokens", None),
        ("POST", "/tokens", {"name": "x", "admin": True}),
        ("DELETE", "/tokens/admin", None),
    ],
)
def test_administration_needs_an_administrator(api, side, method, path, body):
    app = side.app()
    deployer = side.token("deployer", Grant(app.environment.id, None, Right.DEPLOY))

    assert api(method, path, json=body, token=deployer)[0] == 403
