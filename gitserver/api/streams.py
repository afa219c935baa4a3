"""Answers that go on while something runs: text, flushed as it comes, ended when the caller leaves."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from flask import Response, request

from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Following, Logs
from gitserver.git.client import Client
from gitserver.services import Services
from gitserver.watch import News, Subject, Watch, Watcher
from stratum.buildlog import read_from
from stratum.errors import StratumError
from stratum.model import Build

PATIENCE_S = 60.0
REFRESH_S = 1.0


def answer(chunks: Iterable[bytes], held: ExitStack) -> Response:
    """Wrap chunks; no proxy may hold them back.

    Args:
        held: let go when the answer has ended, even one of which nothing was ever asked for (HEAD).
    """
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    response = Response(_begun(chunks), content_type="text/plain; charset=utf-8", headers=headers)
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


def app_logs(watcher: Watcher, logs: AppLogs, wanted: Logs, caller: Client) -> Generator[bytes, None, None]:
    """Yield the last lines, then, when following, new ones until the app or the caller is gone."""
    try:
        yield from _encoded(logs.last(wanted.lines))
        if wanted.follow:
            with watcher.watching(Subject(), caller) as watch:
                yield from _fresh(logs, watch, caller)
    finally:
        logs.close()


def _fresh(logs: AppLogs, watch: Watch, caller: Client) -> Iterator[bytes]:
    commits, refreshed_at = -1, -REFRESH_S
    while not caller.is_gone():
        if watch.commits != commits and time.monotonic() - refreshed_at >= REFRESH_S:
            commits, refreshed_at = watch.commits, time.monotonic()
            try:
                if not logs.refresh():
                    return
            except StratumError:  # a later release lacks the target, or the database is busy: look again
                commits = -1
            watch.paths = logs.paths
        chunk = b"".join(_encoded(logs.fresh()))
        if chunk:
            yield chunk
        else:
            watch.wait(REFRESH_S)


def _chunks(path: Path, offset: int) -> Iterator[bytes]:
    while chunk := read_from(path, offset):
        offset += len(chunk)
        yield chunk


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        yield text.encode()


def _is_settled(news: News) -> bool:
    return news.is_gone or (news.build is not None and news.build.is_settled)
