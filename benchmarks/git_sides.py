"""The two servers that git's transport is compared on, with the same repositories.

Ours has an app for each; what is pushed to `topic` branches is stored and deploys nothing. The peer gets
copies, and what our git is told with every call in their configuration.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peer
from benchmarks.git_client import GitClient
from benchmarks.pushes import admin_token
from gitserver.git.repos import settings
from stratum.instance import Instance
from stratum.settings import Settings
from tests.served import Served

ENVIRONMENT = "Bench"
EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Side:
    """A server, and where it keeps its repositories.

    Attributes:
        kept: folder for copies of the repositories, as they were before anything was measured.
    """

    name: str
    base: str
    repos: dict[str, Path]
    kept: Path

    def url(self, repo: str) -> str:
        """Where a repository is cloned from and pushed to."""
        return f"{self.base}/{repo}.git"

    def keep(self) -> None:
        """Copy all, for `restore`."""
        self.kept.mkdir(parents=True)
        for name, repo in self.repos.items():
            _copy(repo, self.kept / name)

    def restore(self, name: str) -> None:
        """Make a repository what it was, so that neither side grows by what is measured.

        Moved away first: upkeep may be at work in it.
        """
        used = self.repos[name].with_name(f"{name}.used")
        self.repos[name].rename(used)
        _copy(self.kept / name, self.repos[name])
        shutil.rmtree(used, ignore_errors=True)


def ours(served: Served, client: GitClient, contents: Mapping[str, Path]) -> Side:
    """Make an app for each name, and push to its branch `topic`, with all tags."""
    side = Side("Stratum", f"{served.url}/{ENVIRONMENT}", {}, served.folder / "kept/ours")
    client.knows(side.base, admin_token(served))
    served.stratum("environments", "create", ENVIRONMENT, "--stage", "production")
    for name, content in contents.items():
        side.repos[name] = _made(served, name)
        if name != EMPTY:
            client.run(content, "push", side.url(name), "master:refs/heads/topic", "refs/tags/*:refs/tags/*")
    side.keep()
    return side


def _made(served: Served, name: str) -> Path:
    folder = served.data / "repos"
    before = set(folder.glob("*.git"))
    served.stratum("apps", "create", name, "-E", ENVIRONMENT)
    (made,) = set(folder.glob("*.git")) - before
    return made


@contextmanager
def theirs(served: Served, ours: Side, client: GitClient) -> Iterator[Side]:
    """Serve copies of our repositories by the peer."""
    folder, token = served.folder / "peer", admin_token(served)
    given = _settings(Instance.open(Settings(data=served.data)))
    with peer.serving(folder, ours.repos, given, token) as base:
        repos = {name: folder / f"repos/{name}.git" for name in ours.repos}
        side = Side("nginx + fcgiwrap + http-backend", base, repos, served.folder / "kept/theirs")
        side.keep()
        client.knows(base, token)
        yield side


def _settings(instance: Instance) -> dict[str, str]:
    """What our git gets as `-c` options, the place of the hooks apart."""
    given = dict(word.split("=", 1) for word in settings(instance) if "=" in word)
    return {name: value for name, value in given.items() if name != "core.hooksPath"}


def _copy(repo: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", repo, target], check=True)  # with its owners, unlike shutil.copytree
