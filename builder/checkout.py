"""Taking the commit's files to the build's scratch: git writes a tar as us, tar unpacks as the build."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from builder.bench import Bench
from stratum.errors import BuildFailed
from stratum.git import Commit, git_environ


def checkout(bench: Bench, commit: Commit) -> None:
    """Unpack a commit.

    Raises:
        BuildFailed: git or tar failed.
    """
    bench.doing = f"Unpacking {commit.id[:7]}"
    with _archive(commit) as archive:
        assert archive.stdout is not None
        assert archive.stderr is not None
        failure = None
        try:
            bench.run("unpack", stdin=archive.stdout.fileno())
        except BuildFailed as error:
            failure = error
        archive.stdout.close()
        complaint = archive.stderr.read(4096).decode("utf-8", "replace").strip()
        code = archive.wait()
    if code > 0:  # below: the signal by which it learns that tar has gone
        raise BuildFailed(bench.doing, complaint, code) from failure
    if failure is not None:
        raise failure


@contextmanager
def _archive(commit: Commit) -> Iterator[subprocess.Popen[bytes]]:
    """Start git archive, which ends when the block or this process does.

    Source: git-archive(1) honours export-ignore, export-subst and line ends, and refuses paths that
    lead out of the tree (facts measured on git 2.39; tests/integration/test_builder.py).
    """
    git = ("git", f"--git-dir={commit.repo}", "archive", "--format=tar", commit.id)
    argv = ("setpriv", "--pdeathsig", "KILL", "--", *git)
    with subprocess.Popen(
        argv, env=git_environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as archive:
        try:
            yield archive
        finally:
            archive.kill()
