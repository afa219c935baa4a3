"""Answers that go on while something runs: text, flushed as it comes, ended when the caller leaves."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack

from flask import Response, request

from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Following, Logs
from gitserver.git.client import Client
from gitserver.services import Services
from stratum.buildlog import read_from
from stratum.errors import StratumError
from stratum.model import Build
from stratum.store import builds, rollouts

IDLE_S = 0.05
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
    offset = wanted.offset
    while True:
        # Asked before reading: what was written before the end is then surely read.
        ended = not wanted.follow or _is_settled(services, build) or caller.is_gone()
        while chunk := read_from(path, offset):
            offset += len(chunk)
            yield chunk
        if ended:
            return
        caller.wait(IDLE_S)


def app_logs(logs: AppLogs, wanted: Logs, caller: Client) -> Generator[bytes, None, None]:
    """Yield the last lines, then, when following, new ones until the app or the caller is gone."""
    try:
        yield from _encoded(logs.last(wanted.lines))
        while wanted.follow and _refreshed(logs):
            pause_until = time.monotonic() + REFRESH_S
            while time.monotonic() < pause_until:
                yield from _encoded(logs.fresh())
                if caller.is_gone():
                    return
                caller.wait(IDLE_S)
    finally:
        logs.close()


def _refreshed(logs: AppLogs) -> bool:
    try:
        return logs.refresh()
    except StratumError:  # a later release lacks the target, or the database is busy: look again
        return True


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        yield text.encode()


def _is_settled(services: Services, build: Build) -> bool:
    with services.database.read() as tx:
        found = builds.find_build(tx, build.app_id, build.number)
        if found is None:
            return True
        rollout = rollouts.rollout_of_build(tx, build.id)
    return found.state.is_terminal and (rollout is None or rollout.state.is_settled)
