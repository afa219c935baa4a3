"""Answers that go on while something runs: text, flushed as it comes, ended when the caller leaves."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from flask import Response, request

from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Following, Logs
from gitserver.api.telling import Telling, as_text
from gitserver.git.client import Client
from gitserver.services import Services
from gitserver.watch import News, Subject, Watch, Watcher
from stratum.buildlog import read_from
from stratum.errors import StratumError
from stratum.model import Build

PATIENCE_S = 60.0
REFRESH_S = 1.0
KEEPALIVE_S = 15.0


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


def app_logs(
    watcher: Watcher, logs: AppLogs, wanted: Logs, caller: Client, told: Telling = as_text
) -> Generator[bytes, None, None]:
    """Yield the last lines, then, when following, new ones until the app or the caller is gone."""
    try:
        yield from told(logs, logs.last())
        if wanted.follow:
            yield from told(logs, None)
            with watcher.watching(Subject(), caller) as watch:
                yield from _fresh(logs, watch, caller, told)
    finally:
        logs.close()


def _fresh(logs: AppLogs, watch: Watch, caller: Client, told: Telling) -> Iterator[bytes]:
    commits, refreshed_at, spoke_at = -1, -REFRESH_S, time.monotonic()
    while not caller.is_gone():
        if watch.commits != commits and time.monotonic() - refreshed_at >= REFRESH_S:
            commits, refreshed_at = watch.commits, time.monotonic()
            try:
                if not logs.refresh():
                    return
            except StratumError:  # a later release lacks the target, or the database is busy: look again
                commits = -1
            watch.paths = logs.paths
        chunk = b"".join(told(logs, logs.fresh()))
        if not chunk and time.monotonic() - spoke_at >= KEEPALIVE_S:
            chunk = b"".join(told(logs, None))
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
