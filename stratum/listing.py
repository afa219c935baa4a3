"""Long answers of git about a commit's tree, read block by block, as they can be longer than memory is large.

A tree of a few objects, each of which names the one below it many times, has more paths than any disk
has room for. So reading ends at a limit, by size and by time.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from stratum.errors import InvalidInput, Unavailable
from stratum.git import LIMITS, TIMEOUT_S, Commit, git_environ

MAX_BYTES = 64 << 20  # about a million paths
_CHUNK = 256 * 1024
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git knows it where nobody has stored it, too


def entries(commit: Commit, *, sizes: bool = False) -> Iterator[bytes]:
    r"""Yield blocks of `<mode> <type> <object>\t<path>\0`, with sizes `<object> <size>`; none is cut.

    Source: git-ls-tree(1), OUTPUT FORMAT.

    Raises:
        InvalidInput: there are too many.
        Unavailable: git failed.
    """
    return _blocks(commit, "ls-tree", "-r", "-z", "--full-tree", *(["--long"] if sizes else []), commit.id)


def paths(commit: Commit, pathspecs: tuple[bytes, ...]) -> Iterator[bytes]:
    r"""Yield blocks of `<path>\0`, of those files that are chosen; none is cut.

    Source: git-diff-tree(1); ls-tree knows no pathspecs that exclude.

    Raises:
        InvalidInput: there are too many.
        Unavailable: git failed.
    """
    options = ("-r", "-z", "--name-only", "--no-renames")
    return _blocks(commit, "diff-tree", *options, _EMPTY_TREE, commit.id, "--", *pathspecs)


def _blocks(commit: Commit, *arguments: str | bytes) -> Iterator[bytes]:
    total, rest = 0, b""
    with _answering(commit, *arguments) as answer:
        while chunk := answer.read(_CHUNK):
            total += len(chunk)
            if total > MAX_BYTES:
                message = "The commit has more files than can be built."
                raise InvalidInput(message, f"Their paths together may have {MAX_BYTES >> 20} MiB.")
            whole, end, rest = (rest + chunk).rpartition(b"\0")
            if end:
                yield whole + end


@contextmanager
def _answering(commit: Commit, *arguments: str | bytes) -> Iterator[IO[bytes]]:
    """Start git; it ends with the block at the latest."""
    with subprocess.Popen(
        ("git", f"--git-dir={commit.repo}", *arguments),
        env={**git_environ(), **commit.quarantine},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as program:
        assert program.stdout is not None
        LIMITS.apply(program.pid)
        in_time = threading.Timer(TIMEOUT_S, program.kill)
        in_time.start()
        try:
            yield program.stdout
            code = program.wait()
        finally:
            in_time.cancel()
            program.kill()
    if code:
        message = f"git could not list what {commit.id[:7]} of {commit.repo.name} has (exit code {code})."
        raise Unavailable(message, "See the server's log and disk.")
