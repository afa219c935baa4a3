"""What a gated push has sent outlives its quarantine, and no build that needs it."""

from pathlib import Path

import pytest

from stratum.errors import NotFound, Unavailable
from stratum.git import Commit
from stratum.layout import Layout
from stratum.model import BuildState
from stratum.spool import commit_of, spool, sweep
from stratum.store import Database, builds, environments
from tests.databases import new_database
from tests.repos import git, make_repo


@pytest.fixture
def layout(tmp_path: Path):
    return Layout(tmp_path, "test")


@pytest.fixture
def db(tmp_path: Path):
    new_database(tmp_path / "stratum.db")
    database = Database.open(tmp_path / "stratum.db")
    yield database
    database.close()


@pytest.fixture
def build(db):
    with db.write() as tx:
        home = environments.add_environment(tx, "MyProdEnv", "production", start_all=False)
        app = environments.add_app(tx, home, "app02")
        return builds.add_build(tx, app.id, "0" * 40, source="push", who="me", gate="1:1")


def pushed(folder: Path) -> tuple[Path, str]:
    """Objects of a commit as loose files and a pack, with a way to elsewhere beside them."""
    repo = make_repo(folder, {"a": "packed"})
    git(repo, "repack", "-adq")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "Loose")
    objects = repo / ".git/objects"
    (objects / "info/alternates").write_text("/elsewhere\n")
    (objects / "pack/out").symlink_to("/etc/passwd")
    return objects, git(repo, "rev-parse", "HEAD")


def test_a_spool_holds_the_objects_without_a_second_copy(layout, tmp_path, build):
    objects, tip = pushed(tmp_path / "pushed")
    make_repo(layout.repo(1), {"a": "stored"})
    folder = layout.spool(1, 1)

    spool(layout.repo(1) / ".git", str(objects), folder)

    variables = {"GIT_OBJECT_DIRECTORY": str(folder)}
    assert Commit(layout.repo(1) / ".git", tip, variables).read(["a"], 9) == {"a": b"packed"}
    packs = {file.name for file in (folder / "pack").iterdir()}
    assert packs == {file.name for file in (objects / "pack").iterdir()} - {"out"}
    assert all(file.stat().st_nlink == 2 for file in (folder / "pack").iterdir())
    assert not (folder / "info").exists()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_linked_it_is_copied(layout, tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError

    objects, _ = pushed(tmp_path / "pushed")
    monkeypatch.setattr(Path, "hardlink_to", refuse)

    spool(tmp_path, "pushed/.git/objects", layout.spool(1, 1))

    for file in (layout.spool(1, 1) / "pack").iterdir():
        assert file.read_bytes() == (objects / "pack" / file.name).read_bytes()
        assert file.stat().st_nlink == 1


def test_a_full_disk_leaves_no_half_of_it(layout, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device", str(path))

    objects, _ = pushed(tmp_path / "pushed")
    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(Unavailable, match="No space left on device") as raised:
        spool(tmp_path, str(objects), layout.spool(1, 1))

    assert str(tmp_path) not in str(raised.value), "the pusher is told no folder of the server"

    assert not layout.spool(1, 1).exists()


def test_a_push_without_objects_has_no_spool(layout, build):
    spool(layout.repo(1), "", layout.spool(1, 1))

    assert not layout.spool(1, 1).exists()
    assert commit_of(layout, build) == Commit(layout.repo(1), build.commit)


def test_a_build_reads_its_spool_and_behind_it_the_repository(layout, build, tmp_path):
    objects, tip = pushed(tmp_path / "pushed")
    stored = make_repo(tmp_path / "stored", {"b": "stored"})
    layout.repos.mkdir()
    (stored / ".git").rename(layout.repo(1))
    object.__setattr__(build, "commit", tip)
    with pytest.raises(NotFound):
        commit_of(layout, build).sizes(["a"])
    spool(layout.repo(1), str(objects), layout.spool(1, 1))

    assert commit_of(layout, build).sizes(["a"]) == {"a": 6}
    stored_tip = (layout.repo(1) / "refs/heads/master").read_text().strip()
    object.__setattr__(build, "commit", stored_tip)
    assert commit_of(layout, build).sizes(["b"]) == {"b": 6}


def test_a_sweep_leaves_the_spools_of_builds_that_have_not_ended(layout, db, build):
    with db.write() as tx:
        ended = builds.add_build(tx, build.app_id, "0" * 40, source="push", who="me", gate="1:1")
        assert builds.cancel_gated(tx, ended, "no")
    for app_id, number in ((1, 1), (1, 2), (2, 1)):
        (layout.spool(app_id, number) / "pack").mkdir(parents=True)

    assert sweep(layout, db) == 2
    assert list(layout.spools.glob("*/*")) == [layout.spool(1, 1)]
    with db.write() as tx:
        builds.cancel_gated(tx, build, "no")
    assert sweep(layout, db) == 1
    assert list(layout.spools.iterdir()) == []
    assert sweep(layout, db) == 0


def test_the_spools_of_waiting_builds_are_kept(layout, db, build):
    with db.write() as tx:
        builds.hold(tx, build.id)
        assert builds.get_build(tx, build.id).state is BuildState.WAITING
    layout.spool(1, 1).mkdir(parents=True)

    assert sweep(layout, db) == 0
