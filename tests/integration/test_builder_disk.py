"""The disk fills up during a build: it fails with its step, and nothing else is harmed."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from builder.room import check_room
from stratum.errors import BuildFailed
from stratum.model import BuildState
from stratum.store import environments
from tests.yard import ROOT, Yard

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not ROOT and not os.environ.get("CI"), reason="a small disk can only be mounted by root"
    ),
]

SIZE_MIB = 96


@pytest.fixture(params=[False, True])
def yard(request):
    """A yard whose data folder is a small disk of its own."""
    disk = Path(tempfile.mkdtemp(prefix="stratum-disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=711", "none", disk], check=True)
    made = Yard.make(fenced=request.param, data=disk)
    yield made
    made.remove()
    subprocess.run(["umount", disk], check=True)
    disk.rmdir()


def released(yard: Yard):
    """An app with a release that runs."""
    app = yard.app("plain")
    yard.build(app)
    (release,) = yard.releases(app)
    with yard.shop.db.write() as tx:
        environments.set_current_release(tx, app.id, release.id)
    return app, yard.layout.slug(app.id, release.slug)


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("build_fills_disk", "Installing requirements.txt failed (exit code 1)"),
        ({"large": bytes((SIZE_MIB + 8) << 20)}, "Unpacking COMMIT failed (exit code 2)"),
    ],
)
def test_a_build_that_fills_the_disk_fails_with_its_step(yard: Yard, source, step: str):
    app, slug = released(yard)

    yard.push(app, source)
    build = yard.build(app)

    summary = step.replace("COMMIT", build.commit[:7])
    log = yard.log(build).splitlines()
    assert build.state is BuildState.FAILED
    assert build.error.startswith(summary)
    assert "No space left on device" in build.error
    assert f" !     {summary}" in log
    assert " !     The server's disk is full. Its operator has to make room; then push again." in log
    assert log[-1] == " !     v1 keeps running."
    assert (slug / "text").read_text() == "plain\n"
    assert yard.scratch(app) == []
    assert len(yard.releases(app)) == 1


def test_a_failure_is_recorded_though_it_takes_long_to_erase_what_filled_the_disk(yard: Yard, monkeypatch):
    monkeypatch.setattr("stratum.door.folders.AT_ONCE_S", 0)
    app, _ = released(yard)
    yard.push(app, {"large": bytes((SIZE_MIB + 8) << 20)})

    build = yard.build(app)

    assert (build.state, yard.scratch(app)) == (BuildState.FAILED, [])
    assert "No space left on device" in build.error


def test_no_build_begins_below_the_floor(yard: Yard):
    """A tenth of the disk; nothing is unpacked, no folder made, and what there was is left."""
    app, slug = released(yard)
    yard.push(app, {"text": "next"})
    (yard.layout.data / "filler").write_bytes(bytes((SIZE_MIB * 95 // 100) << 20))

    refused = yard.build(app)
    touched = yard.scratch(app)
    (yard.layout.data / "filler").unlink()

    log = yard.log(refused).splitlines()
    assert refused.state is BuildState.FAILED
    assert log[0] == " !     The build failed"
    assert re.fullmatch(
        r" !     [\d.]+ MiB of the server's disk are free, and none begins below 9.6 MiB.", log[1]
    )
    assert log[2:] == [
        " !     Its operator has to make room; then: stratum redeploy",
        " !     v1 keeps running.",
    ]
    assert touched == []
    assert (slug / "text").read_text() == "plain\n"


def test_files_can_run_out_before_bytes(tmp_path):
    options = "size=64m,nr_inodes=1000,mode=711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", tmp_path], check=True)
    try:
        check_room(tmp_path, 1)
        for number in range(950):
            (tmp_path / str(number)).touch()

        with pytest.raises(BuildFailed, match="has room for 49 more files, and a build may need more"):
            check_room(tmp_path, 1)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_leaves_the_build_queued_until_there_is_room(yard: Yard):
    """Not even the claim can be written."""
    app, slug = released(yard)
    yard.push(app, {"text": "next"})
    filler = yard.layout.data / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))

    waiting = yard.build(app)
    filler.unlink()
    built = yard.build(app)

    assert waiting.state is not BuildState.FAILED
    assert built.state is BuildState.SUCCEEDED
    assert (slug / "text").read_text() == "plain\n"
