"""Slugs after their build: of one digest as long as nobody touches them, gone when no release needs them."""

from dataclasses import replace

import pytest

from stratum.door.client import Door
from stratum.errors import Conflict, DoorUnavailable
from stratum.model import BuildState, ReleaseState
from stratum.store import environments, releases
from stratum.verbs import build as verbs
from stratum.verbs import release as release_verbs
from tests.there import there
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: x\n", "a/b": "1", "run": "x"}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param, keep_releases=2)
    yield made
    made.remove()


def go_live(yard: Yard, app) -> None:
    """Do what an applier records."""
    with yard.shop.db.write() as tx:
        before = there(environments.get_app(tx, app.id)).current_release_id
        newest = next(releases.newest_first(tx, app.id))
        if before is not None:
            releases.set_release_state(tx, before, ReleaseState.RETIRED)
        releases.set_release_state(tx, newest.id, ReleaseState.LIVE)
        environments.set_current_release(tx, app.id, newest.id)


def deploy(yard: Yard, app, text: str) -> str:
    """Build, run, and do what a nudge after that does; return the slug."""
    yard.push(app, {"text": text})
    yard.build(app)
    go_live(yard, app)
    yard.build(app)
    return yard.releases(app)[0].slug


class FailingDisk(Door):
    """A disk that tells of its failure in the middle of a build, and not at its end again."""

    def flush(self, app_id: int, number: int) -> None:
        super().flush(app_id, number)
        message = "flush: Input/output error."
        raise DoorUnavailable(message)


def test_a_disk_that_failed_in_the_middle_of_a_build_fails_it(yard: Yard):
    app = yard.app(WEB)
    yard.shop = replace(yard.shop, door=FailingDisk(yard.layout, yard.shop.instance.fence))

    build = yard.build(app)

    assert (build.state, build.error) == (
        BuildState.FAILED,
        "Sealing what was built failed: flush: Input/output error.",
    )
    assert (yard.releases(app), yard.scratch(app)) == ([], [])


def test_a_slug_has_its_digest_until_it_is_changed(yard: Yard):
    app = yard.app(WEB)
    yard.build(app)
    slug, door = yard.releases(app)[0].slug, yard.shop.door
    path = yard.layout.slug(app.id, slug)

    assert door.slug_digest(app.id, slug) == slug

    (path / "a").chmod(0o755)
    (path / "a/b").chmod(0o644)
    changed_mode = door.slug_digest(app.id, slug)
    (path / "a/b").chmod(0o444)
    (path / "a").chmod(0o555)
    assert door.slug_digest(app.id, slug) == slug
    (path / "a/b").chmod(0o644)
    (path / "a/b").write_text("2")
    (path / "a/b").chmod(0o444)

    assert len({changed_mode, door.slug_digest(app.id, slug), slug}) == 3


def test_a_slug_that_is_not_there_has_no_digest(yard: Yard):
    app = yard.app(WEB)
    yard.build(app)
    elsewhere = yard.folder / "elsewhere"
    elsewhere.mkdir()
    yard.layout.slug(app.id, "b" * 64).symlink_to(elsewhere)

    assert yard.shop.door.slug_digest(app.id, "a" * 64) == ""
    assert yard.shop.door.slug_digest(app.id, "b" * 64) == ""


def test_slugs_of_old_releases_go_and_can_be_built_again(yard: Yard):
    app = yard.app(WEB)
    yard.build(app)
    go_live(yard, app)
    first = yard.releases(app)[0]
    second, third, fourth = (deploy(yard, app, text) for text in ("2", "3", "4"))

    assert [one.state.value for one in yard.releases(app)] == ["live", "retired", "pruned", "pruned"]
    has = yard.shop.door.has_slug
    assert [has(app.id, one) for one in (first.slug, second, third, fourth)] == [False, False, True, True]
    with yard.shop.db.write() as tx:
        assert verbs.retry(tx, app, 1, who="me").commit == first.commit
    yard.build(app)
    assert yard.releases(app)[0].slug == first.slug
    assert has(app.id, first.slug)


def test_a_pinned_release_keeps_its_slug(yard: Yard):
    app = yard.app(WEB)
    yard.build(app)
    go_live(yard, app)
    first = yard.releases(app)[0]
    with yard.shop.db.write() as tx:
        releases.describe(tx, first.id, {"pinned": True})
    for text in ("2", "3", "4"):
        deploy(yard, app, text)

    assert yard.shop.door.has_slug(app.id, first.slug)
    assert [one.state.value for one in yard.releases(app)] == ["live", "retired", "pruned", "retired"]


@pytest.mark.parametrize("harm", ["changed", "added", "removed", "gone"])
def test_what_is_not_what_was_built_is_not_gone_back_to(yard: Yard, harm: str):
    app = yard.app(WEB)
    yard.build(app)
    go_live(yard, app)
    deploy(yard, app, "2")
    first, door = yard.releases(app)[1], yard.shop.door
    slug = yard.layout.slug(app.id, first.slug)
    release_verbs.check_sound(door, first)

    (slug / "a").chmod(0o755)
    if harm == "changed":
        (slug / "a/b").chmod(0o644)
        (slug / "a/b").write_text("2")
        (slug / "a/b").chmod(0o444)
    elif harm == "added":
        (slug / "a/c").touch(0o444)
    elif harm == "removed":
        (slug / "a/b").unlink()
    (slug / "a").chmod(0o555)
    if harm == "gone":
        door.drop_slug(app.id, first.slug)

    with pytest.raises(Conflict, match="What v1 ran is gone, or is not what was built"):
        release_verbs.check_sound(door, first)
    release_verbs.check_sound(door, yard.releases(app)[0])
