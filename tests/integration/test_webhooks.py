"""From a delivery to a build: real requests to the web process, a real git server elsewhere, a real fetch."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hooks.webhooks import jobs, pushing, steps
from stratum.model import BuildState, DeliveryState
from stratum.secrets import make_key
from stratum.store import deliveries, environments
from stratum.verbs.rename import rename
from tests.deliveries import PUSHES, push
from tests.gitweb import PROCFILE, FakeBuilder, GitWeb, run_git, served
from tests.receiver import receiver
from tests.repos import git
from tests.road import Road
from tests.sources import source

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[2] / "docs/webhooks.md"


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[GitWeb]:
    with served(tmp_path_factory.mktemp("w"), STRATUM_FETCH_HOSTS="127.0.0.1") as web:
        web.instance.layout.config_key.parent.mkdir()
        make_key(web.instance.layout.config_key)
        yield web


@contextmanager
def road(web: GitWeb, folder: Path) -> Iterator[Road]:
    with source(folder / "s", PROCFILE) as found:
        yield Road(web, web.new_app(), found)


@pytest.fixture
def way(web, tmp_path) -> Iterator[Road]:
    with road(web, tmp_path) as found:
        yield found


@pytest.mark.parametrize("provider", sorted(PUSHES))
def test_what_is_pushed_elsewhere_is_built_here(way, provider):
    way.hook(provider)
    tip = way.source.push({"a.txt": "one"})

    status, said = way.deliver()
    done = way.fetch()

    assert (status, said["verdict"], done.id) == (202, "queued", said["delivery"])
    assert (done.state, done.reason, done.build) == (DeliveryState.PUSHED, "", said["build"])
    assert [(build.number, build.commit) for build in way.web.builds(way.app)] == [(said["build"], tip)]
    assert way.web.builds(way.app)[0].who == f"webhook:{way.path.rpartition('/')[2]}"
    assert not way.web.instance.layout.fetch(way.app.id).exists()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_script_for_ci_jobs_that_the_documentation_shows_has_a_branch_deployed(way):
    way.hook("generic")
    tip = way.source.push({"a.txt": "one"})
    script = DOCS.read_text().partition("```sh\n")[2].partition("```")[0]
    address = f"http://127.0.0.1:{way.web.port}{way.path}"
    given = {"ADDRESS": address, "SECRET": way.secret, "BRANCH": "master", "COMMIT": tip}
    environ = {"PATH": os.environ["PATH"], **given}
    done = subprocess.run(["sh", "-eu", "-c", script], env=environ, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["build"] == way.fetch().build
    assert way.deployed() == [tip]


def test_only_what_is_new_is_fetched_the_second_time_and_forced_pushes_are_followed(way):
    way.hook()
    first = way.source.push({"big.txt": "x" * 100_000})
    way.deliver()
    way.fetch()
    git(way.source.work, "reset", "--quiet", "--hard", "HEAD~1")
    other = way.source.push({"b.txt": "another line of history"})
    way.deliver()

    assert way.fetch().state is DeliveryState.PUSHED
    assert way.deployed() == [first, other]


def test_the_same_delivery_is_done_once(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    first = way.deliver(ident="same")[1]

    assert way.deliver(ident="same") == (
        200,
        {**first, "verdict": "repeated", "reason": "it was delivered before"},
    )
    done = way.fetch()
    status, said = way.deliver(ident="same")

    assert (status, said["delivery"], said["build"]) == (200, done.id, done.build)
    assert way.newest().repeats == 2
    assert len(way.deployed()) == 1


def test_another_delivery_of_the_same_commit_builds_nothing_twice(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    way.deliver()
    first = way.fetch()
    way.deliver()
    second = way.fetch()

    assert second.state is DeliveryState.PUSHED
    assert second.reason == f"master was there already: build {first.build}"
    assert len(way.deployed()) == 1


def test_of_several_deliveries_that_wait_one_is_fetched(way):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    numbers = [way.deliver()[1]["delivery"] for _ in range(3)]
    done = way.fetch()

    with way.web.db.read() as tx:
        states = {one.id: one.state for one in deliveries.list_deliveries(tx, way.app.id, 9)}
    assert [states[number] for number in numbers] == ["ignored", "ignored", "pushed"]
    assert (done.id, way.deployed()) == (numbers[-1], [tip])


def test_a_source_that_wants_a_password_gets_it_and_nobody_else_does(way):
    way.source.password = "me:s3cret-token"
    way.hook(user="me", token="s3cret-token")
    way.source.push({"a.txt": "one"})
    way.deliver()

    assert way.fetch().state is DeliveryState.PUSHED
    assert "s3cret" not in json.dumps(way.api("GET", ""))
    assert b"s3cret" not in way.web.instance.layout.database.read_bytes()


def test_a_fetch_that_fails_is_tried_again_and_at_last_told(way):
    way.hook()
    way.source.status = 503
    way.deliver()
    waiting = way.fetch()

    assert (waiting.state, waiting.attempts) == (DeliveryState.QUEUED, 1)
    assert "503" in waiting.reason
    while (now := way.newest()).state is DeliveryState.QUEUED:
        assert now.next_at is not None
        assert now.next_at > now.received_at
        way.put_off_no_longer()
        way.fetch()
    assert now.state is DeliveryState.FAILED
    assert now.reason.startswith("tried ")
    assert "503" in now.reason


def test_an_app_that_is_renamed_while_its_source_is_fetched_is_pushed_to_by_its_new_name(way, monkeypatch):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    way.deliver()
    new = f"{way.app.name}-new"

    def renamed(parts, wanted):
        with parts.database.write() as tx:
            if wanted.app.name != new:
                rename(tx, wanted.app, new, who="admin")
        push_to(parts, wanted)

    push_to = pushing.push
    monkeypatch.setattr(steps, "push", renamed)
    assert way.fetch().state is DeliveryState.QUEUED
    way.put_off_no_longer()

    assert (way.fetch().state, way.deployed()) == (DeliveryState.PUSHED, [tip])


def test_no_redirect_is_followed(way, tmp_path):
    with source(tmp_path / "other", PROCFILE) as other:
        way.source.redirect = other.url.removesuffix("/app.git")
        way.hook()
        way.deliver()

        assert way.fetch().state is DeliveryState.QUEUED
        assert other.asked == []


def test_a_private_address_is_not_connected_to_unless_its_host_is_allowed(way):
    way.hook()
    way.deliver()
    settings = replace(way.parts.instance.settings, fetch_hosts="localhost")
    with way.web.db.write() as tx:
        url = way.source.url.replace("http:", "https:")
        from stratum.store import webhooks

        webhooks.change_webhook(tx, way.newest().webhook_id, {"clone_url": url})
    jobs.fetch_queued(replace(way.parts, instance=replace(way.parts.instance, settings=settings)), way.app.id)

    assert way.newest().state is DeliveryState.FAILED
    assert "private address" in way.newest().reason
    assert way.source.asked == []


def test_what_the_receive_path_refuses_is_told_of_the_delivery(way):
    way.hook()
    way.source.push({"Procfile": "no colon\n"})
    way.deliver()
    done = way.fetch()

    assert done.state is DeliveryState.FAILED
    assert done.reason.startswith("Procfile:1")
    assert way.deployed() == []


def test_what_is_larger_than_the_app_takes_is_fetched_no_further(way):
    set_app(way, max_push_bytes=100_000)
    way.hook()
    way.source.push({"big.bin": os.urandom(1_000_000).hex()})
    way.deliver()
    done = way.fetch()

    assert done.state is DeliveryState.FAILED
    assert "The push is larger than the" in done.reason
    assert not way.web.instance.layout.fetch(way.app.id).exists()


def test_where_a_build_decides_it_decides_here_too(way):
    set_app(way, gate="build")
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    way.deliver()
    with FakeBuilder(way.web) as builder:
        builder.state = BuildState.FAILED
        failed = way.fetch()
        builder.state = BuildState.SUCCEEDED
        way.deliver()
        done = way.fetch()

    assert failed.state is DeliveryState.FAILED
    assert failed.reason.startswith("build #1 failed")
    assert (done.state, done.build) == (DeliveryState.PUSHED, 2)
    assert way.deployed() == [tip, tip]


def set_app(road: Road, **values: object) -> None:
    with road.web.db.write() as tx:
        environments.set_settings(tx, road.app.id, values)


def test_a_commit_that_says_so_is_not_deployed_though_the_sender_does_not_tell_its_message(way):
    way.hook("bitbucket-dc")
    way.source.push({"a.txt": "one"}, "Try it [skip deploy]")
    way.deliver()

    assert way.fetch().state is DeliveryState.IGNORED
    assert way.deployed() == []


def test_files_are_compared_with_what_is_deployed(way):
    way.hook(paths=["src/**"])
    way.source.push({"docs/a.md": "one"})
    way.deliver()
    assert way.fetch().state is DeliveryState.PUSHED, "what was never deployed is"
    way.source.push({"docs/b.md": "one"})
    way.deliver()
    assert way.fetch().state is DeliveryState.IGNORED
    tip = way.source.push({"src/c.py": "one"})
    way.deliver()

    assert way.fetch().state is DeliveryState.PUSHED
    assert way.deployed()[-1] == tip


def test_a_branch_of_another_name_becomes_the_deploy_branch(way):
    way.hook(branches=["release/*"])
    tip = way.source.push({"a.txt": "one"}, branch="release/7")
    way.deliver(push("github", "release/7"))

    assert way.fetch().state is DeliveryState.PUSHED
    assert way.web.ref(way.app, "refs/heads/main") == tip
    assert way.deployed() == [tip]


def test_two_apps_on_one_repository_are_each_deployed_by_their_own_web_hook(way):
    other = Road(way.web, way.web.new_app(), way.source)
    tip = way.source.push({"a.txt": "one"})
    for one in (way, other):
        one.hook()
        one.deliver(ident="the same to both")
        assert one.fetch().state is DeliveryState.PUSHED

    assert (way.deployed(), other.deployed()) == ([tip], [tip])


def test_a_branch_is_owned_by_its_web_hook_until_that_is_disabled(way):
    ident = way.hook()
    work = way.web.source(f"own{way.app.id}")
    pushed = run_git(work, "push", way.web.url(way.app), "master")
    beside = run_git(work, "push", way.web.url(way.app), "master:refs/heads/topic")

    assert pushed.code == 1
    assert f"master is deployed by the web hook {ident}, not by pushing here" in pushed.said
    assert beside.code == 0
    way.deliver()
    way.api("PATCH", f"/{ident}", {"enabled": False})
    with FakeBuilder(way.web):
        assert run_git(work, "push", way.web.url(way.app), "master").code == 0
    assert way.deliver()[0] == 403
    done = way.fetch()
    assert done.state in (DeliveryState.FAILED, DeliveryState.REFUSED)
    assert way.source.asked == []


def test_a_replay_fetches_the_branch_anew_and_builds_nothing_twice(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    number = way.deliver()[1]["delivery"]
    first = way.fetch()
    again = way.api("POST", f"/deliveries/{number}/replay")
    second = way.fetch()

    assert (second.id, second.build) == (again["delivery"], again["build"])
    assert second.reason == f"master was there already: build {first.build}"
    tip = way.source.push({"a.txt": "two"})
    way.api("POST", f"/deliveries/{number}/replay")
    assert way.fetch().state is DeliveryState.PUSHED
    assert way.deployed()[-1] == tip


def test_the_record_has_headers_and_body_but_no_secret(way):
    way.hook("gitlab")
    number = way.deliver()[1]["delivery"]
    shown = way.api("GET", f"/deliveries/{number}")

    assert shown["headers"]["x-gitlab-token"] == "(masked)"
    assert shown["headers"]["x-gitlab-event"] == "Push Hook"
    assert json.loads(shown["body"])["object_kind"] == "push"
    assert way.secret not in json.dumps(shown)


def test_a_token_of_a_web_hook_lives_only_as_long_as_its_push(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    way.deliver()
    way.fetch()

    from stratum.store import tokens

    with way.web.db.read() as tx:
        assert [token.name for token in tokens.list_tokens(tx)] == ["admin"]


def test_the_git_server_is_told_what_becomes_of_what_it_has_delivered(way):
    (way.source.folder / "octo").symlink_to(".")
    way.source.url = way.source.url.replace("/app.git", "/octo/app.git")
    with receiver() as told:
        ident = way.hook("github")
        way.api("PATCH", f"/{ident}", {"status_token": "s3cret", "api_url": f"http://{told.place}/api/v3"})
        tip = way.source.push({"a.txt": "one"})
        way.deliver()
        way.fetch()
        first = told.wait(1)[0]
        builder = FakeBuilder(way.web)
        builder.state, builder.error = BuildState.FAILED, "It has failed."
        with builder:
            second = told.wait(2)[1]

    assert (first.path, first.headers["authorization"]) == (
        f"/api/v3/repos/octo/app/statuses/{tip}",
        "Bearer s3cret",
    )
    assert [first.json["state"], second.json["state"]] == ["pending", "failure"]
