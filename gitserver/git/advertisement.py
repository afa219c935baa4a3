"""What the two git services say first, said without starting them.

Every push waits for the refs and for what receive-pack can do, for 7 ms when git is started and 3 so;
every clone, fetch and ls-remote by protocol version 2 for what upload-pack can do, the same for all
repositories (docs/performance.md). What git can do git itself has told, once; what we do not read as git
does is left to git. A wrong list could do no harm: receive-pack compares each ref with what the push
takes it to be.

Source: gitprotocol-pack(5), "Reference Discovery"; builtin/receive-pack.c of git 2.39, write_head_info;
gitprotocol-v2(5), "Capability Advertisement".
"""

import logging
import os
import re
import subprocess
from pathlib import Path

from dulwich.refs import DiskRefsContainer, Ref, SymrefLoop, check_ref_format

from gitserver.git import programs
from gitserver.git.pktline import FLUSH, pkt
from hooks.policy import HIDDEN, ZERO
from stratum.instance import Instance

log = logging.getLogger(__name__)

MAX_REFS = 500  # git reads more of them faster
TIMEOUT_S = 10
_HIDDEN = f"{HIDDEN}/".encode()
_HIDDEN_FOLDER = HIDDEN.removeprefix("refs/")
_OID = re.compile(rb"[0-9a-f]{40}")
_NO_REFS = (b"capabilities^{}", ZERO.encode())


class Advertisement:
    """Of all repositories of an instance; may be shared by threads."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._said: dict[tuple[str, str], tuple[object, bytes]] = {}  # by whichever git was there then

    def of(self, service: str, repo: Path, version: str) -> bytes | None:
        """Return what a service would say; None when it should say it itself.

        Args:
            version: as `programs.protocol` gives it.
        """
        if service == programs.RECEIVE:
            return self._of_receive(repo, version)
        return self._told(service, repo, version) or None if version == programs.V2 else None

    def _of_receive(self, repo: Path, version: str) -> bytes | None:
        capabilities = self._told(programs.RECEIVE, repo, "").partition(b"\0")[2].partition(b"\n")[0]
        refs = visible_refs(repo)
        if not capabilities or refs is None:
            return None
        lines = [b"%s %s" % (oid, name) for name, oid in sorted(refs.items()) or [_NO_REFS]]
        lines[0] += b"\0" + capabilities
        lead = [b"version 1"] if version == "version=1" else []
        return b"".join(pkt(line + b"\n") for line in [*lead, *lines]) + FLUSH

    def _told(self, service: str, repo: Path, version: str) -> bytes:
        """Return what git has said of any repository, until there is another git."""
        mark = programs.mark_of_git()
        known, said = self._said.get((service, version), (None, b""))
        if not said or known != mark:
            said = self._asked(service, repo, version)
            self._said[service, version] = mark, said
        return said

    def _asked(self, service: str, repo: Path, version: str) -> bytes:
        """Have git tell what it can do; nothing when it fails, as whoever asks it next will see, too."""
        argv = programs.argv(self._instance, service, repo, advertise=True)
        environ = programs.environ(self._instance, "stratum", version)
        try:
            return subprocess.run(
                argv, env=environ, capture_output=True, timeout=TIMEOUT_S, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("git did not tell what it can do: %s", error)
            return b""


def visible_refs(repo: Path) -> dict[bytes, bytes] | None:
    """Name → object id of the refs that clients see; None when git should read them itself."""
    container = DiskRefsContainer(str(repo))
    try:
        names = _names(repo, container)
        if len(names) > MAX_REFS:
            return None
        found = {bytes(name): bytes(container[name]) for name in names}
    except (OSError, ValueError, KeyError, SymrefLoop):  # such as a ref to a ref that is not there
        return None
    return found if all(map(_OID.fullmatch, found.values())) else None


def _names(repo: Path, container: DiskRefsContainer) -> set[Ref]:
    """Name the refs that clients see; the folder of the hidden ones, which are many, is not looked into.

    Loose ones first: those that somebody packs meanwhile are then found packed.
    """
    loose: set[Ref] = set()
    with os.scandir(f"{repo}/refs") as entries:
        for entry in entries:
            name = Ref(b"refs/" + os.fsencode(entry.name))
            if entry.is_file() and check_ref_format(name):
                loose.add(name)
            elif entry.name != _HIDDEN_FOLDER:
                loose |= {Ref(name + b"/" + below) for below in container.subkeys(Ref(name + b"/"))}
    return loose | {name for name in container.get_packed_refs() if not name.startswith(_HIDDEN)}
