"""What a `kill -9` leaves in a repository is gone after the next sweep, and then pushes go on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hooks.sweep import LOCK_AGE_S, UNBORN_AGE_S, sweep
from stratum.ownership import exclusive
from tests.repos import git

FILES = (
    "objects/3f/tmp_obj_1a2b3c",
    "objects/tmp_obj_1a2b3c",
    "objects/pack/tmp_pack_1a2b3c",
    "objects/pack/tmp_idx_1a2b3c",
    "objects/pack/.tmp-4711-pack-0123.pack",
    "shallow_1a2b3c",
)
LOCKS = (
    "HEAD.lock",
    "config.lock",
    "gc.pid",
    "gc.pid.lock",
    "logs/refs/heads/master.lock",
    "objects/info/packs.lock",
    "objects/pack/multi-pack-index.lock",
    "packed-refs.lock",
    "packed-refs.new",
    "refs/heads/deep/down.lock",
    "refs/heads/master.lock",
    "refs/stratum/builds/3.lock",
    "shallow.lock",
    "objects/pack/pack-0123.keep",
)
BY_RECEIVE = f"receive-pack {os.getpid()} on a.example.org\n"  # a number that another process has by now


def leave(repo, name, age_s=LOCK_AGE_S + 1):
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(BY_RECEIVE if name.endswith(".keep") else "left")
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("name", [*FILES, *LOCKS])
def test_each_kind_is_removed(web, repo, name):
    path = leave(repo, name)

    assert sweep(web.instance.layout) == 1
    assert not path.exists()
    assert sweep(web.instance.layout) == 0


@pytest.mark.parametrize("name", [*FILES, *LOCKS])
def test_nothing_is_removed_while_a_process_is_at_work(web, repo, name):
    path = leave(repo, name)
    sleeper = subprocess.Popen(["sleep", "60"], cwd=repo / "objects")
    try:
        assert sweep(web.instance.layout) == 0
        assert path.exists()
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_let_be_during_a_push_and_while_they_are_young(web, app, repo, name):
    path = leave(repo, name)
    with exclusive(web.instance.layout.push_lock(app.id)):
        assert sweep(web.instance.layout) == 0
    leave(repo, name, age_s=0)
    assert sweep(web.instance.layout) == 0

    assert sweep(web.instance.layout, lock_age_s=0) == 1
    assert not path.exists()


KEPT = {"empty": "", "mine": "mine\n", "short": "receive-pack 7\n", "more": f"{BY_RECEIVE}and mine\n"}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_a_pack_that_a_person_keeps_stays_kept(web, repo, text):
    path = leave(repo, "objects/pack/pack-0123.keep")
    path.write_text(text)

    assert sweep(web.instance.layout, lock_age_s=0) == 0
    assert path.exists()


def test_a_repository_that_cannot_be_swept_keeps_no_other_from_it(web, repo, caplog):
    (web.instance.layout.repos / "0x1.git").mkdir()
    leave(web.instance.layout.repos / "0x1.git", "HEAD.lock")
    path = leave(repo, "HEAD.lock")

    assert sweep(web.instance.layout) == 1
    assert not path.exists()
    assert caplog.records[0].getMessage().startswith("0x1.git could not be swept")


def test_a_repository_too_deep_to_be_looked_through_keeps_no_other_from_it(web, repo):
    folder = top = web.instance.layout.repos / "9.git/refs/heads/a"
    top.parent.mkdir(parents=True)
    for _ in range(sys.getrecursionlimit()):
        folder.mkdir()
        folder = Path(f"{folder}/a")
    path = leave(repo, "HEAD.lock")

    swept = sweep(web.instance.layout)
    subprocess.run(["rm", "-rf", top], check=True)  # as deep a folder would stop Python's own

    assert (swept, path.exists()) == (1, False)


def test_quarantines_are_removed_with_all_in_them(web, repo):
    leave(repo, "objects/tmp_objdir-incoming-x/pack/tmp_pack_y")

    assert sweep(web.instance.layout) == 1
    assert [path.name for path in (repo / "objects").iterdir()] == ["info", "pack"]


def test_what_belongs_to_the_repository_stays(web, repo):
    source = web.source("source")
    git(source, "push", "-q", str(repo), "master", "master:refs/heads/deep/down")
    git(repo, "repack", "-adq")
    before = sorted(path for path in repo.rglob("*"))

    assert sweep(web.instance.layout, lock_age_s=0) == 0
    assert sorted(path for path in repo.rglob("*")) == before


def test_a_repository_that_was_being_made_goes_after_a_while(web, repo):
    unborn = web.instance.layout.repos / "7.git.k3j2h1"
    unborn.mkdir()
    assert sweep(web.instance.layout) == 0

    then = time.time() - UNBORN_AGE_S - 1
    os.utime(unborn, (then, then))
    assert sweep(web.instance.layout) == 1
    assert list(web.instance.layout.repos.iterdir()) == [repo]
