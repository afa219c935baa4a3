"""Releases, rollback, redeploy, rollouts and builds."""

import threading
import time

import pytest
from sqlalchemy import update

from stratum.model import BuildState, Contents, UsedBuildpack
from stratum.store import builds, tables
from tests.repos import commit, git, make_repo
from tests.webside import COMMIT, SLUG

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    return side.app()


def versions(api):
    return [(row["version"], row["status"], row["current"]) for row in api("GET", f"{HERE}/releases")[1]]


def test_releases_are_listed_newest_first(api, side, app):
    side.release(app)
    side.release(app, commit="b" * 40)

    found = api("GET", f"{HERE}/releases")[1]

    assert versions(api) == [(2, "live", True), (1, "retired", False)]
    assert found[1].pop("created_at").endswith("Z")
    assert found[1] == {
        "version": 1,
        "commit": COMMIT,
        "status": "retired",
        "phase": "",
        "cause": "push 3f2c1ab",
        "reason": "",
        "who": "admin",
        "targets": ["web", "worker"],
        "current": False,
        "name": "",
        "note": "",
        "pinned": False,
        "staying": False,
    }


def test_the_pushers_reason_is_shown_with_build_and_release(api, side, app):
    side.release(app)
    with side.db.write() as tx:
        row = update(tables.builds).values(options={"reason": "stop the leak"})
        tx.execute(row.where(tables.builds.c.app_id == app.id))
    api("POST", f"{HERE}/rollback", json={"version": 1})
    side.release(app)

    assert [row["reason"] for row in api("GET", f"{HERE}/releases")[1]] == ["", "stop the leak"]
    assert [row["reason"] for row in api("GET", f"{HERE}/builds")[1]] == ["", "stop the leak"]


def test_redeploy_builds_the_current_commit_again(api, side, app):
    assert api("POST", f"{HERE}/redeploy")[0] == 409
    side.release(app)

    assert api("POST", f"{HERE}/redeploy")[1] == {"changed": True, "build": 2}
    newest = api("GET", f"{HERE}/builds")[1][0]
    assert (newest["number"], newest["status"], newest["source"], newest["commit"]) == (
        2,
        "queued",
        "redeploy",
        COMMIT,
    )


def test_redeploy_never_overtakes_a_newer_push(api, side, app):
    side.release(app)
    with side.db.write() as tx:
        builds.add_build(tx, app.id, "d" * 40, source="push", who="admin")

    api("POST", f"{HERE}/redeploy")

    assert api("GET", f"{HERE}/builds")[1][0]["commit"] == "d" * 40


def test_a_rollout_is_waited_for(api, side, app):
    side.release(app)
    api("PUT", f"{HERE}/formation", json={"worker": 1})
    later = threading.Timer(0.3, side.settle, (app,))
    begun = time.monotonic()
    later.start()

    status, found = api("GET", f"{HERE}/rollouts/2?wait_s=10&until=ended")
    later.join()

    assert 0.2 < time.monotonic() - begun < 5
    assert (status, found["status"], found["done"]) == (200, "succeeded", True)
    assert [(line["label"], line["outcome"]) for line in found["report"]] == [
        ("web.1", "kept"),
        ("worker.1", "started"),
    ]


def test_a_wait_ends_after_its_time(api, side, app):
    side.release(app)
    api("PUT", f"{HERE}/formation", json={"worker": 1})

    found = api("GET", f"{HERE}/rollouts/2?wait_s=0.1")[1]

    assert (found["status"], found["done"]) == ("queued", False)
    assert api("GET", f"{HERE}/rollouts/2?wait_s=1000")[0] == 422
    assert api("GET", f"{HERE}/rollouts/7")[0] == 404


def test_a_build_log_is_read_from_an_offset(api, side, app):
    side.release(app)
    log = side.instance.layout.build_log(app.id, 1)
    log.parent.mkdir(parents=True)
    log.write_text("-----> Receiving\n-----> Released v1\n")

    assert api.text(f"{HERE}/builds/1/log?offset=17") == (200, "-----> Released v1\n")
    assert api.text(f"{HERE}/builds/1/log?follow=true")[1].startswith("-----> Receiving")
    assert api("GET", f"{HERE}/builds/1")[1]["rollout"] == 1
    assert api("GET", f"{HERE}/builds/2") == (
        404,
        {
            "error": "not-found",
            "message": "There is no build '2' here that you may use.",
            "hint": "stratum builds lists them.",
        },
    )


def test_a_followed_build_log_ends_when_its_rollout_is_settled(api, side, app):
    side.release(app)
    api("POST", f"{HERE}/redeploy")
    log = side.instance.layout.build_log(app.id, 2)
    log.parent.mkdir(parents=True)
    log.write_text("first\n")

    def finish():
        with log.open("a") as file:
            file.write("last\n")
        with side.db.write() as tx:
            claimed = builds.claim_next(tx, app.id, "1:1")
            assert claimed is not None
            builds.finish(tx, claimed, BuildState.FAILED, error="no")

    later = threading.Timer(0.3, finish)
    later.start()

    assert api.text(f"{HERE}/builds/2/log?follow=true") == (200, "first\nlast\n")
    later.join()


def test_slugs_are_kept_by_digest(side, app):
    assert side.release(app).slug == SLUG


def commits(side, app, *files):
    """Commit each set of files to the app's repository; return the ids."""
    repo = make_repo(side.instance.layout.data / "work", files[0])
    ids = [
        git(repo, "rev-parse", "HEAD"),
        *(commit(repo, some, f"Change {n}") for n, some in enumerate(files[1:])),
    ]
    git(
        side.instance.layout.repos,
        "clone",
        "--quiet",
        "--bare",
        str(repo),
        str(side.instance.layout.repo(app.id)),
    )
    return ids


def test_a_release_is_shown_with_what_it_has_changed(api, side, app):
    ids = commits(
        side,
        app,
        {"requirements.txt": "flask==1\nold\n"},
        {"text": "x"},
        {"requirements.txt": "flask==2\nnew\n"},
    )
    side.release(app, commit=ids[0])
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "secret-1", "B": "same"}})
    side.settle(app)
    side.release(app, "web", "clock", commit=ids[2])
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "secret-2"}})
    side.settle(app)

    code, config = (api("GET", f"{HERE}/releases/{version}")[1] for version in (3, 4))

    assert (code["before"], code["build"], code["slug"], code["config"]) == (2, 2, SLUG, 1)
    assert code["commands"] == {"web": "run web", "clock": "run clock"}
    assert [one["subject"] for one in code["changes"]["commits"]["list"]] == ["Change 1", "Change 0"]
    assert code["changes"]["commits_dropped"] == {"more": False, "list": []}
    assert code["changes"]["targets"] == [
        {"name": "clock", "before": None, "after": "run clock"},
        {"name": "worker", "before": "run worker", "after": None},
    ]
    assert code["changes"]["packages"] == [
        {"name": "flask", "before": "1", "after": "2"},
        {"name": "new", "before": None, "after": "any"},
        {"name": "old", "before": "any", "after": None},
    ]
    assert code["changes"]["variables"] == []
    [changed] = config["changes"]["variables"]
    assert (changed["name"], config["changes"]["commits"]["list"]) == ("A", [])
    assert changed["before"] != changed["after"]
    assert {len(changed[side]) for side in ("before", "after")} == {8}
    assert "secret" not in str(config)


def test_packages_and_buildpacks_are_those_that_its_build_has_seen(api, side, app):
    """Those of one commit may be others when it is built again."""
    url = "https://example.org/pack"
    sides = (
        Contents((UsedBuildpack("python"),), {"flask": "3.0", "old": "1"}),
        Contents((UsedBuildpack("python"), UsedBuildpack("pack", url, "c" * 40)), {"flask": "3.1"}),
    )
    for contents in sides:
        made = side.release(app)
        with side.db.write() as tx:
            mine = tables.releases.c.id == made.id
            tx.execute(update(tables.releases).where(mine).values(contents=contents.render()))

    shown = api("GET", f"{HERE}/releases/2")[1]

    assert shown["changes"]["packages"] == [
        {"name": "flask", "before": "3.0", "after": "3.1"},
        {"name": "old", "before": "1", "after": None},
    ]
    assert shown["changes"]["buildpacks"] == [{"name": "pack", "before": None, "after": f"{url}#cccccccccc"}]
    assert shown["packages"] == {"flask": "3.1"}
    assert shown["buildpacks"][0] == {"name": "python", "url": "", "commit": ""}


def test_where_storage_is_mounted_is_shown(api, side, app):
    side.release(app)
    api("POST", f"{HERE}/storage", json={"name": "data", "path": "uploads"})

    shown = api("GET", f"{HERE}/releases/2")[1]

    assert shown["storage"] == {"data": "uploads"}
    assert shown["changes"]["storage"] == [{"name": "data", "before": None, "after": "uploads"}]


def test_a_release_whose_commits_are_gone_is_shown_without(api, side, app):
    commits(side, app, {"a": "1"})
    side.release(app)
    side.release(app, commit="b" * 40)

    shown = api("GET", f"{HERE}/releases/2")[1]

    assert (shown["changes"]["commits"], shown["changes"]["packages"]) == (None, [])
    assert api("GET", f"{HERE}/releases/1")[1]["changes"] is None
    assert api("GET", f"{HERE}/releases/3")[0] == 404


def test_a_release_is_named_noted_and_pinned(api, side, app):
    side.release(app)

    status, found = api("PATCH", f"{HERE}/releases/1", json={"name": "spring", "note": "ok\nso far"})
    pinned = api("PATCH", f"{HERE}/releases/1", json={"pinned": True})[1]

    assert (status, found["name"], found["note"], found["pinned"]) == (200, "spring", "ok\nso far", False)
    assert (pinned["name"], pinned["pinned"]) == ("spring", True)
    assert api("PATCH", f"{HERE}/releases/1", json={"name": "x" * 64})[0] == 422
    assert api("PATCH", f"{HERE}/releases/1", json={"state": "live"})[0] == 422
    assert api("PATCH", f"{HERE}/releases/2", json={})[0] == 404


def test_a_name_is_given_to_one_release_only(api, side, app):
    side.release(app)
    side.release(app)
    api("PATCH", f"{HERE}/releases/2", json={"name": "good-one"})

    again = api("PATCH", f"{HERE}/releases/2", json={"name": "good-one"})
    taken = api("PATCH", f"{HERE}/releases/1", json={"name": "good-one"})
    unnamed = [api("PATCH", f"{HERE}/releases/{one}", json={"name": ""})[0] for one in (1, 2)]

    assert (again[0], unnamed) == (200, [200, 200])
    assert (taken[0], taken[1]["message"]) == (409, "v2 is called 'good-one'; v1 cannot be, too.")


@pytest.mark.parametrize("name", ["v6", "V6", "6", " v6"])
def test_a_name_that_looks_like_a_version_is_refused(api, side, app, name):
    side.release(app)

    status, said = api("PATCH", f"{HERE}/releases/1", json={"name": name})

    assert (status, said["message"]) == (422, f"{name!r} cannot name a release: that is a version.")


@pytest.mark.parametrize("name", ["  ", "good ", "a\nb", "\0", "\x1b[31mred", "\u202egood"])
def test_a_name_that_nobody_could_type_as_it_is_shown_is_refused(api, side, app, name):
    side.release(app)

    status, said = api("PATCH", f"{HERE}/releases/1", json={"name": name})

    assert (status, said["message"]) == (422, f"{name!r} cannot name a release: it has what cannot be seen.")
    assert api("PATCH", f"{HERE}/releases/1", json={"name": "good one, été 🙂"})[0] == 200


def test_a_release_that_has_failed_is_not_pinned(api, side, app):
    side.release(app)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})
    side.settle(app, error="it does not come up")

    status, said = api("PATCH", f"{HERE}/releases/2", json={"pinned": True})
    unpinned = api("PATCH", f"{HERE}/releases/2", json={"pinned": False, "note": "why"})

    assert (status, said["message"]) == (
        409,
        "v2 has failed: it never ran, and nothing can go back to it.",
    )
    assert (unpinned[0], unpinned[1]["note"], unpinned[1]["pinned"]) == (200, "why", False)
