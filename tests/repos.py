"""Git repositories for tests: made of a folder of `tests/apps/`, or of a few files given by name."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

APPS = Path(__file__).with_name("apps")
_WHO = {
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}

Source = str | Path | Mapping[str, str | bytes]


def git(folder: Path, *arguments: str, stdin: bytes | None = None, **environ: str) -> str:
    """Run git in a folder, in an environment without anybody's configuration; return its output."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        env={"PATH": os.environ["PATH"], **_WHO, **environ},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def make_repo(folder: Path, source: Source) -> Path:
    """Make a repository with one commit on master.

    Args:
        folder: where; must not exist yet.
        source: a sample's name in tests/apps/, another folder, or name → content.
    """
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=master")
    commit(folder, source)
    return folder


def commit(repo: Path, source: Source, message: str = "Change") -> str:
    """Add files to a repository's work tree, commit all of it, and return the commit's id."""
    if isinstance(source, Mapping):
        for name, content in source.items():
            file = repo / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        shutil.copytree(APPS / source, repo, dirs_exist_ok=True, symlinks=True)
    git(repo, "add", "--all", "--force")
    # Looking whether it should tidy up costs git two processes more.
    git(repo, "-c", "maintenance.auto=false", "commit", "--quiet", "--allow-empty", "--message", message)
    return head(repo)


def head(repo: Path) -> str:
    """Read what a git that has just committed has written, since a process for it takes ten times as long."""
    said = (repo / ".git/HEAD").read_text().strip()
    return (repo / ".git" / said.removeprefix("ref: ")).read_text().strip() if "ref: " in said else said
