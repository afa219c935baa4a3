"""Before anything is removed from a repository: refs for all that builds need, and for no more."""

import subprocess
from pathlib import Path

from hooks.refs import keep_all, kept, kept_ref
from stratum.errors import Unavailable
from stratum.git import TIMEOUT_S, git_environ, reason
from stratum.store import Database
from stratum.store.kept import kept_commits


def keep_needed(repo: Path, db: Database, app_id: int) -> None:
    """Make the refs that the database asks for, of commits that the repository has.

    Raises:
        Unavailable: git could not look, or a ref could not be written; nothing may be removed then.
    """
    with db.read() as tx:
        wanted = kept_commits(tx, app_id)
    there = kept(repo)
    missing = {number: commit for number, commit in wanted.items() if there.get(number) != commit}
    if missing:
        keep_all(repo, _present(repo, missing))


def unneeded(repo: Path, db: Database, app_id: int) -> bytes:
    """Lines for `git update-ref --stdin` that delete the refs of builds that nothing needs any more."""
    there = kept(repo)
    with db.read() as tx:
        wanted = kept_commits(tx, app_id)
    lines = [f"delete {kept_ref(number)} {at}\n" for number, at in there.items() if number not in wanted]
    return "".join(lines).encode()


def _present(repo: Path, commits: dict[int, str]) -> dict[int, str]:
    """Leave out what is not there: a ref to it would break every later upkeep."""
    argv = ["git", f"--git-dir={repo}", "cat-file", "--batch-check=%(objecttype)"]
    asked = "".join(f"{commit}\n" for commit in commits.values()).encode()
    try:
        done = subprocess.run(
            argv, input=asked, env=git_environ(), capture_output=True, timeout=TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"git could not look into {repo.name}: {reason(error)}."
        raise Unavailable(message, "See the server's log and disk.") from error
    kinds = done.stdout.decode("utf-8", "replace").splitlines()
    found = zip(commits.items(), kinds, strict=True)
    return {number: commit for (number, commit), kind in found if kind == "commit"}
