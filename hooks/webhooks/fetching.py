"""Fetching a branch from elsewhere into a scratch repository, by git, under limits.

What is connected to is the address that was looked up and checked here, no redirect is followed, no other
protocol than the source's is spoken, and no configuration but ours is seen. By SSH: `ssh`.
"""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import PIPE

from hooks.webhooks.running import Order, Ran, TookTooLong, run
from hooks.webhooks.source import Source
from stratum.buildlog import harmless
from stratum.door.wayout.addresses import is_ours, is_public, look_up
from stratum.errors import InvalidInput
from stratum.git import git_environ
from stratum.limits import Limits
from stratum.webhooks import TOKEN_USER

STALLED_S = 60  # with less than a byte a second for so long git gives up
MAX_SAID = 300  # characters of what git says of a failure
FETCHED = "refs/heads/fetched"
_BLOCK = 512  # bytes (inode(7), st_blocks)


class FetchFailed(Exception):
    """A fetch did not succeed; it may do so later.

    Attributes:
        reason: a clause without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchTooLarge(FetchFailed):
    """What came is larger than a file may be."""


@dataclass(frozen=True, slots=True)
class Way:
    """How git comes to a source.

    Attributes:
        environ: variables; those with settings stand in place of those of `git_environ`.
        passed: descriptors that it hands on.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    passed: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Scratch:
    """A bare repository that is thrown away, which finds what the app's own has without copying it.

    Attributes:
        look: called once a second while a branch is fetched; what it raises ends the fetch.
    """

    path: Path
    limits: Limits
    look: Callable[[], object] = bool

    def make(self, *repos: Path) -> None:
        """Make it.

        Args:
            repos: what they have need not be fetched: the app's own, its parent's; some may not be there.

        Raises:
            FetchFailed: the disk would not have it.
        """
        self.path.mkdir(parents=True)
        self._run(["init", "--quiet", "--bare", "--template=", "."])
        there = [repo / "objects" for repo in repos if (repo / "objects").is_dir()]
        if there:
            info = self.path / "objects/info"
            info.mkdir(exist_ok=True)
            (info / "alternates").write_text("".join(f"{objects}\n" for objects in there))

    def fetch(self, source: Source, ref: str, way: Way) -> str:
        """Fetch a ref, named in full; return the commit that it is at.

        Raises:
            FetchFailed: it cannot be had, now.
            FetchTooLarge: it is more than the limits allow.
        """
        words = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-gc", "--"]
        way = replace(way, environ={"GIT_ALLOW_PROTOCOL": source.scheme, **way.environ})
        self._run([*words, source.url, f"+{ref}:{FETCHED}"], way, look=self._look)
        self._check_size()
        return self._run(["rev-parse", "--verify", f"{FETCHED}^{{commit}}"]).said.decode().strip()

    def differing(self, old: str, new: str) -> list[str] | None:
        """Name the files in which two commits differ; None: they are too many to be named."""
        ran = self._run(["diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new])
        if ran.is_cut:
            return None
        return [path.decode("utf-8", "replace") for path in ran.said.split(b"\0") if path]

    def leads_to(self, tip: str, commit: str) -> bool:
        """Whether a commit is another, or one that came before it."""
        try:
            self._run(["merge-base", "--is-ancestor", commit, tip])
        except FetchFailed:  # or it is not there at all
            return False
        return True

    def message(self, commit: str) -> str:
        """Return a commit's message; of a very long one the beginning."""
        said = self._run(["cat-file", "commit", commit]).said
        return said.partition(b"\n\n")[2].decode("utf-8", "replace")

    def pack(self, new: str, old: str, into: Path) -> None:
        """Write a pack of what a commit has and another lacks.

        Args:
            old: a commit that the receiver has; empty: none.
        """
        wanted = f"{new}\n" + (f"^{old}\n" if old else "")
        words = ["pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"]
        with into.open("wb") as output:
            self._run(words, given=wanted.encode(), output=output.fileno())

    def _run(
        self,
        words: Sequence[str],
        way: Way = Way(),
        *,
        given: bytes = b"",
        output: int = PIPE,
        look: Callable[[], object] = bool,
    ) -> Ran:
        order = Order(words, self.path, {**git_environ(), **way.environ}, given, output, way.passed)
        try:
            ran = run(order, self.limits, look)
        except TookTooLong as error:
            reason = f"it took longer than {self.limits.timeout_s} s"
            raise FetchFailed(reason) from error
        if ran.status and not ran.is_cut:
            kind = FetchTooLarge if self._is_full() else FetchFailed
            raise kind(_reason(ran.errors, ran.status))
        return ran

    def _look(self) -> None:
        self._check_size()
        self.look()

    def _check_size(self) -> None:
        """See that all files together are no larger than one may be.

        Where a server speaks git's dumb protocol, it decides in how many what it has is sent.

        Raises:
            FetchTooLarge: they are.
        """
        if _size(self.path / "objects") > self.limits.file_bytes:
            reason = "it is too large"
            raise FetchTooLarge(reason)

    def _is_full(self) -> bool:
        """Whether a pack has grown to the limit of a file, at which git was ended; git does not say so."""
        packs = (self.path / "objects/pack").glob("*")
        return any(pack.stat().st_size >= self.limits.file_bytes for pack in packs)


def checked_address(source: Source, *, may_be_private: bool) -> str:
    """Look a source's host up; return the address that git is to connect to.

    Raises:
        FetchFailed: nobody knows it now.
        InvalidInput: it is one of this machine or of a network around it.
    """
    try:
        found = [address for _, (address, _) in look_up(source.host, source.port)]
    except OSError as error:
        reason = f"the address of {source.host} cannot be found: {error.strerror or error}"
        raise FetchFailed(reason) from error
    if may_be_private:
        return found[0]
    if not all(map(is_public, found)) or is_ours(found[0], source.port):
        message = f"{source.host} has a private address, or this server's own; nothing is fetched from there."
        raise InvalidInput(message, "The operator can allow it: STRATUM_FETCH_HOSTS.")
    return found[0]


def by_https(source: Source, address: str, credential: Mapping[str, str]) -> Way:
    """Return the way to a source by https, or http, by way of one address, and as a user of the source's.

    Args:
        credential: `user` and `password`, or nothing.

    Source: git-config(1), `http.curloptResolve` (git 2.37 and newer).
    """
    found = {
        "http.curloptResolve": f"{source.host}:{source.port}:{f'[{address}]' if ':' in address else address}",
        "http.followRedirects": "false",
        "http.proxy": "",
        "http.lowSpeedLimit": "1",
        "http.lowSpeedTime": str(STALLED_S),
        "credential.helper": "",
        "fetch.unpackLimit": "1",
    }
    if credential:
        pair = f"{credential['user'] or TOKEN_USER}:{credential['password']}"
        found["http.extraHeader"] = f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"
    return Way(settings(found))


def settings(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which git is told settings where no list of processes shows them."""
    named = list(enumerate(wanted.items()))
    keys = {f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in named}
    values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in named}
    return {"GIT_CONFIG_COUNT": str(len(named)), **keys, **values}


def _size(folder: Path) -> int:
    """Return how many bytes of the disk a folder takes, whose files may go meanwhile."""
    taken = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                taken += os.lstat(f"{above}/{name}").st_blocks * _BLOCK
    return taken


def _reason(errors: bytes, status: int) -> str:
    """Tell in one line what a git says of its failure, in whose words the other server may have its own."""
    lines = harmless(errors).decode("utf-8", "replace").splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return last_line(fatal or lines) or f"git ended with {status}"


def last_line(lines: Sequence[str]) -> str:
    """Return the last of some lines that says anything, as a clause."""
    said = [line for line in lines if line.strip()][-1:]
    return "".join(said).strip()[:MAX_SAID].rstrip(".")
