"""Answers that go on while something runs: text, flushed as it comes, ended when the caller leaves."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from flask import Response, request

from gitserver.api.shapes import Following
from gitserver.api.telling import Telling
from gitserver.git.client import Client
from gitserver.services import Services
from gitserver.watch import News, Subject, Watch, Watcher
from stratum.buildlog import read_from
from stratum.errors import StratumError
from stratum.model import Build

PATIENCE_S = 60.0
REFRESH_S = 1.0
KEEPALIVE_S = 15.0

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Reader(Protocol[T_co]):
    """What is followed: files that grow, of an app that may go (`applogs.AppLogs`, `appevents.AppEvents`)."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are read."""

    def refresh(self) -> bool:
        """Look which these are now; False when the app has been destroyed."""

    def last(self) -> Iterable[T_co]:
        """Yield what was asked for of what was there before."""

    def fresh(self) -> Iterable[T_co]:
        """Yield what was written since the last call."""

    def close(self) -> None:
        """Close all files."""


def answer(chunks: Iterable[bytes], held: ExitStack, kind: str = "text/plain") -> Response:
    """Wrap chunks; no proxy may hold them back.

    Args:
        held: let go when the answer has ended, even one of which nothing was ever asked for (HEAD).
    """
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    response = Response(_begun(chunks), content_type=f"{kind}; charset=utf-8", headers=headers)
    response.call_on_close(held.pop_all().close)
    return response


def _begun(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Have the headers sent at once, though the first line may be hours away."""
    yield b""
    yield from chunks


def client() -> Client:
    """The caller of this request, who may leave while there is nothing to say."""
    return Client(request.environ.get("gunicorn.socket"))


def build_log(services: Services, build: Build, wanted: Following, caller: Client) -> Iterator[bytes]:
    """Yield a build's log from a byte offset on."""
    path = services.instance.layout.build_log(build.app_id, build.number)
    if not wanted.follow:
        yield from _chunks(path, wanted.offset)
        return
    offset = wanted.offset
    subject = Subject(build=build.id, paths=(str(path),))
    with services.watcher.watching(subject, caller) as watch:
        ended = False
        while not ended:
            # Asked before reading: what was written before the end is then surely read.
            ended = _is_settled(watch.news) or caller.is_gone()
            for chunk in _chunks(path, offset):
                offset += len(chunk)
                yield chunk
            if not ended:
                watch.wait(PATIENCE_S)


def read(
    watcher: Watcher, reader: Reader[T], told: Telling[T], caller: Client, *, follow: bool
) -> Generator[bytes, None, None]:
    """Yield what was there last, then, when following, what is new until the app or the caller is gone."""
    try:
        yield from told(reader.last())
        if follow:
            yield from told(None)
            with watcher.watching(Subject(), caller) as watch:
                yield from _fresh(reader, watch, caller, told)
    finally:
        reader.close()


def _fresh(reader: Reader[T], watch: Watch, caller: Client, told: Telling[T]) -> Iterator[bytes]:
    commits, refreshed_at, spoke_at = -1, -REFRESH_S, time.monotonic()
    while not caller.is_gone():
        if watch.commits != commits and time.monotonic() - refreshed_at >= REFRESH_S:
            commits, refreshed_at = watch.commits, time.monotonic()
            try:
                if not reader.refresh():
                    return
            except StratumError:  # a later release lacks the target, or the database is busy: look again
                commits = -1
            watch.paths = reader.paths
        chunk = b"".join(told(reader.fresh()))
        if not chunk and time.monotonic() - spoke_at >= KEEPALIVE_S:
            chunk = b"".join(told(None))
        if chunk:
            spoke_at = time.monotonic()
            yield chunk
        else:
            watch.wait(REFRESH_S)


def _chunks(path: Path, offset: int) -> Iterator[bytes]:
    while chunk := read_from(path, offset):
        offset += len(chunk)
        yield chunk


def _is_settled(news: News) -> bool:
    return news.is_gone or (news.build is not None and news.build.is_settled)
