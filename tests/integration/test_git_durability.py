"""What is on disk when: the row before "yes", objects before the ref, all of it before the pusher hears "ok".

Every write, sync and rename of the web process and its gits is seen in order (tests/syscalls.py); what
has been written and not synced at a moment is what a loss of power would take.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.gitweb import FakeBuilder, GitWeb, new_web, run_git
from tests.repos import commit, git
from tests.syscalls import Call, Syscalls

pytestmark = pytest.mark.integration

HOOK = b"/tmp_objdir-incoming-"
YES = b"x0\n"  # what the hook is told (gitserver/git/hookpipe.py)
# Reflogs, which git cannot sync (core.fsync, git 2.39), are read by people alone; refs of builds are given
# back by the database; git renames a quarantine before it is accepted, and removes what keeps its pack from
# a repack as soon as its ref has moved.
MAY_BE_LOST = ("/logs/", "/refs/stratum/", "/tmp_objdir-", ".keep")


class Watched:
    """A web process all of whose writes are seen."""

    def __init__(self, web: GitWeb, syscalls: Syscalls) -> None:
        self.web, self.syscalls = web, syscalls

    def push(self, source: Path, *arguments: str) -> list[Call]:
        """Push, and return what was done for it."""
        before = len(self.syscalls.calls)
        pushed = run_git(source, "push", *arguments)
        assert pushed.code == 0, pushed.said
        return self.syscalls.calls[before:]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("w")
    web = new_web(folder / "web")
    with Syscalls(folder) as syscalls:
        web.before = syscalls.words
        try:
            web.start()
            with FakeBuilder(web):
                yield Watched(web, syscalls)
        finally:
            web.close()


def unsynced(web: GitWeb, calls: Sequence[Call]) -> list[str]:
    """Files of the instance that were written and not synced, under the name that they have then.

    Of the database only what the push writes: others may be between their write and their sync just then.
    """
    pushing = {call.thread for call in calls if call.path.startswith("pipe:") and call.data == YES}
    names: dict[str, int] = {}
    dirty: set[int] = set()
    for call in calls:
        if call.kind == "write" and (call.thread in pushing or not call.path.endswith("/stratum.db-wal")):
            names[call.path] = call.inode
            dirty.add(call.inode)
        elif call.kind == "sync":
            dirty.discard(call.inode)
        elif os.fsdecode(call.data) in names:
            names[call.path] = names.pop(os.fsdecode(call.data))
    return needed(web, (path for path, inode in names.items() if inode in dirty))


def unsynced_of_stored(web: GitWeb, calls: Sequence[Call]) -> list[str]:
    """Do so for a push that deploys nothing, once it was taken: its row and its ref say so by themselves.

    A loss of power may make it pending again, and then it is settled (hooks/settle.py).
    """
    return [path for path in unsynced(web, calls) if not path.endswith("/stratum.db-wal")]


def unsynced_names(web: GitWeb, calls: Sequence[Call]) -> list[str]:
    """Names in the instance that were given, and whose folders were not synced since."""
    given: set[str] = set()
    for call in calls:
        if call.kind == "name":
            given.add(call.path)
        elif call.kind == "sync":
            given = {name for name in given if os.path.dirname(name) != call.path}  # noqa: PTH120 - a string
    return needed(web, given)


def needed(web: GitWeb, paths: Iterable[str]) -> list[str]:
    """Leave out what may be lost: see the decisions about pushes."""
    data = f"{web.instance.layout.data}/"
    return [path for path in paths if path.startswith(data) and not any(part in path for part in MAY_BE_LOST)]


def at(calls: Sequence[Call], kind: str, *, path: str = "", data: bytes = b"") -> int:
    """Where the first such call is."""
    for number, call in enumerate(calls):
        if call.kind == kind and call.path.endswith(path) and data in call.data:
            return number
    message = f"no {kind} of {path} {data!r}"
    raise AssertionError(message)


def yes_of(calls: Sequence[Call]) -> int:
    return next(n for n, call in enumerate(calls) if call.path.startswith("pipe:") and call.data == YES)


def question_of(calls: Sequence[Call]) -> int:
    """Where the hook asks: its first word is the folder of what was sent (gitserver/git/receive_hook.sh)."""
    return next(n for n, call in enumerate(calls) if call.path.startswith("pipe:") and HOOK in call.data)


def report_of(calls: Sequence[Call]) -> int:
    return next(
        n for n, call in enumerate(calls) if call.path.startswith("socket:") and b"unpack ok" in call.data
    )


def is_sync_of(call: Call, path: str) -> bool:
    return call.kind == "sync" and call.path.endswith(path)


def test_the_hook_of_a_push_to_one_ref_asks_with_one_write(watched):
    """The web process, and whatever else it does, wakes for each."""
    web, source = watched.web, watched.web.source("asks")
    calls = watched.push(source, web.url(web.new_app()), "master")

    question = calls[question_of(calls)]

    assert question.kind == "write"
    assert question.data.count(b"\0") == 3
    assert question.data.endswith(b" refs/heads/master\0\0")


def test_row_is_on_disk_before_the_hook_is_told_yes(watched):
    web, source = watched.web, watched.web.source("row")
    calls = watched.push(source, web.url(web.new_app()), "master")

    asked, yes = question_of(calls), yes_of(calls)
    between = calls[asked:yes]

    assert any(call.kind == "write" and call.path.endswith("/stratum.db-wal") for call in between)
    assert any(is_sync_of(call, "/stratum.db-wal") for call in between)
    assert unsynced(web, calls[:yes]) == []


def test_objects_are_on_disk_before_the_ref_moves(watched):
    web, source = watched.web, watched.web.source("objects")
    calls = watched.push(source, web.url(web.new_app()), "master")

    moved = at(calls, "name", path="/refs/heads/master")
    synced = [call.path for call in calls[:moved] if call.kind == "sync"]

    assert any("/pack/tmp_pack_" in path for path in synced)
    assert any("/pack/tmp_idx_" in path for path in synced)
    assert any(path.endswith("/refs/heads/master.lock") for path in synced)
    assert unsynced(web, calls[:moved]) == []


@pytest.mark.parametrize(
    "refs",
    [["master"], ["master:topic/of/mine", "master:refs/notes/x"], ["master", "--push-option=gate=build"]],
    ids=["deploys", "stored", "gated"],
)
def test_all_is_on_disk_before_the_pusher_hears_ok(watched, refs):
    """Ref, objects, their names, and the acceptance with its build."""
    web, source = watched.web, watched.web.source("-".join(refs).replace("/", "-"))
    options = [word for word in refs if word.startswith("--")]
    refs = [word for word in refs if not word.startswith("--")]
    app = web.new_app()

    calls = watched.push(source, *options, web.url(app), *refs)

    ref = refs[0].rpartition(":")[2]
    moved, told = at(calls, "name", path=f"/refs/heads/{ref}"), report_of(calls)
    deploys = "master" in refs
    assert any(is_sync_of(call, "/stratum.db-wal") for call in calls[moved:told]) == deploys
    assert (unsynced if deploys else unsynced_of_stored)(web, calls[:told]) == []
    assert unsynced_names(web, calls[:told]) == []


def test_next_push_and_delete_are_as_durable(watched):
    web, source = watched.web, watched.web.source("next")
    url = web.url(web.new_app())
    watched.push(source, url, "master", "master:gone")
    commit(source, {"more": "1"})
    for repo in web.instance.layout.repos.glob("*.git"):
        git(repo, "pack-refs", "--all")

    for arguments, found in ((["master"], unsynced), ([":gone"], unsynced_of_stored)):
        calls = watched.push(source, url, *arguments)
        told = report_of(calls)
        assert found(web, calls[:told]) == []
        assert unsynced_names(web, calls[:told]) == []


def test_a_sync_that_is_not_made_would_be_seen(watched):
    web, source = watched.web, watched.web.source("seen")
    calls = watched.push(source, web.url(web.new_app()), "master")

    without = [call for call in calls[: report_of(calls)] if call.kind != "sync"]

    files = {path.rpartition("/")[2] for path in unsynced(web, without)}
    names = {path.rpartition("/")[2] for path in unsynced_names(web, without)}
    assert {"master", "stratum.db-wal"} <= files
    assert "master" in names
    assert any(name.endswith(".pack") for name in files & names)
