"""Buildpacks of an app, their pins, and the cache of its builds."""

import pytest

from stratum.model import Contents, UsedBuildpack
from stratum.ownership import exclusive
from stratum.store import buildpacks, releases
from tests.webside import COMMIT, SLUG

BUILDPACKS = "/apps/MyProdEnv/app02/buildpacks"
FIRST, OTHER = "https://packs.example/first.git", "https://packs.example/other"
OLD = "1" * 40


@pytest.fixture
def app(side):
    app = side.app()
    used = (UsedBuildpack("first", FIRST, OLD), UsedBuildpack("python"))
    with side.db.write() as tx:
        releases.add_release(
            tx,
            app.id,
            slug=SLUG,
            commit=COMMIT,
            targets=(),
            cause="push",
            who="admin",
            contents=Contents(used),
        )
        buildpacks.pin(tx, app.id, {(FIRST, "v1"): OLD, (OTHER, ""): "2" * 40})
    return app


def test_those_of_the_release_are_listed_with_their_pins_and_then_the_others(api, app):
    first, python, other = api("GET", BUILDPACKS)[1]

    assert (first["name"], first["url"], first["ref"], first["commit"]) == ("first", FIRST, "v1", OLD)
    assert first["pinned_at"] is not None
    assert (python["name"], python["url"], python["pinned_at"]) == ("python", "", None)
    assert (other["name"], other["url"]) == ("", OTHER)


def test_an_update_forgets_the_pins_of_one_url_or_all(api, side, app):
    status, answer = api("POST", f"{BUILDPACKS}/update", {"url": FIRST})
    assert (status, answer["changed"]) == (200, True)
    assert [one["commit"] for one in answer["unpinned"]] == [OLD]

    assert api("POST", f"{BUILDPACKS}/update", {})[1]["changed"]
    assert not api("POST", f"{BUILDPACKS}/update", {})[1]["changed"]
    with side.db.read() as tx:
        assert buildpacks.pins(tx, app.id) == []


def test_what_is_not_pinned_cannot_be_updated(api, app):
    status, answer = api("POST", f"{BUILDPACKS}/update", {"url": "https://packs.example/none"})

    assert status == 404
    assert answer["hint"] == "stratum buildpacks lists them."


def test_a_pin_stays_as_it_was_made(side, app):
    with side.db.write() as tx:
        buildpacks.pin(tx, app.id, {(FIRST, "v1"): "3" * 40})

        assert {one.commit for one in buildpacks.pins(tx, app.id)} == {OLD, "2" * 40}


def test_a_purge_empties_the_cache(api, side, app):
    cache = side.instance.layout.cache(app.id)
    side.instance.layout.build(app.id, 1).parent.mkdir(parents=True)
    (cache / "python" / "kept").mkdir(parents=True)
    (cache / "python" / "kept" / "x").write_text("x")
    cache.chmod(0o700)

    assert api("POST", "/apps/MyProdEnv/app02/builds/purge") == (200, {"changed": True})
    assert list(cache.iterdir()) == []
    assert api("POST", "/apps/MyProdEnv/app02/builds/purge")[0] == 200


def test_nothing_is_purged_while_a_build_is_at_work(api, side, app):
    with exclusive(side.instance.layout.locks / f"build-{app.id}"):
        status, answer = api("POST", "/apps/MyProdEnv/app02/builds/purge")

    assert status == 409
    assert "stratum builds cancel" in answer["hint"]
