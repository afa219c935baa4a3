"""Requests as git sends them, made by hand, so that a test can send them twice, cut or bent."""

import http.client
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import App
from tests.gitweb import GitWeb
from tests.repos import git

ZERO = "0" * 40
CAPABILITIES = "report-status side-band-64k agent=test"
RECEIVE = "git-receive-pack"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def packets(self) -> list[bytes]:
        return list(packets(self.body))

    @property
    def report(self) -> bytes:
        return b"".join(packet[1:] for packet in self.packets if packet[:1] == b"\x01")

    @property
    def progress(self) -> str:
        return b"".join(packet[1:] for packet in self.packets if packet[:1] == b"\x02").decode()


def packets(data: bytes) -> Iterator[bytes]:
    """Split pkt-lines; a flush is an empty one."""
    while data:
        size = int(data[:4], 16)
        yield data[4:size]
        data = data[max(size, 4) :]


def push_body(
    source: Path, old: str, new: str, ref: str = "refs/heads/master", caps: str = CAPABILITIES
) -> bytes:
    """Make the body of a push of one ref, with all objects of its tip."""
    pack = subprocess.run(
        ["git", "pack-objects", "--revs", "--stdout", "-q"],
        cwd=source,
        input=f"{new}\n".encode(),
        capture_output=True,
        check=True,
    ).stdout
    return pkt(f"{old} {new} {ref}\0{caps}".encode()) + FLUSH + pack


def first_push(source: Path, **more: str) -> bytes:
    """Make the body of the first push of a repository's tip."""
    return push_body(source, ZERO, git(source, "rev-parse", "HEAD"), **more)


def connect(web: GitWeb) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)


def headers_for(secret: str, service: str = RECEIVE, **more: str) -> dict[str, str]:
    """Headers of a POST; more by name, with `_` for `-`."""
    basic = b64encode(f"x:{secret}".encode()).decode()
    kind = f"application/x-{service}-request"
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Authorization": f"Basic {basic}", "Content-Type": kind, **named}


def post(web: GitWeb, app: App, body: bytes | Iterable[bytes], **headers: str) -> Answer:
    """Send a push and read the whole answer."""
    path = f"/{app.label}.git/{RECEIVE}"
    return ask(web, "POST", path, body, headers_for(web.secret, **headers))


def ask(
    web: GitWeb, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: Mapping[str, str]
) -> Answer:
    connection = connect(web)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def begun(web: GitWeb, app: App, length: int | None, **headers: str) -> http.client.HTTPConnection:
    """Begin a push: the head of the request is sent, chunked if it has no length."""
    connection = connect(web)
    connection.putrequest("POST", f"/{app.label}.git/{RECEIVE}")
    size = {"Transfer_Encoding": "chunked"} if length is None else {"Content_Length": str(length)}
    for name, value in headers_for(web.secret, **size, **headers).items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def gits_of(web: GitWeb, app: App) -> list[str]:
    """Programs that serve an app's repository."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            found += [words.replace(b"\0", b" ").decode()] * (str(web.repo(app)).encode() in words)
    return found


def unpackers_of(web: GitWeb, app: App) -> list[int]:
    """Processes that unpack a push to an app: they are told the repository by their folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"index-pack" in words and (entry / "cwd").readlink() == web.repo(app):
                found.append(int(entry.name))
    return found


def is_clean(web: GitWeb, app: App) -> bool:
    """Whether a push to a new app has left nothing: no process, file, ref or record."""
    objects = web.repo(app) / "objects"
    # Not by rglob, which fails on a folder that goes while it looks.
    left = [files or _temporary(folders) for _, folders, files in os.walk(objects)]
    refs = git(web.repo(app), "for-each-ref")
    return not (any(left) or refs or gits_of(web, app) or unpackers_of(web, app) or web.newest(app))


def _temporary(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("tmp_")]
