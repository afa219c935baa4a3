"""Environments and apps: names, stages, destruction."""

import pytest

HERE = "/apps/MyProdEnv/app02"


def test_an_environment_is_made_with_a_stage(api):
    status, made = api(
        "POST", "/environments", json={"name": "MyProdEnv", "stage": "staging", "start_all": True}
    )

    made.pop("created_at")
    assert (status, made) == (201, {"name": "MyProdEnv", "stage": "staging", "start_all": True})
    assert api("POST", "/environments", json={"name": "myprodenv"}) == (
        409,
        {
            "error": "already-exists",
            "message": "The environment 'myprodenv' exists already "
            "(names are compared without regard to case).",
            "hint": "",
        },
    )


@pytest.mark.parametrize("name", ["", "a.b", "-a", "a" * 64, "api", "WWW", "a b", "ä", "a\n"])
def test_a_name_must_be_a_dns_label_and_not_reserved(api, side, name):
    side.app()

    for path, body in (
        ("/environments", {"name": name}),
        ("/apps", {"environment": "MyProdEnv", "name": name}),
    ):
        status, said = api("POST", path, json=body)
        assert (status, said["error"]) == (422, "invalid-name")
        reserved = name in {"api", "WWW"}
        assert said["hint"].startswith(
            "Choose another" if reserved else "Use 1 to 63 letters, digits and hyph"
        )


def test_an_app_gets_a_repository_and_an_address(api, side):
    api("POST", "/environments", json={"name": "MyProdEnv"})

    status, made = api("POST", "/apps", json={"environment": "myprodenv", "name": "App02"})

    assert status == 201
    assert (made["environment"], made["name"]) == ("MyProdEnv", "App02")
    assert made["url"] == "http://app02.myprodenv.localhost:8080"
    assert (side.instance.layout.repo(1) / "HEAD").exists()
    assert api("GET", "/apps/MYPRODENV/app02")[1]["release"] is None


def test_an_environment_with_apps_stays(api, side):
    side.app()

    assert api("DELETE", "/environments/MyProdEnv") == (
        409,
        {
            "error": "conflict",
            "message": "The environment still has 1 app(s).",
            "hint": "Destroy them first: stratum apps destroy APP -E ENVIRONMENT.",
        },
    )
    assert api("DELETE", "/environments/Nope")[0] == 404


def test_destruction_needs_the_name(api, side):
    side.app()

    status, said = api("DELETE", HERE, json={"confirm": "app2"})

    assert status == 409
    assert said["message"] == "'app2' is not the name of this app, so nothing is destroyed."
    assert api("GET", HERE)[1]["destroying"] is False


def test_an_app_being_destroyed_takes_no_more_orders(api, side):
    app = side.app()
    side.release(app)

    first = api("DELETE", HERE, json={"confirm": "app02"})[1]
    again = api("DELETE", HERE, json={"confirm": "app02"})[1]

    assert (first["changed"], first["rollout"]) == (True, 2)
    assert (again["changed"], again["rollout"]) == (False, None)
    assert api("GET", HERE)[1]["destroying"] is True
    assert api("PUT", f"{HERE}/formation", json={"web": 2}) == (
        409,
        {
            "error": "conflict",
            "message": "MyProdEnv/app02 is being destroyed.",
            "hint": "Wait until it is gone.",
        },
    )
    side.settle(app)
    assert api("GET", HERE)[0] == 404


def test_an_app_says_which_branch_deploys(api, side):
    api("POST", "/environments", json={"name": "MyProdEnv"})
    _, made = api(
        "POST", "/apps", json={"environment": "MyProdEnv", "name": "app02", "deploy_branch": "release/1"}
    )
    head = side.instance.layout.repo(1) / "HEAD"
    first = head.read_text()

    status, changed = api("PATCH", HERE, json={"deploy_branch": "stable"})

    assert (made["deploy_branch"], first) == ("release/1", "ref: refs/heads/release/1\n")
    assert (status, changed["deploy_branch"]) == (200, "stable")
    assert head.read_text() == "ref: refs/heads/stable\n"


@pytest.mark.parametrize("branch", ["", "a..b", "-", "a b", "refs/heads/x", "a~1", "x.lock", "a\n"])
def test_a_branch_that_git_would_not_have_is_refused(api, side, branch):
    side.app()

    status, said = api("PATCH", HERE, json={"deploy_branch": branch})

    assert (status, said["error"]) == (422, "invalid-branch")
