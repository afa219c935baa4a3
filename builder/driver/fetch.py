"""Fetching a buildpack from a git repository, by the build's own hand.

Source: git(1), GIT_ALLOW_PROTOCOL; git-config(1), http.followRedirects and http.lowSpeed*. A server
that speaks the dumb protocol, or that gives out no commits by their id, is asked again in another way.
"""

import re
import resource
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from builder.driver.failed import Failed
from builder.driver.order import Asked

TIMEOUT_S = 300.0
MAX_FILE_BYTES = 512 << 20
_CONFIG = {
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "core.hooksPath": "/dev/null",
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "advice.detachedHead": "false",
}
_MAYBE_ID = re.compile("[0-9a-f]{7,39}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MEND = (
    "See that the address and what follows # are right, and that anybody may read it. It has to answer "
    "by itself: redirections are not followed."
)
_SHORT = (
    "If what follows # is a commit, write all 40 characters of its id: servers give out no others. Else see "
    "that there is a branch or tag of that name."
)


class Repository(NamedTuple):
    """A bare repository of the cache that has what was fetched from one URL."""

    folder: Path
    asked: Asked
    environ: Mapping[str, str]

    def fetch(self) -> str:
        """Have the commit there, by way of the network only where it is not yet; return its id.

        Raises:
            Failed: it cannot be had.
        """
        asked = self.asked
        if asked.commit and self._has(asked.commit):
            return asked.commit
        was_there = self.folder.is_dir()
        failure = self._try()
        if failure and was_there:  # a build that was killed may have left it broken
            import shutil  # time that other builds need not spend

            shutil.rmtree(self.folder)
            failure = self._try()
        if failure:
            raise Failed(self._doing, failure, mend=_SHORT if is_short_id(asked.ref) else _MEND)
        return asked.commit or self._said("rev-parse", "--verify", "FETCH_HEAD^{commit}")

    def check_out(self, commit: str, into: Path) -> None:
        """Write a commit's files.

        Raises:
            Failed: they cannot be written.
        """
        into.mkdir()
        done = self._git("--work-tree", str(into), "checkout", "--force", "--quiet", commit, "--", ".")
        if done.returncode:
            raise Failed(self._doing, f"its files cannot be written: {_last_line(done.stdout)}.")

    @property
    def _doing(self) -> str:
        return f"Fetching the buildpack {self.asked.url}"

    def _try(self) -> str:
        """Fetch; return why it failed."""
        self._git("init", "--bare", "--quiet", str(self.folder), own=False)
        asked = self.asked
        wanted = asked.commit or asked.ref or "HEAD"
        done = self._fetch("--depth=1", wanted)
        if done.returncode:
            unshallow = ("--unshallow",) if (self.folder / "shallow").exists() else ()
            done = self._fetch(*unshallow, asked.ref or "HEAD" if asked.commit else wanted)
        if done.returncode:
            return f"git could not get {wanted}: {_last_line(done.stdout)}."
        if asked.commit and not self._has(asked.commit):
            return f"its repository has no commit {asked.commit} any more."
        return ""

    def _fetch(self, *what: str) -> "subprocess.CompletedProcess[bytes]":
        *options, wanted = what
        flags = ("--quiet", "--no-tags", "--no-recurse-submodules", "--force", *options)
        return self._git("fetch", *flags, "--", self.asked.url, wanted)

    def _has(self, commit: str) -> bool:
        return self.folder.is_dir() and self._git("cat-file", "-e", f"{commit}^{{tree}}").returncode == 0

    def _said(self, *words: str) -> str:
        return self._git(*words).stdout.decode("utf-8", "replace").strip()

    def _git(self, *words: str, own: bool = True) -> "subprocess.CompletedProcess[bytes]":
        where = (f"--git-dir={self.folder}",) if own else ()
        try:
            return subprocess.run(
                ("git", *where, *words),
                env=git_environ(self.environ, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
                preexec_fn=_limit,
            )
        except subprocess.TimeoutExpired as error:
            detail = f"it took longer than {TIMEOUT_S:.0f} s."
            raise Failed(self._doing, detail, mend=_MEND) from error


def repository(cache: Path, asked: Asked, environ: Mapping[str, str]) -> Repository:
    """Return the place of a URL's repository."""
    folder = cache / "buildpacks"
    folder.mkdir(exist_ok=True)
    return Repository(folder / f"{key(asked.url)}.git", asked, environ)


def is_short_id(ref: str) -> bool:
    """Whether a ref looks like the beginning of a commit's id, of which git prints seven or more."""
    return _MAYBE_ID.fullmatch(ref) is not None


def key(url: str) -> str:
    """Name a URL's folder."""
    import hashlib  # time that builds without a URL need not spend

    return hashlib.sha256(url.encode()).hexdigest()[:24]


def git_environ(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What git finds: the way to the network, and no configuration but ours."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    if kept.get("http_proxy"):  # what is on a loopback is never on the build's own
        kept |= {name: _without_loopback(kept.get(name, "")) for name in ("no_proxy", "NO_PROXY")}
    pairs = enumerate(_CONFIG.items())
    given = {
        f"GIT_CONFIG_{part}_{i}": text
        for i, pair in pairs
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    certificates = {"GIT_SSL_CAINFO": kept["SSL_CERT_FILE"]} if kept.get("SSL_CERT_FILE") else {}
    return {
        **kept,
        **given,
        **certificates,
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": "https:http",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_INDEX_FILE": f"{folder}.index",
        "LC_ALL": "C.UTF-8",
    }


def _without_loopback(listed: str) -> str:
    return ",".join(host for host in listed.split(",") if host.strip() not in _LOOPBACK)


def _limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    most = MAX_FILE_BYTES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILE_BYTES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ").rstrip(".") if lines else "it said nothing"
