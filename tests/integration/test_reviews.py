"""From a pull request to its review app: real deliveries, a real git server elsewhere, a real fetch."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stratum.errors import Conflict
from stratum.model import App, DeliveryState, RecordedDelivery
from stratum.secrets import seal, unseal
from stratum.store import environments, formation, releases, reviews, statuses, volumes
from stratum.store.clock import now
from stratum.verbs.reviews import app_for, end_forgotten
from tests.gitweb import run_git
from tests.integration.test_webhooks import road, web
from tests.pulls import PULLS, Pull, push_pull
from tests.repos import git
from tests.road import Road

pytestmark = pytest.mark.integration

__all__ = ["web"]  # a fixture
SECRET = "the parent's own"
FIRST = Pull()


@pytest.fixture
def way(web, tmp_path: Path) -> Iterator[Road]:
    with road(web, tmp_path) as found:
        (found.elsewhere.folder / "octo").symlink_to(found.elsewhere.folder)
        found.elsewhere.url = found.elsewhere.url.replace("/app.git", "/octo/app.git")
        yield found


def enable(way: Road, provider: str = "github", **values: object) -> None:
    way.hook(provider)
    set_variables(way, way.app, {"DATABASE_URL": SECRET, "LANGUAGE": "eo"})
    way.ask("PATCH", "/review-apps", {"enabled": True, **values})


def set_variables(way: Road, app: App, values: dict[str, str]) -> None:
    sealed = seal(way.web.instance.layout.config_key, values)
    with way.web.db.write() as tx:
        releases.add_config(tx, app.id, sealed)


def variables(way: Road, app: App) -> dict[str, str]:
    with way.web.db.read() as tx:
        sealed = releases.get_config(tx, app.id, releases.config_version(tx, app.id))
    return unseal(way.web.instance.layout.config_key, sealed)


def review_app(way: Road, number: int = 7) -> App:
    found = found_app(way, number)
    assert found is not None
    return found


def found_app(way: Road, number: int = 7) -> App | None:
    with way.web.db.read() as tx:
        return environments.find_app(tx, way.app.environment.name, f"{way.app.name}-pr-{number}")


def opened(way: Road, pull: Pull = FIRST, **files: str) -> Pull:
    """Open a pull request there, tell of it, and do what a fetcher does."""
    told = push_pull(way.elsewhere, pull, files or {"a.txt": "one"})
    status, said = way.tell(told)
    assert (status == 202) == (said["build"] is not None)
    way.fetch()
    return told


def commits(way: Road, app: App) -> list[str]:
    return [build.commit for build in way.web.builds(app) if build.commit]


def gone(way: Road, app: App) -> None:
    """Do what an applier does at the end of an app."""
    with way.web.db.write() as tx:
        environments.remove_app(tx, app.id)


def done(way: Road) -> RecordedDelivery:
    return way.newest()


@pytest.mark.parametrize("provider", sorted(PULLS))
def test_an_opened_pull_request_is_built_by_an_app_of_its_own_and_closed_it_is_destroyed(way, provider):
    enable(way, provider)
    first = opened(way)
    made = review_app(way)

    assert (done(way).state, done(way).reason) == (DeliveryState.PUSHED, f"{made.name}, build #1")
    assert commits(way, made) == [first.commit]
    assert made.review is not None
    assert made.review.number == 7
    second = opened(way, first.then("pushed"), **{"b.txt": "two"})
    assert commits(way, made) == [first.commit, second.commit]
    assert way.deployed() == [], "the parent runs what it has run"
    assert way.tell(second.then("closed"))[0] == 200
    assert done(way).state is DeliveryState.DONE
    assert review_app(way).destroying
    gone(way, made)
    assert found_app(way) is None
    assert way.ask("GET", "/review-apps")["pull_requests"][0]["status"] == "closed"


def test_nothing_is_lent_but_what_is_named(way):
    enable(way, variables=["LANGUAGE", "ABSENT"], values={"MODE": "review"})
    opened(way)

    assert variables(way, review_app(way)) == {"LANGUAGE": "eo", "MODE": "review"}
    assert way.ask("GET", "/review-apps")["pull_requests"][0]["lent"] == ["LANGUAGE", "MODE"]
    assert variables(way, way.app) == {"DATABASE_URL": SECRET, "LANGUAGE": "eo"}


def test_by_default_nothing_is_lent(way):
    enable(way)
    opened(way)

    assert variables(way, review_app(way)) == {}


def test_what_is_lent_follows_and_what_its_people_have_set_stays(way):
    enable(way, variables=["LANGUAGE"])
    pull = opened(way)
    set_variables(way, review_app(way), {"LANGUAGE": "eo", "OWN": "kept"})
    way.ask("PATCH", "/review-apps", {"variables": []})
    opened(way, pull.then("pushed"), **{"b.txt": "two"})

    assert variables(way, review_app(way)) == {"OWN": "kept"}


def test_it_begins_with_what_its_app_json_says_and_keeps_that(way):
    enable(way)
    asked = {
        "env": {"SECRET_KEY": {"generator": "secret"}, "MODE": "production", "STRIPE_KEY": {}},
        "environments": {
            "review": {"env": {"MODE": "review"}, "formation": {"worker": {"quantity": 2}}},
        },
    }
    pull = opened(way, FIRST, **{"app.json": json.dumps(asked)})
    made, first = review_app(way), variables(way, review_app(way))
    opened(way, pull.then("pushed"), **{"b.txt": "two"})

    assert (first["MODE"], len(first["SECRET_KEY"]), "STRIPE_KEY" in first) == ("review", 64, False)
    assert variables(way, made) == first
    assert done(way).reason == f"{made.name}, build #2; it lacks STRIPE_KEY, which its app.json requires"
    with way.web.db.read() as tx:
        assert formation.get_formation(tx, made.id).scales == {"worker": 2}
    assert variables(way, way.app) == {"DATABASE_URL": SECRET, "LANGUAGE": "eo"}


def test_an_app_json_that_cannot_be_used_is_told_with_its_place(way):
    enable(way)
    opened(way, FIRST, **{"app.json": json.dumps({"env": {"A": 5}})})

    assert done(way).state is DeliveryState.FAILED
    assert "env.A: 5 is no text" in done(way).reason
    assert commits(way, review_app(way)) == []


def test_it_has_its_parents_settings_and_storage_of_its_own(way):
    enable(way)
    with way.web.db.write() as tx:
        environments.set_settings(tx, way.app.id, {"max_processes": 3, "protected": True})
        environments.set_deploy_branch(tx, way.app.id, "trunk")
        volumes.add_volume(tx, way.app.id, "uploads", "public/uploads")
    opened(way)
    made = review_app(way)

    assert (made.max_processes, made.protected, made.deploy_branch) == (3, False, "trunk")
    with way.web.db.read() as tx:
        assert dict(releases.mounts_in_force(tx, made.id)) == {"uploads": "public/uploads"}
        assert formation.get_formation(tx, made.id).scales == {}


def test_its_builds_are_told_to_the_git_server_beside_those_of_its_parent(way):
    enable(way)
    way.api("PATCH", f"/{way.path.rpartition('/')[2]}", {"statuses": True, "status_token": "t"})
    pull = opened(way)
    git(
        way.elsewhere.work, "push", "--quiet", str(way.elsewhere.folder / "app.git"), "HEAD:refs/heads/master"
    )
    way.deliver()
    way.fetch()

    with way.web.db.read() as tx:
        told = statuses.list_statuses(tx, way.newest().webhook_id, 9)
    assert [(one.context, one.build, one.commit) for one in told] == [
        (f"stratum/{way.app.label}", way.web.builds(way.app)[-1].number, pull.commit),
        (f"stratum/{way.app.label}-pr-7", 1, pull.commit),
    ]


def test_what_is_told_while_review_apps_are_not_enabled_is_ignored_with_the_reason(way):
    way.hook()

    status, said = way.tell(push_pull(way.elsewhere, Pull(), {"a.txt": "one"}))

    assert (status, said["verdict"]) == (200, "ignored")
    assert "stratum review-apps enable" in said["reason"]
    assert found_app(way) is None


def test_once_disabled_no_more_are_made_and_those_there_are_end_with_their_pull_requests(way):
    enable(way)
    pull = opened(way)
    way.ask("PATCH", "/review-apps", {"enabled": False})
    opened(way, pull.then("pushed"), **{"b.txt": "two"})

    assert (done(way).state, done(way).reason) == (DeliveryState.IGNORED, "review apps are not enabled")
    assert commits(way, review_app(way)) == [pull.commit]
    assert way.tell(Pull(number=8))[0] == 200
    way.tell(pull.then("pushed").then("closed"))
    way.fetch()
    assert review_app(way).destroying


def test_there_are_no_more_at_once_than_is_allowed(way):
    enable(way, most=1)
    pull = opened(way)
    other = opened(way, Pull(number=8, branch="other"))

    assert done(way).state is DeliveryState.FAILED
    assert "has 1 review apps, and may have no more" in done(way).reason
    assert found_app(way, 8) is None
    way.tell(pull.then("closed"))
    way.fetch()
    opened(way, other.then("pushed"), **{"c.txt": "three"})
    assert found_app(way, 8) is not None, "one that is being destroyed does not count"


def test_an_app_that_has_the_name_is_left_alone(way):
    enable(way)
    with way.web.db.write() as tx:
        other = environments.add_app(tx, way.app.environment, f"{way.app.name}-pr-7")
    opened(way)

    assert done(way).state is DeliveryState.FAILED
    assert "is no review app of this pull request" in done(way).reason
    assert commits(way, other) == []
    way.tell(Pull().then("closed"))
    way.fetch()
    assert not review_app(way).destroying


def test_a_replay_of_what_was_ignored_makes_the_app_once_review_apps_are_enabled(way):
    way.hook()
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    number = way.tell(pull)[1]["delivery"]
    way.ask("PATCH", "/review-apps", {"enabled": True})
    way.api("POST", f"/deliveries/{number}/replay")

    assert way.fetch().state is DeliveryState.PUSHED
    assert commits(way, review_app(way)) == [pull.commit]


def test_what_is_told_late_brings_nothing_back(way):
    enable(way)
    pull = opened(way)
    way.tell(pull.then("closed"))
    way.fetch()
    gone(way, review_app(way))
    way.tell(pull)

    assert way.fetch().state is DeliveryState.IGNORED
    assert "something later was told" in done(way).reason
    assert found_app(way) is None


def test_of_two_that_wait_the_one_that_happened_last_counts_whichever_came_last(way):
    enable(way)
    pull = push_pull(way.elsewhere, Pull(), {"a.txt": "one"})
    way.tell(pull.then("closed"))
    way.tell(pull)
    way.fetch()

    assert found_app(way) is None


def test_one_that_is_opened_again_while_it_is_still_being_destroyed_waits_for_that(way):
    enable(way)
    pull = opened(way)
    first = review_app(way)
    way.tell(pull.then("closed"))
    way.fetch()
    way.tell(pull.then("closed").then("reopened"))

    assert way.fetch().state is DeliveryState.QUEUED
    assert "still being destroyed" in done(way).reason
    gone(way, first)
    way.put_off_no_longer()
    assert way.fetch().state is DeliveryState.PUSHED
    assert review_app(way).id != first.id


def test_one_that_is_destroyed_by_hand_comes_back_with_the_next_push(way):
    enable(way)
    pull = opened(way)
    first = review_app(way)
    assert way.ask("DELETE", "/review-apps/7")["changed"]
    gone(way, first)
    opened(way, pull.then("pushed"), **{"b.txt": "two"})

    assert review_app(way).id != first.id


def test_one_of_which_nothing_is_heard_any_more_goes_by_itself(way):
    enable(way, ttl_days=2)
    opened(way)
    with way.web.db.write() as tx:
        assert end_forgotten(tx, now() + timedelta(days=1)) == []
        assert end_forgotten(tx, now() + timedelta(days=3)) == [review_app(way).label]
        assert end_forgotten(tx, now() + timedelta(days=3)) == []

    assert review_app(way).destroying


def test_with_its_parent_it_is_destroyed_too(way):
    enable(way)
    opened(way)
    way.ask("DELETE", "", {"confirm": way.app.name})

    assert review_app(way).destroying


def test_none_is_made_for_a_parent_that_is_being_destroyed_meanwhile(way):
    enable(way)
    opened(way)
    gone(way, review_app(way))
    way.ask("DELETE", "", {"confirm": way.app.name})

    with way.web.db.write() as tx, pytest.raises(Conflict, match="is being destroyed"):
        app_for(tx, way.app, 7)


def test_nobody_pushes_to_it_but_its_web_hook(way):
    enable(way)
    opened(way)
    made = review_app(way)
    pushed = run_git(way.elsewhere.work, "push", way.web.url(made), f"HEAD~1:{made.deploy_branch}", "--force")

    assert pushed.code == 1
    assert f"follows pull request 7 of {way.app.name}" in pushed.said


def test_two_web_hooks_that_tell_of_the_same_number_do_not_fight_over_an_app(way):
    enable(way)
    pull = opened(way)
    way.hook()
    opened(way, pull.then("pushed"), **{"b.txt": "two"})

    assert done(way).state is DeliveryState.FAILED
    assert "another web hook" in done(way).reason


def test_a_number_whose_row_is_old_is_forgotten(way):
    enable(way)
    pull = opened(way)
    way.tell(pull.then("closed"))
    way.fetch()
    tomorrow = now() + timedelta(days=1)
    with way.web.db.write() as tx:
        reviews.forget_ended(tx, tomorrow)
        assert reviews.find_review(tx, way.app.id, 7) is not None, "it is still being destroyed"
    gone(way, review_app(way))
    with way.web.db.write() as tx:
        reviews.forget_ended(tx, tomorrow)
        assert reviews.find_review(tx, way.app.id, 7) is None


def test_a_parent_whose_name_is_too_long_is_told_so(way):
    enable(way)
    with way.web.db.write() as tx:
        environments_name = "a" * 60
        from stratum.store.names import rename_app

        rename_app(tx, way.app, environments_name)
    way.app = replace(way.app, name=environments_name)
    opened(way)

    assert done(way).state is DeliveryState.FAILED
    assert "cannot name an app" in done(way).reason
