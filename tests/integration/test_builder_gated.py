"""Gated builds on the real builder: made from the spool, released only once their push is taken."""

import pytest

from builder import lease
from stratum.model import App, Build, BuildState
from stratum.ownership import is_free
from stratum.store import builds, rollouts
from tests.integration.test_builder_killed import builder, kill
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: x\n"}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param)
    yield made
    made.remove()


@pytest.fixture
def app(yard: Yard) -> App:
    made = yard.app(WEB)
    yard.build(made)
    return made


def cancel(yard: Yard, build: Build) -> None:
    with yard.shop.db.write() as tx:
        builds.cancel_gated(tx, build, "The pusher has gone.")


def test_a_gated_build_waits_for_its_push_and_is_then_released_without_building(yard: Yard, app: App):
    offered = yard.offer(app, WEB | {"text": "new"})

    waiting = yard.build(app)

    assert waiting.state is BuildState.WAITING
    assert len(yard.releases(app)) == 1
    assert yard.log(waiting) == "-----> Procfile: web\n-----> No dependencies to install\n"
    assert yard.scratch(app) == []
    assert yard.layout.spool(app.id, offered.number).exists()
    yard.take(app, offered)
    done = yard.build(app)

    assert (done.state, done.attempt) == (BuildState.SUCCEEDED, 1)
    newest = yard.releases(app)[0]
    assert (newest.slug, newest.id, newest.commit) == (waiting.slug, done.release_id, offered.commit)
    assert yard.log(done) == yard.log(waiting)
    assert (yard.layout.slug(app.id, newest.slug) / "text").read_text() == "new"
    with yard.shop.db.read() as tx:
        assert rollouts.rollout_of_build(tx, done.id) is not None
    assert not yard.layout.spool(app.id, offered.number).exists()


def test_a_gated_build_that_waits_holds_up_no_other(yard: Yard, app: App):
    yard.offer(app, WEB | {"text": "new"})
    yard.build(app)
    yard.push(app, {"text": "other"})

    assert yard.build(app).state is BuildState.SUCCEEDED
    assert yard.builds(app)[1].state is BuildState.WAITING


def test_a_gated_build_that_fails_leaves_nothing(yard: Yard, app: App):
    offered = yard.offer(app, WEB | {"uv.lock": ""})

    failed = yard.build(app)

    assert failed.state is BuildState.FAILED
    assert len(yard.releases(app)) == 1
    assert not yard.layout.spool(app.id, offered.number).exists()


def test_what_was_built_for_a_push_that_is_not_taken_is_removed(yard: Yard, app: App):
    yard.offer(app, WEB | {"text": "new"})
    waiting = yard.build(app)
    cancel(yard, waiting)

    ended = yard.build(app)

    assert (ended.state, ended.error, ended.slug) == (BuildState.CANCELED, "The pusher has gone.", "")
    assert not yard.shop.door.has_slug(app.id, waiting.slug)
    assert yard.shop.door.has_slug(app.id, yard.releases(app)[0].slug)
    assert len(yard.releases(app)) == 1


def test_what_another_release_runs_is_kept(yard: Yard, app: App):
    yard.offer(app, {})  # the very same files
    waiting = yard.build(app)
    cancel(yard, waiting)

    yard.build(app)

    assert waiting.slug == yard.releases(app)[0].slug
    assert yard.shop.door.has_slug(app.id, waiting.slug)


def test_a_build_given_up_at_its_very_end_is_canceled(yard: Yard, app: App, monkeypatch):
    from builder.pipeline import make_slug

    def give_up(bench, app):
        slug = make_slug(bench, app)
        cancel(yard, bench.build)
        return slug

    monkeypatch.setattr("builder.jobs.make_slug", give_up)
    offered = yard.offer(app, WEB | {"text": "new"})

    ended = yard.build(app)

    assert (ended.state, ended.error, ended.slug) == (BuildState.CANCELED, "The pusher has gone.", "")
    assert yard.log(ended).endswith("\n !     Build canceled: The pusher has gone.\n")
    assert [path.name for path in yard.layout.slugs.glob("*/*")] == [yard.releases(app)[0].slug]
    assert not yard.layout.spool(app.id, offered.number).exists()


def test_a_slug_that_is_gone_meanwhile_is_built_again(yard: Yard, app: App):
    offered = yard.offer(app, WEB | {"text": "new"})
    waiting = yard.build(app)
    yard.take(app, offered)
    yard.shop.door.drop_slug(app.id, waiting.slug)

    done = yard.build(app)

    assert done.state is BuildState.SUCCEEDED
    assert yard.shop.door.has_slug(app.id, waiting.slug)
    assert "-----> Building again: what was built is no longer there\n" in yard.log(done)


def test_a_lease_lost_at_the_end_records_nothing(yard: Yard, app: App, monkeypatch):
    from builder.pipeline import make_slug

    def lose(bench, app):
        slug = make_slug(bench, app)
        yard.give_back(app)
        return slug

    monkeypatch.setattr(lease, "LOOK_EVERY_S", 1000.0)
    monkeypatch.setattr("builder.jobs.make_slug", lose)
    offered = yard.offer(app, WEB)

    assert yard.build(app).state is BuildState.QUEUED
    assert yard.layout.spool(app.id, offered.number).exists()


@pytest.mark.parametrize("point", ["build.claimed", "build.unpacked", "build.sealed", "build.waiting"])
def test_a_builder_killed_before_the_push_is_taken_leaves_one_release(yard: Yard, app: App, point: str):
    offered = yard.offer(app, WEB | {"text": "new"})
    killed_at(yard, app, point)

    waiting = yard.build(app)

    assert waiting.state is BuildState.WAITING
    assert len(yard.releases(app)) == 1
    yard.take(app, offered)
    assert yard.build(app).state is BuildState.SUCCEEDED
    assert len(yard.releases(app)) == 2
    assert yard.scratch(app) == []


@pytest.mark.parametrize("point", ["build.claimed", "build.released"])
def test_a_builder_killed_after_the_push_was_taken_leaves_one_release(yard: Yard, app: App, point: str):
    offered = yard.offer(app, WEB | {"text": "new"})
    slug = yard.build(app).slug
    yard.take(app, offered)
    killed_at(yard, app, point)

    done = yard.build(app)

    assert (done.state, done.slug) == (BuildState.SUCCEEDED, slug)
    assert len(yard.releases(app)) == 2
    assert yard.builds(app)[0].id == offered.id


@pytest.mark.parametrize("point", ["build.claimed", "build.sealed", "build.waiting"])
def test_a_builder_killed_and_a_push_not_taken_leave_a_canceled_build(yard: Yard, app: App, point: str):
    offered = yard.offer(app, WEB | {"text": "new"})
    killed_at(yard, app, point, meanwhile=lambda: cancel(yard, offered))
    yard.build(app)

    (ended,) = [build for build in yard.builds(app) if build.id == offered.id]
    assert (ended.state, ended.error) == (BuildState.CANCELED, "The pusher has gone.")
    assert len(yard.releases(app)) == 1


def killed_at(yard: Yard, app: App, point: str, meanwhile=lambda: None) -> None:
    """Kill a builder at a named point, and have the reconciler see it."""
    faults = yard.folder / "faults"
    faults.mkdir()
    (faults / point).touch()
    process = builder(yard, app.id, STRATUM_FAULTS_DIR=str(faults))
    wait_until((faults / f"{point}.reached.pid").exists, timeout=30)
    meanwhile()
    kill(process)
    wait_until(lambda: is_free(yard.layout.locks / f"build-{app.id}"))
    yard.give_back(app)
