"""Taking the commit's files to the build's scratch: git writes a tar as us, tar unpacks as the build."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from builder.bench import Bench
from stratum import slugignore
from stratum.errors import BuildFailed, InvalidInput, Unavailable
from stratum.git import Commit, git_environ
from stratum.limits import Limits
from stratum.tree import read_slugignore

_NOTHING_LEFT = "did not match any files"  # git archive of a pathspec, in the C locale
_ENDS_WITHIN_S = 1.0  # of tar: git learns of that with what it writes next, but may be busy with a pattern
# Of a git that reads what was pushed, as us: `**/` eight times in a pattern of .slugignore or .gitattributes
# takes it for ever, and `%<(16000)` of export-subst all memory (tests/builder/test_checkout.py). What it
# complains of goes into a file, so that nobody has to read it for git to go on.
_LIMITS = Limits(cpu_s=120, file_bytes=16 << 20)
_TOO_LONG = "git needed more than {} s of processor for it, and was ended."
_PATTERNS = (
    f"See what patterns of {slugignore.FILE} and .gitattributes repeat `**/`, and have them do with one."
)
_MAX_NEGATED = 5  # lines that are warned of


def checkout(bench: Bench, commit: Commit) -> None:
    """Unpack a commit.

    Raises:
        BuildFailed: git or tar failed.
    """
    bench.doing = f"Unpacking {commit.id[:7]}"
    pathspecs = _left_out(bench, commit)
    with tempfile.TemporaryFile() as complaints, archived(commit, pathspecs, complaints) as archive:
        assert archive.stdout is not None
        failure = None
        try:
            bench.run("unpack", stdin=archive.stdout.fileno())
        except BuildFailed as error:
            failure = error
        archive.stdout.close()
        code = _ended(archive)
        complaints.seek(0)
        complaint = complaints.read(4096).decode("utf-8", "replace").strip()
    if _NOTHING_LEFT in complaint:
        hint = "Have it name less, commit, and push again."
        raise BuildFailed(bench.doing, f"{slugignore.FILE} leaves nothing of it.", hint=hint) from failure
    if code == -signal.SIGXCPU:
        raise BuildFailed(bench.doing, _TOO_LONG.format(_LIMITS.cpu_s), hint=_PATTERNS) from failure
    if code > 0:  # below: the signal by which it learns that tar has gone
        raise BuildFailed(bench.doing, complaint, code) from failure
    if failure is not None:
        raise failure


def _ended(archive: subprocess.Popen[bytes]) -> int:
    """Return its exit code; who reads it has gone."""
    try:
        return archive.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        archive.kill()
        return archive.wait()


@contextmanager
def archived(
    commit: Commit, pathspecs: tuple[bytes, ...] = (), complaints: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start git archive, which ends when the block or this process does.

    Args:
        pathspecs: what of the commit is wanted; all of it without any.
        complaints: the file for what it complains of.

    Source: git-archive(1) honours export-ignore, export-subst and line ends, and refuses paths that
    lead out of the tree (facts measured on git 2.39; tests/integration/test_builder.py). A file of
    export-subst can ask for a check of the commit's signature, `$Format:%G?$`, for which this git
    takes the gpg of its PATH whatever gpg.program says: with none there the answer is that it
    cannot be checked, and no program reads the pusher's bytes with all that the service may do.
    """
    environ = git_environ()
    git, setpriv = (_program(name, environ["PATH"]) for name in ("git", "setpriv"))
    argv = (setpriv, "--pdeathsig", "KILL", "--", git, f"--git-dir={commit.repo}", "archive")
    with subprocess.Popen(
        (*argv, "--format=tar", commit.id, "--", *pathspecs),
        env={**environ, **commit.quarantine, "PATH": os.devnull},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if complaints is None else complaints,
    ) as archive:
        try:
            _LIMITS.apply(archive.pid)
            yield archive
        finally:
            archive.kill()


def _left_out(bench: Bench, commit: Commit) -> tuple[bytes, ...]:
    """Say what of the commit is not built, as its `.slugignore` wishes."""
    try:
        ignored = read_slugignore(commit)
    except InvalidInput as error:
        raise BuildFailed(bench.doing, error.message, hint=error.hint) from error
    if ignored.patterns:
        count = f"{ignored.patterns} pattern{'s' if ignored.patterns > 1 else ''}"
        bench.narration.step(f"Leaving out what {slugignore.FILE} names ({count})")
    for line in ignored.negated[:_MAX_NEGATED]:
        bench.narration.indent(f'{slugignore.FILE}:{line}: warning: "!" has no effect here. Remove the line.')
    return ignored.pathspecs


def _program(name: str, path: str) -> str:
    found = shutil.which(name, path=path)
    if found is None:
        message = f"The server has no {name}."
        raise Unavailable(message, "Its operator has to install it.")
    return found
