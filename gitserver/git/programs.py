"""How the two git services are called."""

import os
import re
import shutil
from functools import cache
from pathlib import Path

from gitserver.git.repos import Received, settings
from stratum.git import git_environ
from stratum.instance import Instance

RECEIVE, UPLOAD = "git-receive-pack", "git-upload-pack"
V2 = "version=2"
SERVICES = (RECEIVE, UPLOAD)

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")  # git drops some of these, and refuses a name of only such
_PROTOCOL = re.compile(r"version=[012]")


def argv(
    instance: Instance, service: str, repo: Path, *, advertise: bool = False, received: Received | None = None
) -> list[str]:
    """Words of the call; one request is one process (`--stateless-rpc`).

    Args:
        received: None: it only reads, or says what it can do.
    """
    options = ["--stateless-rpc", *(["--advertise-refs"] if advertise else [])]
    return [_git(), *settings(instance, received), service.removeprefix("git-"), *options, str(repo)]


def protocol(service: str, header: str) -> str:
    """Choose the protocol version that a client may have, as GIT_PROTOCOL; empty is version 0.

    receive-pack knows no version 2, and answers it as version 0 (git 2.39, builtin/receive-pack.c).
    """
    version = next((part for part in header.split(":") if _PROTOCOL.fullmatch(part)), "")
    return "" if service == RECEIVE and version == V2 else version


def environ(instance: Instance, who: str, version: str) -> dict[str, str]:
    """Variables of the call: nothing of ours but PATH, and who pushes for the reflog.

    A fenced service's uid is not in the password file, so git could not find a name by itself.
    """
    name = _STRANGE.sub("-", who)
    named = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": f"{name}@stratum"}
    home = {"HOME": str(instance.layout.service_home)}
    return {**git_environ(), **named, **home, **({"GIT_PROTOCOL": version} if version else {})}


@cache
def _git() -> str:
    """Find git once: looking through PATH at every start costs a failed call for each folder before it."""
    return shutil.which("git") or "git"


def mark_of_git() -> object:
    """Return what changes when another git is installed in the place of the present one."""
    try:
        found = os.stat(_git())  # noqa: PTH116  # at every request
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
