"""Each release runs from a folder of its own: a writable copy of its slug, gone with its last process."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.door import disk, requests
from stratum.door.client import Door
from stratum.door.releases import Releases
from stratum.door.trees import Trees
from stratum.errors import DoorUnavailable
from stratum.model import App, RolloutState
from tests.doors import as_uid, in_background
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = "exec sleep 1000"
WRITE = "echo changed by $STRATUM_RELEASE >> web.py; echo $STRATUM_RELEASE > new; exec sleep 1000"


def folder(stage: Stage, app: App, version: int) -> Path:
    return stage.layout.release(app.id, version)


def names(stage: Stage, app: App) -> list[str]:
    """What there is, but for marks of what is not synced yet."""
    found = folder(stage, app, 1).parent.iterdir()
    return sorted(path.name for path in found if path.suffix != ".boot")


def door(stage: Stage) -> Door:
    assert isinstance(stage.parts.door, Door)
    return stage.parts.door


def look(stage: Stage) -> None:
    """Have the reconciler look once, as right after its start."""
    Reconciler(stage.parts, Recovery(stage.parts, FakeNudges())).once()


def test_what_a_process_writes_into_its_folder_changes_neither_slug_nor_other_release(
    stage: Stage, app: App
) -> None:
    slug = stage.layout.slug(app.id, "a" * 64)
    stage.slug(app)
    built = (slug / "web.py").read_text()
    stage.deploy(app, {"web": f"echo '# v1' >> web.py; {RUN_WEB}", "worker": WRITE}, web=1, worker=1)
    wait_until((folder(stage, app, 1) / "new").exists)
    _, rollout = stage.release(app, {"web": RUN_WEB, "worker": "exit 1"})

    done = stage.patient().apply(app, rollout)

    assert done.state is RolloutState.FAILED
    assert (slug / "web.py").read_text() == built
    assert not (slug / "new").exists()
    assert "changed by v1" in (folder(stage, app, 1) / "web.py").read_text()
    stage.deploy(app, {"worker": "cp web.py seen; exec sleep 1000"})
    wait_until((folder(stage, app, 3) / "seen").exists)
    assert (folder(stage, app, 3) / "seen").read_text() == built


def test_a_folder_goes_with_the_last_process_of_its_release(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    assert names(stage, app) == ["v1", "v1.tmp"]
    stage.deploy(app, {"worker": SLEEP})
    assert names(stage, app) == ["v2", "v2.tmp"]
    stage.patient().deploy(app, {"worker": "exit 1"})
    assert names(stage, app) == ["v2", "v2.tmp"]


def test_a_folder_is_home_and_cwd_and_its_temporary_files_lie_beside_it(stage: Stage, app: App) -> None:
    tell = 'printf "%s\\n" "$HOME" "$PWD" "$TMPDIR" "$(mktemp)" > told.new; mv told.new told; exec sleep 1000'
    stage.deploy(app, {"worker": tell}, worker=1)
    here = folder(stage, app, 1)
    wait_until((here / "told").exists)

    home, cwd, tmpdir, made = (here / "told").read_text().splitlines()

    assert (home, cwd, tmpdir) == (str(here), str(here), f"{here}.tmp")
    assert made.startswith(f"{here}.tmp/")


def test_profiles_of_the_slug_are_sourced_before_every_command(stage: Stage, app: App) -> None:
    profile = 'export PATH="$HOME/tools:$PATH" GREETING="${GREETING:-hello} $STRATUM_TARGET"'
    stage.slug(app, "b" * 64, __profile__d___a__sh=profile, __profile="export GREETING=$GREETING!")
    tell = 'echo "$GREETING ${PATH%%:*}" > $STRATUM_TARGET.new; mv $STRATUM_TARGET.new $STRATUM_TARGET.told; '
    targets = {"web": tell + RUN_WEB, "worker": tell + SLEEP}

    _, rollout = stage.release(app, targets, slug="b" * 64, scales={"web": 1, "worker": 1})
    assert stage.apply(app, rollout).state is RolloutState.SUCCEEDED

    here = folder(stage, app, 1)
    for target in targets:
        wait_until((here / f"{target}.told").exists)
        assert (here / f"{target}.told").read_text() == f"hello {target}! {here}/tools\n"


def test_what_a_process_has_written_outlasts_restarts_and_scaling_but_no_release(
    stage: Stage, app: App
) -> None:
    stage.deploy(app, {"worker": "echo x >> kept; exec sleep 1000"}, worker=1)
    kept = folder(stage, app, 1) / "kept"
    wait_until(kept.exists)

    stage.apply(app, stage.scale(app, worker=2))
    wait_until(lambda: kept.read_text() == "x\nx\n")
    stage.ctl("stop", f"MyProdEnv.{app.name}.v1.worker.1")
    look(stage)

    wait_until(lambda: kept.read_text() == "x\nx\nx\n")


@pytest.mark.skipif(os.getuid() != 0, reason="unfenced apps are one account")
def test_no_other_app_can_look_into_a_folder(stage: Stage, app: App) -> None:
    other = stage.app(f"{app.name}-nosy")
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    victim = folder(stage, app, 1)

    stage.deploy(other, {"worker": f"ls {victim} {victim.parent} > out 2>&1; exec sleep 1000"}, worker=1)

    out = folder(stage, other, 1) / "out"
    wait_until(lambda: out.exists() and out.read_text().count("Permission denied") == 2)
    assert victim.parent.lstat().st_uid == 0


def test_a_missing_folder_is_made_again(stage: Stage, app: App) -> None:
    """After a restore from a backup, which leaves copies out."""
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    stage.ctl("stop", f"MyProdEnv.{app.name}.v1.worker.1")
    shutil.rmtree(folder(stage, app, 1).parent)

    look(stage)

    assert stage.pids()[f"MyProdEnv.{app.name}.v1.worker.1"]
    assert (folder(stage, app, 1) / "web.py").exists()


def test_a_half_copy_is_never_used_and_goes(stage: Stage, app: App) -> None:
    """As a kill in the middle leaves it."""
    half = folder(stage, app, 1).with_name(".half-v1")
    half.mkdir()
    (half / "web.py").write_text("cut")
    if stage.instance.fence.fenced:
        for path in (half, half / "web.py"):
            os.chown(path, *[stage.instance.fence.app_uid(app.id)] * 2)
    folder(stage, app, 1).with_name(".half-v7").mkdir(mode=0o700)

    stage.deploy(app, {"web": RUN_WEB}, web=1)

    assert stage.get(app)[0] == 200
    assert names(stage, app) == ["v1", "v1.tmp"]


def test_what_a_killed_applier_or_door_has_left_is_removed_without_another_release(
    stage: Stage, app: App
) -> None:
    for _ in range(2):
        stage.deploy(app, {"worker": SLEEP}, worker=1)
    assert door(stage).open_release(app.id, 1, "a" * 64, {}) == ""
    folder(stage, app, 1).with_name(".half-v7").mkdir(mode=0o700)
    assert door(stage).release_versions()[app.id] == {0, 1, 2}

    look(stage)

    assert names(stage, app) == ["v2", "v2.tmp"]
    assert door(stage).release_versions()[app.id] == {2}


@pytest.mark.parametrize("by", ["applier", "reconciler"])
def test_nobody_waits_for_a_folder_that_is_being_erased(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """A scale would else be told that another is at work, and begin with a reminder, seconds later."""
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    erase, begun, goes_on = Trees.erase, Event(), Event()

    def erase_late(self: Trees, *args: Any) -> None:
        begun.set()
        assert goes_on.wait(60)
        erase(self, *args)

    if by == "reconciler":
        assert door(stage).open_release(app.id, 7, "a" * 64, {}) == ""  # as a killed applier leaves it
        work: Callable[[], object] = Reconciler(
            stage.parts, Recovery(stage.parts, FakeNudges())
        ).clear_folders
    else:
        release = stage.release(app, {"worker": SLEEP})[1]
        work = partial(stage.apply, app, release)
    monkeypatch.setattr(Trees, "erase", erase_late)
    with ThreadPoolExecutor() as pool:
        working = pool.submit(work)
        assert begun.wait(60)
        done = stage.apply(app, stage.scale(app, worker=2))
        goes_on.set()
        working.result(60)

    assert done.state is RolloutState.SUCCEEDED
    version = stage.version(app)
    assert names(stage, app) == [f"v{version}", f"v{version}.tmp"]


def test_two_that_make_one_folder_at_once_both_find_it_whole(stage: Stage, app: App) -> None:
    """The door goes on with a copy whose applier was killed, and the next applier asks again."""
    stage.slug(app, "b" * 64, **{f"d{n % 20}___f{n}": str(n) for n in range(600)})

    def ask(_: int) -> str:
        return as_uid(os.getuid(), lambda: door(stage).open_release(app.id, 1, "b" * 64, {}))

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(ask, range(3))) == ["", "", ""]

    here = folder(stage, app, 1)
    assert sum(path.is_file() for path in here.rglob("*")) == 601
    assert names(stage, app) == ["v1", "v1.tmp"]
    assert here.with_name("v1.boot").exists()


def test_a_folder_in_which_processes_were_started_is_not_made_again(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, with the first one late: it has found no folder, and makes one when the other is there."""
    stage.slug(app)
    make_anew, (source, sink) = Releases._make_anew, os.pipe()

    def open_and_start() -> None:
        os.read(source, 1)
        assert Releases(stage.layout, stage.instance.fence).open(app.id, 1, "a" * 64, {}) == ""
        (folder(stage, app, 1) / "started").touch()

    with in_background(open_and_start) as other:  # with none of our locks

        def make_late(self: Releases, *args: Any) -> str:
            os.write(sink, b"\n")
            with suppress(AssertionError):  # what must not happen takes no longer
                wait_until((folder(stage, app, 1) / "started").exists, 1)
            return make_anew(self, *args)

        monkeypatch.setattr(Releases, "_make_anew", make_late)
        assert Releases(stage.layout, stage.instance.fence).open(app.id, 1, "a" * 64, {}) == ""
        assert os.waitpid(other, 0)[1] == 0

    assert (folder(stage, app, 1) / "started").exists()
    os.close(source)
    os.close(sink)


def test_a_folder_that_cannot_be_erased_keeps_no_other_from_it(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.slug(app)
    mine, erase = Releases(stage.layout, stage.instance.fence), Trees.erase
    assert mine.open(app.id, 1, "a" * 64, {}) == mine.open(app.id, 2, "a" * 64, {}) == ""
    mine.keep(app.id, [])

    def erase_but_the_first(self: Trees, path: Path, uid: int) -> None:
        if path.name.startswith(".gone-v1-"):
            message = "It is not empty."
            raise DoorUnavailable(message)
        erase(self, path, uid)

    monkeypatch.setattr(Trees, "erase", erase_but_the_first)
    with pytest.raises(DoorUnavailable, match="not empty"):
        mine.erase(app.id)

    (left,) = names(stage, app)
    assert left.startswith(".gone-v1-")


def test_a_copy_that_is_made_anew_while_others_are_synced_is_synced_the_next_time(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.slug(app)
    mine = Releases(stage.layout, stage.instance.fence)
    assert mine.open(app.id, 1, "a" * 64, {}) == mine.open(app.id, 2, "a" * 64, {}) == ""

    def meanwhile(_folder: Path) -> None:
        mine.keep(app.id, [])
        assert mine.open(app.id, 1, "a" * 64, {}) == ""

    mark = folder(stage, app, 1).with_name("v1.boot")
    os.utime(mark, (0, 0))  # clocks of files tick in milliseconds
    with monkeypatch.context() as patched:
        patched.setattr(disk, "sync_all", meanwhile)
        mine.settle()
    assert mark.exists()

    mine.settle()
    assert not mark.exists()


def test_a_copy_that_a_loss_of_power_may_have_emptied_is_made_again(stage: Stage, app: App) -> None:
    digest = "a" * 64
    stage.slug(app)
    assert door(stage).open_release(app.id, 5, digest, {}) == ""
    here = folder(stage, app, 5)
    (here / "web.py").write_text("")
    assert door(stage).open_release(app.id, 5, digest, {}) == ""
    assert (here / "web.py").read_text() == ""  # of this boot: what the app has written

    here.with_name("v5.boot").write_text("another boot")
    assert door(stage).open_release(app.id, 5, digest, {}) == ""
    assert (here / "web.py").read_text()

    (here / "web.py").write_text("")
    door(stage).settle_releases()
    assert not here.with_name("v5.boot").exists()
    assert door(stage).open_release(app.id, 5, digest, {}) == ""
    assert (here / "web.py").read_text() == ""


def test_a_release_without_slug_or_room_fails_and_what_ran_runs_on(
    stage: Stage, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    pid = stage.pids()[f"MyProdEnv.{app.name}.v1.worker.1"]
    _, rollout = stage.release(app, {"worker": SLEEP})
    with monkeypatch.context() as patch:
        patch.setattr("stratum.disk.os.statvfs", _full)
        done = stage.apply(app, rollout)
    assert done.state is RolloutState.FAILED
    assert done.error.startswith("v2 has no folder to run from: 1 MiB of the server's disk are free")

    _, rollout = stage.release(app, {"worker": SLEEP})
    slug = stage.layout.slug(app.id, "a" * 64)
    slug.rename(slug.with_name("away"))
    done = stage.apply(app, rollout)
    slug.with_name("away").rename(slug)

    assert done.state is RolloutState.FAILED
    assert done.error == "v3 has no folder to run from: what was built for it is not there any more."
    assert names(stage, app) == ["v1", "v1.tmp"]
    assert stage.pids()[f"MyProdEnv.{app.name}.v1.worker.1"] == pid


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 0},
        {"version": True},
        {"digest": "../../" + "a" * 58},
        {"mounts": {"../x": "y"}},
        {"mounts": {"x": "\0"}},
        {"mounts": []},
        {"app_id": 0},
    ],
)
def test_the_door_takes_nothing_that_could_lead_elsewhere(
    stage: Stage, app: App, wrong: dict[str, object]
) -> None:
    sound: dict[str, object] = {"app_id": app.id, "version": 1, "digest": "a" * 64, "mounts": {}}
    with pytest.raises(DoorUnavailable, match="The door does not take"):
        requests.answer(stage.layout, stage.instance.fence, "open_release", {**sound, **wrong})
    with pytest.raises(DoorUnavailable, match="The door does not take"):
        requests.answer(stage.layout, stage.instance.fence, "keep_releases", {**sound, "versions": ["1"]})
    assert not folder(stage, app, 1).exists()


def test_a_mount_that_the_slug_is_in_the_way_of_fails_the_release(stage: Stage, app: App) -> None:
    stage.slug(app)

    why = door(stage).open_release(app.id, 1, "a" * 64, {"uploads": "web.py/uploads"})

    assert "web.py/uploads" in why
    assert names(stage, app) == []
    assert door(stage).open_release(app.id, 1, "a" * 64, {"uploads": "public/uploads"}) == ""
    assert (folder(stage, app, 1) / "public/uploads").is_dir()


def test_the_reconciler_removes_what_a_crash_left(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": SLEEP}, worker=1)
    assert door(stage).open_release(app.id, 9, "a" * 64, {}) == ""
    assert "v9" in names(stage, app)

    look(stage)

    assert names(stage, app) == ["v1", "v1.tmp"]


def _full(_path: object) -> os.statvfs_result:
    block, blocks, free = 4096, 1 << 28, 256
    return os.statvfs_result((block, block, blocks, free, free, 0, 0, 0, 0, 255))
