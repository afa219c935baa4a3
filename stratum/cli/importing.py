"""Taking an existing git repository over: plain pushes of its branches and tags, the deploying one last."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stratum.cli.associate import helper
from stratum.cli.environ import client_environ
from stratum.cli.output import say
from stratum.cli.which import environment_name, environment_option, server
from stratum.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from stratum.client import RemoteApp

AT_ONCE = 1000  # refs that a server takes in one push
NOT_FOUND = "not-found"
BRANCHES = "refs/heads/"
USUAL = ("master", "main")
_ELSEWHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"})


@click.command("import")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("name", required=False)
@environment_option
@click.option(
    "--deploy-branch", metavar="BRANCH", help="Default: the app's, else what the repository's HEAD is."
)
@click.option("--no-deploy", is_flag=True, help="Leave out the branch that deploys; push it later.")
@click.pass_context
def import_(
    ctx: click.Context,
    /,
    path: Path,
    name: str | None,
    environment: str | None,
    **given: Any,
) -> None:
    """Push the git repository at PATH to the app NAME, which is made if it is not there.

    NAME is by default that of the folder. All branches and tags go first, then the branch that deploys.
    """
    where = environment_name(ctx, environment)
    if where is None:
        message = "Missing option '-E', the environment."
        raise click.UsageError(message)
    source = Repository.at(path)
    app, branch = _prepared(
        where, name or path.resolve().name.removesuffix(".git"), source, given["deploy_branch"]
    )
    deploying = BRANCHES + branch
    for part in _parts([ref for ref in source.refs if ref != deploying]):
        say(f"Pushing {len(part)} of the branches and tags that do not deploy")
        source.push(app, part)
    if given["no_deploy"]:
        say(f"{branch} was left out. To deploy it: {_by_hand(source, app, branch)}")
    elif deploying in source.refs:
        source.push(app, [deploying])
    else:
        say(f"{path} has no branch {branch}, from which {app.label} deploys. {_choose(app)}")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on this machine, and its branches and tags in full."""

    path: Path
    refs: tuple[str, ...]

    @classmethod
    def at(cls, path: Path) -> "Repository":
        """Look at a folder.

        Raises:
            InvalidInput: it is no repository, a shallow one, or an empty one.
        """
        if _git(path, "rev-parse", "--git-dir").returncode:
            message = f"{path} is no git repository: {_git(path, 'rev-parse', '--git-dir').stderr.strip()}"
            raise InvalidInput(message)
        if _git(path, "rev-parse", "--is-shallow-repository").stdout.strip() != "false":
            message = f"{path} is a shallow clone: it lacks the older commits."
            raise InvalidInput(
                message, f"Fetch them first: git -C {shlex.quote(str(path))} fetch --unshallow"
            )
        listed = _git(path, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
        if listed.returncode or not listed.stdout:
            message = (
                f"{path} has no branch and no tag, so there is nothing to import. {listed.stderr}".strip()
            )
            raise InvalidInput(message)
        return cls(path, tuple(listed.stdout.splitlines()))

    def branch(self) -> str:
        """Return the branch that deploys unless the app says another: HEAD, else master or main."""
        head = _git(self.path, "symbolic-ref", "--short", "HEAD").stdout.strip()
        return next((name for name in (head, *USUAL) if BRANCHES + name in self.refs), head or USUAL[0])

    def push(self, app: "RemoteApp", refs: Sequence[str]) -> None:
        """Push refs under their names; git and the server talk to the person.

        Raises:
            InvalidInput: git failed, and has said why.
        """
        key = f"credential.{app.connection.url}.helper"
        settings = ["-c", f"{key}=", "-c", f"{key}={helper()}"]
        argv = [
            "git",
            "-C",
            str(self.path),
            *settings,
            "push",
            app.git_url,
            *(f"{ref}:{ref}" for ref in refs),
        ]
        if subprocess.run(argv, env=_environ(self.path), check=False).returncode:
            message = "The import is not complete: git could not push, and said why above."
            raise InvalidInput(message, "What was pushed stays; import again once it is mended.")


def _prepared(where: str, name: str, source: Repository, wished: str | None) -> tuple["RemoteApp", str]:
    """Find the app, or make it, and say which branch of it deploys: none may do so by being first."""
    app = server().app(where, name)
    try:
        found = app.show()
    except Refused as refused:
        if refused.slug != NOT_FOUND:  # by a former name, say: no new app is to take that here
            raise
        branch = wished or source.branch()
        found = server().create_app(where, name, branch)
        say(f"Created {found['environment']}/{found['name']}: {found['url']}, once deployed.")
    else:
        branch = wished or found["deploy_branch"] or source.branch()
        if branch != found["deploy_branch"]:
            app.change({"deploy_branch": branch})
    return server().app(found["environment"], found["name"]), branch


def _parts(refs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(refs), AT_ONCE):
        yield refs[start : start + AT_ONCE]


def _by_hand(source: Repository, app: "RemoteApp", branch: str) -> str:
    path = shlex.quote(str(source.path))
    return f"stratum associate {app.environment} {app.name} in {path}, then git push catalyze {branch}"


def _choose(app: "RemoteApp") -> str:
    return f"Choose another: stratum apps set {app.name} -E {app.environment} --deploy-branch BRANCH"


def _git(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["git", "-C", str(path), *arguments]
    try:
        return subprocess.run(argv, env=_environ(path), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        message = "git is not installed, or not on PATH."
        raise InvalidInput(message) from error


def _environ(path: Path) -> dict[str, str]:
    """Have git look at this folder alone: neither at one that is set, nor at those above it."""
    mine = {name: value for name, value in client_environ().items() if name not in _ELSEWHERE}
    return {**mine, "GIT_CEILING_DIRECTORIES": str(path.resolve().parent)}
