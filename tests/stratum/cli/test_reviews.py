"""`stratum review-apps`."""

from dataclasses import replace

from stratum.model import DeliveryState, PullRequest
from stratum.store import reviews, webhooks
from stratum.verbs import pulls
from stratum.verbs import reviews as verbs
from tests.there import there

WHERE = ("-E", "MyProdEnv", "-A", "app02", "review-apps")
PULL = PullRequest(7, True, "refs/pull/7/head", "topic", "3f2c1ab" + "0" * 33, "octo/app", "octo/app", False)


def made(terminal, side, app):
    """Have a pull request told of, and its app made."""
    terminal(*WHERE[:4], "webhooks", "create", "github", "https://git.example.com/octo/app.git")
    with side.db.write() as tx:
        hook = webhooks.list_webhooks(tx, app.id)[0]
        assert pulls.follow(tx, app, hook, PULL) is None
        return verbs.app_for(tx, app, PULL.number)


def test_they_are_enabled_listed_and_disabled(terminal, side):
    app = side.app()
    said = terminal(*WHERE, "enable", "--limit", "2", "--vars", "LANGUAGE, FEATURES", "--set", "MODE=review")
    assert said.err.startswith(
        "Pull requests are given review apps, up to 2 at once. What tells of them comes first"
    )
    made(terminal, side, app)
    listed = terminal(*WHERE)

    assert "variables lent: LANGUAGE, FEATURES, MODE" in listed.err
    assert listed.out.splitlines()[1].split()[:3] == ["7", "open", "app02-pr-7"]
    found = terminal(*WHERE, "list", "--json").rows[0]
    assert (found["limit"], found["ttl_days"], found["enabled"]) == (2, 14, True)
    assert found["pull_requests"][0]["url"].startswith("http://app02-pr-7.myprodenv.")
    assert terminal(*WHERE, "enable", "--vars", "").err.endswith("up to 2 at once.\n")
    assert terminal(*WHERE, "list", "--json").rows[0]["variables"] == []
    assert "no review apps any more" in terminal(*WHERE, "disable").err
    assert "stratum review-apps enable" in terminal(*WHERE).err


def test_one_is_destroyed_by_its_number(terminal, side):
    app = side.app()
    terminal(*WHERE, "enable")
    of_it = made(terminal, side, app)
    assert terminal(*WHERE, "destroy", "7").err == "The app of pull request 7 is being destroyed.\n"
    unknown = terminal(*WHERE, "destroy", "8")

    assert (unknown.code, unknown.err.splitlines()[-1]) == (
        1,
        "stratum review-apps lists those that were told of.",
    )
    side.settle(of_it)
    with side.db.read() as tx:
        assert reviews.count_apps(tx, app.id) == 0
    assert terminal(*WHERE, "destroy", "7").err == "Pull request 7 has no review app.\n"


def test_the_end_of_an_app_names_the_review_apps_that_go_with_it(terminal, side):
    app = side.app()
    terminal(*WHERE, "enable")
    made(terminal, side, app)
    terminal(*WHERE[:4], "storage", "create", "data")
    said = terminal("apps", "destroy", "app02", "-E", "MyProdEnv", stdin="other\n")

    assert said.code == 1
    assert ", with its storage: data (" in said.err
    assert ") and its review apps: app02-pr-7. Type its name to confirm:" in said.err


def test_what_comes_from_a_fork_is_approved_by_its_number(terminal, side):
    app = side.app()
    terminal(*WHERE, "enable")
    terminal(*WHERE[:4], "webhooks", "create", "github", "https://git.example.com/octo/app.git")
    with side.db.write() as tx:
        hook = webhooks.list_webhooks(tx, app.id)[0]
        strange = replace(PULL, source="mallory/app", is_fork=True)
        assert there(pulls.follow(tx, app, hook, strange)).state is DeliveryState.DONE
    assert terminal(*WHERE).out.splitlines()[1].split()[:2] == ["7", "waiting"]
    said = terminal(*WHERE, "approve", "7", "--commit", "3F2C1AB", "--with-vars")

    assert said.err == (
        "Approved 3f2c1ab00000 of mallory/app: stratum -E MyProdEnv -A app02-pr-7 builds follow 1\n"
    )
    found = terminal(*WHERE, "list", "--json").rows[0]["pull_requests"][0]
    assert (found["approved"], found["status"]) == (PULL.commit, "open")
    assert terminal(*WHERE, "approve", "7", "--commit", "abc").code == 1


def test_values_are_named_but_never_shown(terminal, side):
    side.app()
    terminal(*WHERE, "enable", "--set", "TOKEN=s3cret")

    assert terminal(*WHERE, "list", "--json").rows[0]["values"] == ["TOKEN"]
    assert "s3cret" not in terminal(*WHERE, "list", "--json").out
    assert b"s3cret" not in side.instance.layout.database.read_bytes()


def test_what_cannot_be_a_variable_is_refused(terminal, side):
    side.app()

    assert "cannot name a variable" in terminal(*WHERE, "enable", "--vars", "A-B").err
    assert "Stratum sets it itself" in terminal(*WHERE, "enable", "--set", "STRATUM_APP=x").err


def test_a_review_app_has_none_of_its_own(terminal, side):
    app = side.app()
    terminal(*WHERE, "enable")
    made(terminal, side, app)
    of_review = ("-E", "MyProdEnv", "-A", "app02-pr-7")

    assert "is a review app itself" in terminal(*of_review, "review-apps", "enable").err
    refused = terminal(*of_review, "webhooks", "create", "github", "https://git.example.com/octo/app.git")
    assert "follows pull request 7" in refused.err
