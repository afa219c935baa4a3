"""The only module that talks to redis and RQ: nudges to builders, appliers and fetchers.

Every nudge may be lost or doubled; what is to be done is in the database, and the reconciler
nudges again. So a redis that is away is logged, never raised to whoever pushed.
"""

import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry
from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from stratum.errors import InvalidInput, QueueUnavailable
from stratum.standby import Standby

log = logging.getLogger(__name__)

BUILDS = "builds"
ROLLOUTS = "rollouts"
FETCHES = "fetches"
RUN_BUILDS = "builder.jobs.run_builds"
RUN_ROLLOUTS = "runner.jobs.run_rollouts"
RUN_FETCHES = "hooks.webhooks.jobs.run_fetches"
SOCKET_TIMEOUT_S = 2.0
ROOM_POLL_S = 0.02
TELL_EVERY_S = 60.0
NO_FORK_PAUSE_S = 1.0
MOST_WAITING = 8  # jobs that wait, for each that may run; a fork costs some MiB
MOST_PHASES = 6  # of them, those that may wait for what an app runs itself: the others soon go on

_WAITS, _GOES_ON = b"-", b"+"
_NOTICE = b"%b%10d\n"  # all are of one length, so none is read in part
_NOTICE_BYTES = 12
_HELD_BACK = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
_notices: int | None = None  # in a job's fork: where to tell the worker


def check_redis(url: str) -> None:
    """See that the redis of a URL answers.

    Raises:
        InvalidInput: it is no URL of a redis.
        QueueUnavailable: nothing answers there.
    """
    try:
        is_up = Nudges(url).is_up()
    except ValueError as error:
        message = f"STRATUM_REDIS_URL, of {url.rpartition('@')[2]!r}, is not allowed: {error}"
        raise InvalidInput(message) from error
    if not is_up:
        message = f"The redis that STRATUM_REDIS_URL names does not answer: {url.rpartition('@')[2]}."
        raise QueueUnavailable(message, "Start it, or unset the variable to have one started.")


class Nudges:
    """Sends nudges; safe to keep for the life of a process."""

    def __init__(self, redis_url: str) -> None:
        # Without own retries: redis-py 8 would hold a push for 3.5 s when redis is away.
        connection = Redis.from_url(
            redis_url,
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer)
            for name in (BUILDS, ROLLOUTS, FETCHES)
        }

    def build(self, app_id: int) -> bool:
        """Ask a builder to look at an app; whether redis took the nudge."""
        return self._send(BUILDS, RUN_BUILDS, app_id)

    def rollout(self, app_id: int) -> bool:
        """Ask an applier to look at an app; whether redis took the nudge."""
        return self._send(ROLLOUTS, RUN_ROLLOUTS, app_id)

    def fetch(self, app_id: int) -> bool:
        """Ask a fetcher to look at an app; whether redis took the nudge."""
        return self._send(FETCHES, RUN_FETCHES, app_id)

    def is_up(self) -> bool:
        """Whether redis answers."""
        try:
            return bool(self._queues[BUILDS].connection.ping())
        except RedisError:
            return False

    def _send(self, queue: str, job: str, app_id: int) -> bool:
        try:
            self._enqueue(self._queues[queue], job, app_id)
        except RedisError as error:
            log.warning(
                "nudge of app %d to %s was not taken, the reconciler will repeat it: %s", app_id, queue, error
            )
            return False
        return True

    def _enqueue(self, queue: Queue, job: str, app_id: int) -> None:
        """Send all of it at once: redis waits for the disk at each command that changes something."""
        with queue.connection.pipeline() as pipeline:
            queue.enqueue(job, app_id, job_timeout=-1, pipeline=pipeline)
            pipeline.execute()


def warm(redis_url: str) -> None:
    """Do before the forks what each would do first; what is made by it is then shared."""
    connection = Redis.from_url(redis_url)
    try:
        queues = [Queue(BUILDS, connection=connection, serializer=JSONSerializer)]
        _Foreman(queues, connection=connection, serializer=JSONSerializer)
    except RedisError as error:
        log.warning("redis is away: %s", error)
    finally:
        connection.close()


def work(
    redis_url: str, queue: str, *, at_once: int, prepare: Callable[[], None], stands_by: bool = True
) -> None:
    """Work on one queue until killed, each job in a fork of this process.

    One queue per worker: only then RQ takes jobs by BLMOVE and loses none between pop and start
    (rq 3.0.0, `Queue.dequeue_any`).

    Args:
        at_once: jobs that may run at the same time.
        prepare: runs in the fork before its job.
        stands_by: whether a fork stands ready for the next job.
    """
    connection = Redis.from_url(redis_url)
    queues = [Queue(queue, connection=connection, serializer=JSONSerializer)]
    worker = _Foreman(queues, connection=connection, serializer=JSONSerializer)
    worker.employ(at_once, prepare, stands_by=stands_by)
    worker.work(logging_level="WARNING")
    worker.await_forks()


@contextmanager
def waiting() -> Iterator[None]:
    """Say that this job does nothing but wait in the block, so that another may begin beside it."""
    _tell(_WAITS)
    try:
        yield
    finally:
        _tell(_GOES_ON)


def _tell(what: bytes) -> None:
    if _notices is not None:
        with suppress(OSError):  # a worker that is gone needs no telling
            os.write(_notices, _NOTICE % (what, os.getpid()))


class _Foreman(Worker):
    """Takes jobs one after the other, and has each done in a fork while it takes the next.

    RQ's own worker waits for its one job. So as many of them would have to stand ready as jobs may run
    at once, each with 9 MiB of its own (docs/performance.md). Nothing is kept of a job once it is taken, nor
    told of its worker but that it lives: a dozen writes, for each of which redis waits for the disk.

    Attributes:
        max_connection_wait_time: RQ's own: the longest pause, in seconds, between tries to reach a redis
            that is away. By default they double up to a minute, which is then how late work begins again.
    """

    max_connection_wait_time = 2.0
    _told_at: float = -TELL_EVERY_S

    def employ(self, at_once: int, prepare: Callable[[], None], *, stands_by: bool = True) -> None:
        """Say how many jobs may run at once, what each fork does first, and whether one stands ready."""
        self._at_once, self._prepare, self._stands_by = at_once, prepare, stands_by
        self._standby: Standby | None = None
        self._forks: set[int] = set()
        self._waiting: set[int] = set()
        self._told, self._notices = os.pipe()
        os.set_blocking(self._told, False)
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        self._have_standby()

    def subscribe(self) -> None:
        """Take no commands by redis: that costs a thread and a connection, and the forks inherit both."""

    def unsubscribe(self) -> None:
        """See `subscribe`."""

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say now and then that it lives; RQ's own does at each turn, and expects it within eight minutes."""
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            with suppress(RedisError):
                super().heartbeat(timeout, pipeline)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a job whatever goes wrong: RQ's own ends the worker where redis refuses one.

        Its end would be that of all its forks, or they would keep it from taking anything until the last has
        ended.
        """
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except StopRequested:
                raise
            except Exception as error:  # a job that RQ cannot read is one, too
                log.warning("no job can be taken: %s", error)
                time.sleep(self.max_connection_wait_time)

    def register_death(self) -> None:
        """Tell of it, unless redis is away: who is told to stop waits for its forks all the same."""
        with suppress(RedisError):
            super().register_death()  # type: ignore[no-untyped-call]

    def check_for_suspension(self, burst: bool) -> None:
        """Ask nothing: nobody suspends it, and RQ gives up where redis is away while it asks this."""

    def run_maintenance_tasks(self) -> None:
        """Clean what RQ keeps, unless redis is away just then: see `check_for_suspension`."""
        with suppress(RedisError):
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Keep it to oneself."""
        self._state = state

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Have a job done, once there is room for it."""
        while not self._has_room():
            time.sleep(ROOM_POLL_S)
        try:
            self._begin(job, queue)
        except (OSError, DeserializationError) as error:
            log.warning(
                "a job of queue %s could not begin, the reconciler will repeat it: %r", queue.name, error
            )
            time.sleep(NO_FORK_PAUSE_S)
        with suppress(RedisError), self.connection.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.delete(job.key)
            pipeline.execute()
        self._have_standby()

    def _begin(self, job: Job, queue: Queue) -> None:
        """Have a job done in a fork.

        Raises:
            OSError: none can be made.
            DeserializationError: it cannot be read.
        """
        function, arguments = str(job.func_name), job.args
        with _held_back():
            pid = self._handed_over(function, arguments) or os.fork()
            if pid:
                self._waiting.discard(pid)
                self._forks.add(pid)
            else:
                _take_signals()
        if not pid:
            self._do(queue.name, lambda: job.func(*job.args))
        self._reap()  # another thread, were there one, could have taken the signal before the fork was known

    def _handed_over(self, function: str, arguments: Sequence[object]) -> int:
        """Give a job to the fork that stands ready, and return its pid; 0 where there is none."""
        standby, self._standby = self._standby, None
        if standby is None:
            return 0
        if standby.begin(function, arguments):
            return standby.pid
        self._forks.add(standby.pid)  # to be reaped
        return 0

    def _have_standby(self) -> None:
        """Have a fork stand ready; without it the next job makes its own."""
        if self._stands_by and self._standby is None:
            with suppress(OSError), _held_back():
                self._standby = Standby.make(self._stand_by)

    def _stand_by(self, await_job: Callable[[], None]) -> NoReturn:
        _take_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)
        self._do(self.queues[0].name, await_job)

    def await_forks(self) -> None:
        """Return when no job runs any more."""
        while self._forks:
            time.sleep(ROOM_POLL_S)

    def _has_room(self) -> bool:
        self._hear()
        working = len(self._forks - self._waiting)
        return working < self._at_once and len(self._forks) < MOST_WAITING * self._at_once

    def _hear(self) -> None:
        """Take in which jobs wait."""
        with suppress(BlockingIOError):
            while notice := os.read(self._told, _NOTICE_BYTES):
                change = self._waiting.add if notice[:1] == _WAITS else self._waiting.discard
                change(int(notice[1:]))
        self._waiting &= self._forks

    def _do(self, queue: str, job: Callable[[], object]) -> NoReturn:
        global _notices  # noqa: PLW0603 - a fork's own
        _notices = self._notices
        try:
            os.setpgrp()
            random.seed()
            self._prepare()
            job()
        except BaseException:
            log.exception("a job of queue %s has failed", queue)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        for pid in list(self._forks):
            with suppress(ChildProcessError):  # another signal, in the middle of this, has seen to it
                if not os.waitpid(pid, os.WNOHANG)[0]:
                    continue
            self._forks.discard(pid)
        standby = self._standby
        with suppress(ChildProcessError):
            if standby is not None and os.waitpid(standby.pid, os.WNOHANG)[0]:
                standby.dismiss()
                self._standby = None


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold signals back: a fork is known before its end is, and before this process is told to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)


def _take_signals() -> None:
    """Do with them what a job's fork does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
