"""Environments and apps: names, stages, destruction."""

import pytest

from stratum.model import Grant, Right
from stratum.store import names, releases
from tests.repos import git, make_repo

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


def test_an_app_is_made_though_its_repository_cannot_be_yet(api, side):
    """git's first contact makes it; a failure would have the caller create what exists already."""
    api("POST", "/environments", json={"name": "MyProdEnv"})
    repos = side.instance.layout.repos
    repos.rmdir()
    repos.write_text("")

    status, made = api("POST", "/apps", json={"environment": "MyProdEnv", "name": "app02"})

    assert (status, made["name"]) == (201, "app02")
    repos.unlink()
    repos.mkdir()


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


@pytest.mark.parametrize(
    "branch", ["", "a..b", "-", "a b", "refs/heads/x", "a~1", "x.lock", "a\n", "x" * 251, "a/" * 50 + "b"]
)
def test_a_branch_that_git_would_not_have_is_refused(api, side, branch):
    side.app()

    status, said = api("PATCH", HERE, json={"deploy_branch": branch})

    assert (status, said["error"]) == (422, "invalid-branch")


def test_settings_are_changed_one_by_one(api, side):
    side.app()
    _, before = api("GET", HERE)
    own = {"gate": "build", "protected": True, "max_push_bytes": 1000, "max_repo_bytes": 2000}
    own |= {"supersede_running": True, "roll_back_within_s": 300, "max_processes": 20, "plain_http": True}

    for name, value in own.items():
        status, changed = api("PATCH", HERE, json={name: value})
        assert (status, changed[name]) == (200, value)
    _, after = api("GET", HERE)
    assert {name: after[name] for name in own} == own
    assert after["limits"] == {"push_bytes": 1000, "repo_bytes": 2000, "processes": 20}
    assert before["limits"] == {"push_bytes": 1 << 30, "repo_bytes": 5 << 30, "processes": 100}
    assert (before["gate"], before["max_push_bytes"], before["repo_bytes"]) == ("none", None, 0)

    api(
        "PATCH",
        HERE,
        json={
            "gate": "none",
            "max_push_bytes": None,
            "max_repo_bytes": None,
            "protected": False,
            "supersede_running": False,
            "roll_back_within_s": None,
            "max_processes": None,
            "plain_http": False,
        },
    )
    assert api("GET", HERE)[1] == before
    assert api("PATCH", HERE, json={})[1]["changed"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"gate": "yes"},
        {"gate": None},
        {"protected": 1},
        {"supersede_running": "yes"},
        {"protected": None},
        {"max_push_bytes": 0},
        {"max_push_bytes": "1"},
        {"max_repo_bytes": 1.5},
        {"max_repo_bytes": 1 << 60},
        {"max_processes": -1},
        {"max_processes": "20"},
        {"plain_http": "yes"},
        {"roll_back_within_s": 0},
        {"roll_back_within_s": 86_401},
        {"deploy_branch": None},
        {"size": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(api, side, body):
    side.app()

    assert api("PATCH", HERE, json=body)[0] == 422


def test_only_an_administrator_goes_above_the_servers_limits(api, side):
    app = side.app()
    mine = side.token("mine", Grant(app.environment.id, app.id, Right.ADMIN))
    deploy = side.token("deploy", Grant(app.environment.id, app.id, Right.DEPLOY))
    above = {"max_push_bytes": (1 << 30) + 1}

    assert api("PATCH", HERE, json={"max_repo_bytes": 5 << 30}, token=mine)[0] == 200
    status, said = api("PATCH", HERE, json=above, token=mine)
    assert (status, said["message"]) == (
        403,
        "Your token may administer MyProdEnv/app02, but not give it more than the server's own limits.",
    )
    assert api("PATCH", HERE, json={"max_processes": 1}, token=mine)[0] == 403
    assert api("PATCH", HERE, json={"protected": True}, token=deploy)[0] == 403
    assert api("PATCH", HERE, json=above)[0] == 200
    assert api("GET", HERE, token=deploy)[1]["limits"]["push_bytes"] == (1 << 30) + 1


def test_what_the_repository_holds_is_shown(api, side, tmp_path):
    api("POST", "/environments", json={"name": "MyProdEnv"})
    api("POST", "/apps", json={"environment": "MyProdEnv", "name": "app02"})
    source = make_repo(tmp_path / "source", {"Procfile": "web: x\n"})
    git(source, "push", "-q", str(side.instance.layout.repo(1)), "master")

    assert api("GET", HERE)[1]["repo_bytes"] > 100


def test_a_renamed_app_is_released_again_under_its_new_name(api, side):
    app = side.app()
    side.release(app)

    status, done = api("PATCH", HERE, json={"name": "shop"})

    assert (status, done["name"], done["url"]) == (200, "shop", "http://shop.myprodenv.localhost:8080")
    assert (done["changed"], done["rollout"], done["release"]) == (True, 2, 2)
    with side.db.read() as tx:
        newest, oldest = list(releases.newest_first(tx, app.id))
    assert (newest.app_name, newest.cause, newest.slug) == ("shop", "rename to shop", oldest.slug)
    assert oldest.app_name == "app02"
    assert api("PATCH", "/apps/MyProdEnv/shop", json={"name": "shop"})[1]["changed"] is False


def test_a_name_is_given_by_who_administers_the_environment(api, side):
    """Else who owns any app takes the former name of another, and with it its remotes and its address."""
    victim, app = side.app("shop"), side.app("mine")
    mine = side.token("mine", Grant(app.environment.id, app.id, Right.ADMIN))
    whole = side.token("whole", Grant(app.environment.id, None, Right.ADMIN))
    assert api("PATCH", "/apps/MyProdEnv/shop", json={"name": "store"}, token=whole)[0] == 200

    for name in ("shop", "free", "MINE"):
        wanted = {"name": name, "protected": True}
        status, said = api("PATCH", "/apps/MyProdEnv/mine", json=wanted, token=mine)
        assert (status, said["message"]) == (
            403,
            "Your token may read MyProdEnv, but not rename apps in it.",
        )
    assert api("GET", "/apps/MyProdEnv/mine")[1]["protected"] is False
    assert api("GET", "/apps/MyProdEnv/shop")[1]["error"] == "renamed"
    with side.db.read() as tx:
        assert names.names_of(tx, victim.id) == ("store", "shop")
    assert api("PATCH", "/apps/MyProdEnv/mine", json={"name": "mine"}, token=mine)[0] == 200
    assert api("PATCH", "/apps/MyProdEnv/mine", json={"name": "shop"}, token=whole)[0] == 200


def test_an_old_name_leads_to_the_new_one_for_who_may_see_it(api, side):
    app, other = side.app(), side.app("other")
    mine = side.token("mine", Grant(app.environment.id, app.id, Right.READ))
    stranger = side.token("stranger", Grant(other.environment.id, other.id, Right.ADMIN))
    api("PATCH", HERE, json={"name": "shop"})

    for method, path, token in (
        ("GET", HERE, mine),
        ("PUT", f"{HERE}/formation", mine),
        ("GET", HERE.upper().replace("/APPS", "/apps"), None),
    ):
        status, said = api(method, path, json={}, token=token)
        assert (status, said["error"], said["hint"]) == (404, "renamed", "Use that name.")
        assert said["message"].endswith("is called MyProdEnv/shop now.")
    assert api("GET", HERE, token=stranger)[1]["error"] == "not-found"
    assert [row["name"] for row in api("GET", "/apps")[1]] == ["other", "shop"]


def test_a_new_app_takes_an_old_name_and_wins(api, side):
    app = side.app()
    api("PATCH", HERE, json={"name": "shop"})

    assert api("POST", "/apps", json={"environment": "MyProdEnv", "name": "App02"})[0] == 201
    assert api("GET", HERE)[1]["name"] == "App02"
    assert api("PATCH", "/apps/MyProdEnv/shop", json={"name": "app02"})[0] == 409
    assert api("PATCH", "/apps/MyProdEnv/shop", json={"name": "Shop"})[1]["name"] == "Shop"
    assert api("GET", "/apps/MyProdEnv/shop")[1]["name"] == "Shop"
    with side.db.read() as tx:
        assert names.names_of(tx, app.id) == ("Shop", "shop")


def test_a_name_under_which_processes_still_run_is_not_free(api, side):
    app = side.app()
    side.release(app)
    api("PATCH", HERE, json={"name": "shop"})
    wanted = {"environment": "MyProdEnv", "name": "app02"}

    status, said = api("POST", "/apps", json=wanted)
    assert (status, said["error"]) == (409, "conflict")
    assert said["message"] == "app02 is what shop was called, and its processes still run under that name."
    side.settle(app, error="it does not come up")
    assert api("POST", "/apps", json=wanted)[0] == 409
    assert api("PATCH", "/apps/MyProdEnv/shop", json={"name": "app02"})[1]["rollout"] == 3
    side.settle(app)
    api("PATCH", HERE, json={"name": "shop"})
    side.settle(app)
    assert api("POST", "/apps", json=wanted)[0] == 201


@pytest.mark.parametrize("name", ["", "a.b", "api", "other"])
def test_an_app_gets_no_name_that_cannot_be(api, side, name):
    side.app()
    side.app("other")

    assert api("PATCH", HERE, json={"name": name, "protected": True})[0] in (409, 422)
    assert api("GET", HERE)[1]["protected"] is False
