"""The disk is full at some stage of a push: it is refused in a line and leaves nothing, or it is kept."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from hooks.sweep import sweep
from stratum.model import BuildState
from tests.gitweb import FakeBuilder, GitWeb, new_web, run_git, started_git
from tests.rawgit import first_push, post
from tests.repos import commit, git
from tests.waiting import found, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.getuid() != 0 and not os.environ.get("CI"), reason="a small disk can only be mounted by root"
    ),
]

SIZE_MIB = 24
BEFORE = ("receive.began", "receive.asked", "receive.locked", "receive.checked")


@pytest.fixture(scope="module")
def web():
    """A web process whose data folder is a small disk of its own; its sources and log are elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="stratum-disk-", dir="/tmp"))
    data = folder / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", data], check=True)
    try:
        made = new_web(folder)
        try:
            made.start()
            with FakeBuilder(made):
                yield made
        finally:
            made.close()
    finally:
        subprocess.run(["umount", data], check=True)
        subprocess.run(["rm", "-rf", folder], check=True)


@contextmanager
def full_disk(web: GitWeb) -> Iterator[None]:
    filler = web.instance.layout.data / "filler"
    try:
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        yield
    finally:
        filler.unlink()


def swept_objects(web: GitWeb, app) -> list[str]:
    sweep(web.instance.layout, lock_age_s=0.0)
    return web.objects(app)


@pytest.mark.parametrize("point", BEFORE)
def test_push_that_meets_a_full_disk_is_refused_in_a_line_and_leaves_nothing(web, point):
    app, source = web.new_app(), web.source(f"full-{point}")
    run_git(source, "ls-remote", web.url(app))

    web.arm(point)
    with started_git(source, "push", web.url(app), "master") as process:
        web.reached(point)
        with full_disk(web):
            web.go(point)
            said = process.communicate(timeout=60)[0].decode()

    assert process.returncode == 1, said
    assert re.search(r"master -> master \(.*(disk|room)", said), said
    wait_until(lambda: not web.pending(app))
    assert (web.ref(app), swept_objects(web, app), web.builds(app)) == ("", [], [])
    assert run_git(source, "push", web.url(app), "master").code == 0


def test_push_that_would_fill_the_disk_is_refused_and_leaves_its_room(web):
    app, source = web.new_app(), web.source("large")
    commit(source, {"large": Random(7).randbytes((SIZE_MIB + 4) << 20)})

    pushed = run_git(source, "push", web.url(app), "master")

    assert pushed.code == 1
    assert re.search(r"master -> master \(.*room", pushed.said), pushed.said
    wait_until(lambda: not list((web.repo(app) / "objects").glob("tmp_*")))
    assert (web.ref(app), swept_objects(web, app), web.builds(app)) == ("", [], [])


def test_ref_that_cannot_be_written_is_refused_and_its_row_settled(web):
    """The hook has said yes; then git finds no room."""
    app, source = web.new_app(), web.source("journaled")

    web.arm("receive.journaled")
    with started_git(source, "push", web.url(app), "master") as process:
        web.reached("receive.journaled")
        with full_disk(web):
            web.go("receive.journaled")
            said = process.communicate(timeout=60)[0].decode()

    assert process.returncode == 1, said
    wait_until(lambda: not web.pending(app))
    assert (web.ref(app), web.builds(app)) == ("", [])
    assert run_git(source, "push", web.url(app), "master").code == 0
    assert len(web.builds(app)) == 1


def test_push_that_has_moved_is_kept_and_built_once_there_is_room(web):
    app, source = web.new_app(), web.source("moved")
    tip = git(source, "rev-parse", "HEAD")

    web.arm("receive.moved")
    with started_git(source, "push", web.url(app), "master") as process:
        web.reached("receive.moved")
        with full_disk(web):
            web.go("receive.moved")
            said = process.communicate(timeout=60)[0].decode()

    assert process.returncode == 0, said
    assert "The push is stored; its build follows once this is mended: " in said
    wait_until(lambda: [build.state for build in web.builds(app)] == [BuildState.SUCCEEDED])
    assert (web.ref(app), web.pending(app)) == (tip, [])


def test_gated_push_whose_build_cannot_be_queued_is_refused_and_forgotten(web):
    app, source = web.new_app(), web.source("gated")

    web.arm("receive.checked")
    with started_git(source, "push", "--push-option=gate=build", web.url(app), "master") as process:
        web.reached("receive.checked")
        with full_disk(web):
            web.go("receive.checked")
            said = process.communicate(timeout=60)[0].decode()

    assert process.returncode == 1, said
    wait_until(lambda: all(build.state is BuildState.CANCELED for build in web.builds(app)))
    wait_until(lambda: not found(web.instance.layout.spools, "*/*"))
    assert (web.ref(app), swept_objects(web, app)) == ("", [])
    assert run_git(source, "push", "--push-option=gate=build", web.url(app), "master").code == 0


def test_first_contact_with_an_app_on_a_full_disk_is_told(web):
    """There is no repository yet, and none can be made."""
    app, source = web.new_app(), web.source("contact")
    with full_disk(web):
        pushed = run_git(source, "push", web.url(app), "master")
        answer = post(web, app, first_push(source))

    assert pushed.code == 128
    assert "See that the server's disk has room; then try again." in pushed.said, pushed.said
    assert (answer.status, b"disk" in answer.body) == (503, True)
    assert not web.repo(app).exists()
    assert run_git(source, "push", web.url(app), "master").code == 0
