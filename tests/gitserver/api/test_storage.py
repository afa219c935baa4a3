"""Storage: where each release has it, and when it may be removed. The folders are the door's tests'."""

import pytest

from stratum.model import Grant, ReleaseState, Right
from stratum.store import releases
from stratum.verbs.storage import MAX_VOLUMES

STORAGE = "/apps/MyProdEnv/app02/storage"


@pytest.fixture
def app(side):
    return side.app()


@pytest.fixture
def released(side, app):
    side.release(app)
    return app


def create(api, name="data", **more):
    status, made = api("POST", STORAGE, {"name": name, **more})
    assert status == 201, made
    return made


def listed(api):
    return {row["name"]: row["path"] for row in api("GET", STORAGE)[1]}


def newest(side, app):
    with side.db.read() as tx:
        return next(releases.newest_first(tx, app.id))


def test_what_is_created_is_there_empty_and_mounted_nowhere(api, side, app):
    made = create(api)

    [row] = api("GET", STORAGE)[1]
    assert made == {"name": "data", "changed": True, "rollout": None, "release": None, "message": ""}
    assert (row["name"], row["path"], row["destroying"]) == ("data", None, False)
    assert side.instance.layout.volume(app.id, "data").is_dir()


def test_its_size_is_told(api, side, app):
    create(api)
    (side.instance.layout.volume(app.id, "data") / "photo").write_bytes(b"x" * 100_000)

    assert api("GET", STORAGE)[1][0]["size_bytes"] >= 100_000


def test_a_mount_before_the_first_release_is_that_releases(api, side, app):
    made = create(api, path="/app/uploads/")

    assert made["message"] == "The first release will have it so."
    assert side.release(app).mounts == {"data": "uploads"}
    assert listed(api) == {"data": "uploads"}


def test_a_mount_is_a_release_with_its_cause(api, side, released):
    create(api)
    status, change = api("PATCH", f"{STORAGE}/data", {"path": "uploads"})

    assert (status, change["changed"], change["release"]) == (200, True, 2)
    made = newest(side, released)
    assert (made.cause, made.mounts) == ("storage: mounted data at uploads", {"data": "uploads"})
    assert api("PATCH", f"{STORAGE}/data", {"path": "./uploads"})[1]["changed"] is False


def test_storage_is_at_one_path_and_moves(api, side, released):
    create(api, path="uploads")
    api("PATCH", f"{STORAGE}/data", {"path": "uploads/new"})

    assert newest(side, released).mounts == {"data": "uploads/new"}


def test_an_unmount_is_a_release_too_and_keeps_the_data(api, side, released):
    create(api, path="uploads")
    kept = side.instance.layout.volume(released.id, "data") / "photo"
    kept.write_text("x")

    change = api("PATCH", f"{STORAGE}/data", {"path": None})[1]

    assert change["release"] == 3
    assert newest(side, released).cause == "storage: unmounted data from uploads"
    assert newest(side, released).mounts == {}
    assert kept.exists()
    assert api("PATCH", f"{STORAGE}/data", {"path": None})[1]["changed"] is False


def test_later_releases_of_whatever_cause_keep_the_mounts(api, side, released):
    create(api, path="uploads")
    side.settle(released)
    for method, path, body in (
        ("PATCH", "/vars", {"set": {"A": "b"}}),
        ("PATCH", "", {"name": "app03"}),
    ):
        assert api(method, f"/apps/MyProdEnv/app02{path}", body)[0] == 200
        side.settle(released)
        assert newest(side, released).mounts == {"data": "uploads"}
    assert side.release(released).mounts == {"data": "uploads"}


def test_a_rollback_takes_code_and_variables_back_but_no_storage(api, side, released):
    create(api, path="uploads")
    side.settle(released)

    assert api("POST", "/apps/MyProdEnv/app02/rollback", {"version": 1})[0] == 200

    assert newest(side, released).cause == "rollback to v1"
    assert newest(side, released).mounts == {"data": "uploads"}


def test_a_mount_whose_release_fails_is_none_any_more(api, side, released):
    create(api, path="uploads")
    side.settle(released, error="web.1 ended.")

    assert newest(side, released).state is ReleaseState.FAILED
    assert listed(api) == {"data": None}
    assert side.release(released).mounts == {}


@pytest.mark.parametrize("path", ["", "/", "/etc", "../x", "a/../../b", "a\nb"])
def test_a_path_outside_the_apps_folder_is_refused_and_nothing_changes(api, side, released, path):
    create(api)

    status, said = api("PATCH", f"{STORAGE}/data", {"path": path})

    assert (status, said["error"]) == (422, "invalid-mount")
    assert newest(side, released).version == 1


def test_two_are_never_within_each_other(api, released):
    create(api, path="media")
    for path in ("media", "media/photos", "/app/media/"):
        status, said = api("POST", STORAGE, {"name": "more", "path": path})
        assert (status, said["message"]) == (
            409,
            "data is mounted at media, and one cannot be within the other.",
        )
    assert listed(api) == {"data": "media"}, "a creation whose mount is refused leaves nothing"
    create(api, "more", path="mediathek")


def test_names_are_labels_and_compared_without_case(api, app):
    create(api)

    assert api("POST", STORAGE, {"name": "Data"})[0] == 409
    assert api("POST", STORAGE, {"name": "../x"})[0] == 422
    assert api("PATCH", f"{STORAGE}/DATA", {"path": "x"})[0] == 200
    assert listed(api) == {"data": "x"}
    assert api("PATCH", f"{STORAGE}/other", {"path": "x"})[0] == 404


def test_an_app_has_so_many_and_no_more(api, app):
    for number in range(MAX_VOLUMES):
        create(api, f"data{number}")

    assert api("POST", STORAGE, {"name": "more"})[0] == 409


def test_destroying_removes_the_data_and_frees_the_name(api, side, released):
    create(api)
    folder = side.instance.layout.volume(released.id, "data")
    (folder / "deep").mkdir()
    (folder / "deep" / "photo").write_text("x")
    (folder / "deep").chmod(0o500)

    assert api("DELETE", f"{STORAGE}/data", {"confirm": "other"})[0] == 409
    assert (folder / "deep" / "photo").exists()
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"}) == (200, {"changed": True, "done": True})

    assert not folder.exists()
    assert listed(api) == {}
    create(api)


def test_what_a_release_runs_with_is_not_destroyed(api, side, released):
    create(api, path="uploads")

    for expected in ("v2", "v2"):
        status, said = api("DELETE", f"{STORAGE}/data", {"confirm": "data"})
        assert (status, said["message"]) == (409, f"data is mounted in {expected}.")
        side.settle(released)
    api("PATCH", f"{STORAGE}/data", {"path": None})
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"})[0] == 409, "v2 still runs"
    side.settle(released)
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"})[0] == 200


def test_what_processes_that_newer_releases_left_alone_have_is_not_destroyed(api, side, released):
    create(api, path="uploads")
    side.settle(released)
    api("PATCH", f"{STORAGE}/data", {"path": None})
    side.settle(released)
    with side.db.write() as tx:
        releases.set_staying(tx, released.id, {2})

    status, said = api("DELETE", f"{STORAGE}/data", {"confirm": "data"})

    assert (status, said["message"]) == (409, "data is mounted in v2.")
    assert "stratum ps" in said["hint"], "it is unmounted already"
    with side.db.write() as tx:
        releases.set_staying(tx, released.id, ())
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"})[0] == 200


def test_what_the_first_release_is_to_have_is_not_destroyed(api, app):
    create(api, path="uploads")

    status, said = api("DELETE", f"{STORAGE}/data", {"confirm": "data"})

    assert (status, said["message"]) == (409, "data is mounted in the first release.")


def test_a_destruction_that_was_cut_off_is_seen_and_taken_up(api, side, app, monkeypatch):
    create(api)
    monkeypatch.setattr("stratum.door.client.Door.empty_volume", lambda *_: False)
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"})[1]["done"] is False
    monkeypatch.undo()

    assert api("GET", STORAGE)[1][0]["destroying"] is True
    assert api("PATCH", f"{STORAGE}/data", {"path": "x"})[0] == 409
    assert api("POST", STORAGE, {"name": "data"})[0] == 409
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"})[1]["done"] is True
    assert listed(api) == {}


def test_storage_is_not_destroyed_while_another_request_does_it(api, side, app, monkeypatch):
    """That one would go on with what is created anew under the name."""
    create(api)
    asked = []

    def empty(*_):
        asked.append(api("DELETE", f"{STORAGE}/data", {"confirm": "data"}))
        return True

    monkeypatch.setattr("stratum.door.client.Door.empty_volume", empty)
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"}) == (200, {"changed": True, "done": True})

    [(status, said)] = asked
    assert (status, said["message"]) == (
        409,
        f"Storage of {app.label} is being destroyed by another request.",
    )


def test_who_deploys_mounts_and_who_administers_destroys(api, side, released):
    may = side.token("ci", Grant(released.environment.id, released.id, Right.DEPLOY))
    create(api)

    assert api("PATCH", f"{STORAGE}/data", {"path": "x"}, token=may)[0] == 200
    assert api("DELETE", f"{STORAGE}/data", {"confirm": "data"}, token=may)[0] == 403
