"""Releases and builds are read one by one: each may hold hundreds of KiB of what was installed."""

import tracemalloc

import pytest

from stratum.model import BuildState, Contents, ReleaseState
from stratum.store import builds, environments, releases
from stratum.verbs import release as verbs
from tests.there import there

MANY = 40
PACKAGES = Contents((), {f"@scope/package-{number}": "1.2.3" for number in range(1000)}, "")


@pytest.fixture
def many(db, app):
    with db.write() as tx:
        made = None
        for _ in range(MANY):
            made = releases.add_release(
                tx, app.id, slug="s", commit="1" * 40, targets=(), cause="", who="", contents=PACKAGES
            )
            releases.set_release_state(tx, made.id, ReleaseState.RETIRED)
        environments.set_current_release(tx, app.id, there(made).id)


def taken(work) -> int:
    """Bytes of memory that something has taken at its most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_of_the_builds_of_a_commit_only_the_newest_is_read(db, app):
    with db.write() as tx:
        for _ in range(MANY):
            builds.add_build(tx, app.id, "1" * 40, source="redeploy", who="me")
            claimed = there(builds.claim_next(tx, app.id, "me"))
            builds.note_slug(tx, claimed, "s", (), PACKAGES)
            builds.finish(tx, claimed, BuildState.SUCCEEDED)

    with db.read() as tx:
        one = taken(lambda: builds.find_build(tx, app.id, MANY))
        most = taken(lambda: builds.newest_of(tx, app.id, "1" * 40))
        assert there(builds.newest_of(tx, app.id, "1" * 40)).number == MANY

    assert most < 5 * one


@pytest.mark.usefixtures("many")
def test_to_read_all_takes_the_memory_of_a_few(db, app):
    with db.read() as tx:
        one = taken(lambda: list(releases.newest_first(tx, app.id))) / MANY
        most = taken(lambda: [one.version for one in releases.newest_first(tx, app.id)])

    assert most < 5 * one


@pytest.mark.usefixtures("many")
def test_what_a_rollback_goes_back_to_is_found_without_reading_those_before_it(db, app, monkeypatch):
    read, make = [], releases.read_release

    def noted(row):
        read.append(row.version)
        return make(row)

    monkeypatch.setattr(releases, "read_release", noted)
    with db.read() as tx:
        now = there(environments.get_app(tx, app.id))
        assert verbs.goal(tx, now, None).version == MANY - 1

    assert min(read) == MANY - 1
