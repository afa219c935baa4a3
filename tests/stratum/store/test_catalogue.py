"""What is told of an app's releases, when there are thousands, is told without reading each whole."""

import pytest

from stratum.model import Contents, ReleaseState, Target
from stratum.store import catalogue, releases
from tests.there import there

MORE = 5
LAST = catalogue.LISTED + MORE
PACKAGES = Contents((), {f"package-{number}": "1.2.3" for number in range(100)}, "")
STATES = {
    1: ReleaseState.PRUNED,
    2: ReleaseState.RETIRED,
    3: ReleaseState.FAILED,
    4: ReleaseState.PRUNED,
    LAST: ReleaseState.LIVE,
}


@pytest.fixture
def many(db, app):
    """Releases of which the second can be gone back to, and the fourth has a name; each with a target."""
    with db.write() as tx:
        for version in range(1, LAST + 1):
            made = releases.add_release(
                tx,
                app.id,
                slug=f"s{version}",
                commit="1" * 40,
                targets=(Target("web", "run"), Target(f"t{version}", "run")),
                cause=f"push {version}",
                who="",
                contents=PACKAGES,
            )
            releases.set_release_state(tx, made.id, STATES.get(version, ReleaseState.PRUNED))
        releases.describe(tx, there(releases.find_release(tx, app.id, 4)).id, {"name": "old one"})
    return app


def test_listed_are_the_newest_and_what_can_be_gone_back_to_or_has_a_name(db, many):
    with db.read() as tx:
        versions = [one.version for one in catalogue.newest_and_kept(tx, many.id)]

    assert versions == [*range(LAST, MORE, -1), 4, 2]


def test_outlines_are_of_all_and_say_what_the_releases_do(db, many):
    with db.read() as tx:
        outlines = catalogue.outlines(tx, many.id)
        whole = list(releases.newest_first(tx, many.id))

    told = [(one.id, one.version, one.state, one.cause, one.slug, one.config_version) for one in whole]
    assert [
        (one.id, one.version, one.state, one.cause, one.slug, one.config_version) for one in outlines
    ] == told
    assert len(told) == LAST


def test_a_name_belongs_to_one(db, many):
    with db.read() as tx:
        assert catalogue.version_named(tx, many.id, "old one") == 4
        assert catalogue.version_named(tx, many.id, "other") is None


def test_what_ran_and_which_targets_there_were_is_told_without_the_contents(db, many, monkeypatch):
    monkeypatch.delattr(Contents, "parse")
    with db.read() as tx:
        assert catalogue.versions_that_ran(tx, many.id) == {*range(1, LAST + 1)} - {3}
        names = catalogue.target_names(tx, many.id)

    assert names == ["web", *(f"t{version}" for version in range(LAST, 0, -1))]
