"""Builders as they run for real: a preforking master, RQ workers, a redis of their own."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from stratum.model import App, BuildState
from stratum.queue import Nudges, _Foreman
from stratum.settings import Settings
from stratum.standby import Standby
from stratum.up.binaries import redis_server
from tests.there import there
from tests.waiting import wait_until
from tests.yard import Yard

pytestmark = pytest.mark.integration

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def yard():
    made = Yard.make()
    yield made
    made.remove()


@pytest.fixture
def redis_url(yard: Yard):
    socket = yard.folder / "redis.sock"
    url = f"unix://{socket}"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(yard.folder), "--save", ""]
    server = subprocess.Popen([str(redis_server()), *options], stdout=subprocess.DEVNULL)
    wait_until(Nudges(url).is_up)
    yield url
    server.terminate()
    server.wait()


@pytest.fixture
def master(yard: Yard, redis_url: str):
    """A builder below its master."""
    env = {
        "PATH": os.environ["PATH"],
        "STRATUM_DATA": str(yard.layout.data),
        "STRATUM_REDIS_URL": redis_url,
        "PYTHONPATH": str(CHECKOUT),
    }
    argv = [sys.executable, "-m", "stratum.prefork", "builder.worker:main"]
    process = subprocess.Popen(argv, cwd=yard.folder, env=env)
    wait_until(lambda: len(children(process.pid)) == 1)
    yield process
    process.terminate()
    process.wait()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []


def has_failed(yard: Yard, app: App) -> bool:
    return yard.builds(app)[0].state is BuildState.FAILED


def gated(yard: Yard, name: str = "app"):
    """An app whose build waits, and the file that lets it go on."""
    app = yard.app("build_waits", name=name)
    gate = yard.meeting(app) / f"go-{name}"
    yard.set_variables(app, WAIT_FOR=str(gate))
    return app, gate, gate.with_name(f"{gate.name}.reached")


@pytest.mark.usefixtures("master")
def test_a_nudge_builds_everything_that_is_queued(yard: Yard, redis_url: str):
    app = yard.app("plain")
    yard.push(app, {"text": "two"})

    assert Nudges(redis_url).build(app.id)

    wait_until(lambda: all(build.state is BuildState.SUCCEEDED for build in yard.builds(app)), timeout=30)
    assert [release.version for release in yard.releases(app)] == [2, 1]


@pytest.mark.usefixtures("master")
def test_nothing_is_kept_of_a_nudge_that_was_taken(redis_url: str):
    nobodys = 12345
    assert Nudges(redis_url).build(nobodys)

    with Redis.from_url(redis_url) as redis:
        wait_until(lambda: not redis.keys("rq:job:*"))
        assert redis.keys("rq:queue:*") == []


@pytest.mark.usefixtures("master")
def test_two_apps_are_built_at_once_however_often_they_are_nudged(yard: Yard, redis_url: str):
    one, go_one, one_waits = gated(yard, "one")
    other, go_other, other_waits = gated(yard, "other")
    nudges = Nudges(redis_url)
    for app in (one, other):
        nudges.build(app.id)

    wait_until(lambda: one_waits.exists() and other_waits.exists(), timeout=30)
    nudges.build(one.id)
    go_one.touch()
    go_other.touch()

    wait_until(lambda: has_failed(yard, one) and has_failed(yard, other), timeout=30)
    assert [yard.builds(app)[0].attempt for app in (one, other)] == [1, 1]


@pytest.mark.usefixtures("master")
def test_what_is_nudged_while_as_many_are_built_as_may_be_waits_for_room(yard: Yard, redis_url: str):
    apps = [gated(yard, name) for name in ("one", "two", "three")]
    for app, _, _ in apps:
        Nudges(redis_url).build(app.id)

    wait_until(lambda: sum(waits.exists() for _, _, waits in apps) == Settings().builders, timeout=30)
    for app, go, waits in apps:
        wait_until(waits.exists, timeout=30)
        go.touch()
        wait_until(partial(has_failed, yard, app), timeout=30)
    assert [yard.builds(app)[0].attempt for app, _, _ in apps] == [1, 1, 1]


@pytest.mark.usefixtures("master")
def test_an_app_that_has_more_queued_lets_others_have_a_build_first(yard: Yard, redis_url: str):
    busy = [gated(yard, name) for name in ("one", "two")]
    for app, _, waits in busy:
        yard.push(app, {"text": "more"})
        Nudges(redis_url).build(app.id)
        wait_until(waits.exists, timeout=30)
    late = yard.app("plain", name="late")
    Nudges(redis_url).build(late.id)

    for _, go, _ in busy:
        go.touch()

    wait_until(lambda: all(all_ended(yard, app) for app in (late, *(app for app, _, _ in busy))), timeout=60)
    assert began(yard, late) < max(began(yard, app) for app, _, _ in busy)


def all_ended(yard: Yard, app: App) -> bool:
    return all(build.state.is_terminal for build in yard.builds(app))


def began(yard: Yard, app: App) -> datetime:
    """When the newest build of an app did."""
    return there(yard.builds(app)[0].started_at)


@pytest.fixture
def foreman(redis_url: str):
    """One that is not employed yet."""
    with Redis.from_url(redis_url) as connection:
        queue = Queue("any", connection=connection, serializer=JSONSerializer)
        made = _Foreman([queue], connection=connection, serializer=JSONSerializer)
        before = signal.getsignal(signal.SIGCHLD)
        yield made
        made.await_forks()
        signal.signal(signal.SIGCHLD, before)
        if standby := made._standby:
            standby.dismiss()
            os.waitpid(standby.pid, 0)


def have_made(foreman: _Foreman, folder: Path) -> None:
    """Give it the job to make a folder."""
    (queue,) = foreman.queues
    foreman.execute_job(queue.enqueue("os.mkdir", str(folder)), queue)


def test_a_job_for_which_no_process_can_be_made_holds_up_no_later_one(
    foreman: _Foreman, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", refuse)
        foreman.employ(1, lambda: None)
        have_made(foreman, tmp_path / "one")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
    have_made(foreman, tmp_path / "two")
    foreman.await_forks()

    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_job_is_done_by_the_fork_that_stands_ready_and_the_next_one_by_another(
    foreman: _Foreman, tmp_path: Path
):
    foreman.employ(2, lambda: None)
    first = foreman._standby
    assert first is not None

    have_made(foreman, tmp_path / "one")

    assert foreman._forks <= {first.pid}  # it may have ended already
    assert foreman._standby not in (None, first)
    have_made(foreman, tmp_path / "two")
    foreman.await_forks()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_fork_that_stands_ready_and_is_killed_costs_no_job(foreman: _Foreman, tmp_path: Path):
    foreman.employ(1, lambda: None)
    assert foreman._standby is not None
    os.kill(foreman._standby.pid, signal.SIGKILL)
    wait_until(lambda: foreman._standby is None)

    have_made(foreman, tmp_path / "one")

    foreman.await_forks()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert foreman._standby is not None


def test_a_fork_whose_end_is_told_before_it_is_known_is_reaped(
    foreman: _Foreman, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """As where another thread, which holds no signals back, takes this one."""
    told = threading.Event()

    def reap_and_tell() -> None:
        reap()
        told.set()

    def begin_and_end(standby: Standby, function: str, arguments: Sequence[object]) -> bool:
        begun = begin(standby, function, arguments)
        wait_until(told.is_set)
        return begun

    reap, begin = foreman._reap, Standby.begin
    monkeypatch.setattr(foreman, "_reap", reap_and_tell)
    monkeypatch.setattr(Standby, "begin", begin_and_end)
    foreman.employ(1, lambda: None)
    over = threading.Event()
    with ThreadPoolExecutor() as pool:
        pool.submit(over.wait)
        have_made(foreman, tmp_path / "one")
        over.set()

    foreman.await_forks()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_who_wants_no_fork_to_stand_ready_has_none_and_does_its_jobs(foreman: _Foreman, tmp_path: Path):
    foreman.employ(1, lambda: None, stands_by=False)
    have_made(foreman, tmp_path / "one")
    assert foreman._standby is None
    foreman.await_forks()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_job_that_cannot_be_read_ends_no_worker_and_the_next_one_is_done(foreman: _Foreman, tmp_path: Path):
    foreman.employ(1, lambda: None)
    (queue,) = foreman.queues
    job = queue.enqueue("os.mkdir", str(tmp_path / "one"))
    foreman.connection.hset(job.key, "data", b"this is no JSON")

    foreman.execute_job(Job.fetch(job.id, foreman.connection, JSONSerializer), queue)

    assert not foreman.connection.exists(job.key)
    have_made(foreman, tmp_path / "two")
    foreman.await_forks()
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_redis_without_room_ends_no_worker_nor_what_it_has_begun(
    foreman: _Foreman, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    foreman.employ(1, lambda: None)
    foreman.max_connection_wait_time = 0.01
    foreman.connection.config_set("maxmemory", "1")

    def make_room() -> None:
        wait_until(lambda: "no job can be taken" in caplog.text)
        foreman.connection.config_set("maxmemory", "0")
        foreman.queues[0].enqueue("os.mkdir", str(tmp_path / "one"))

    with ThreadPoolExecutor() as pool:
        made = pool.submit(make_room)
        taken = foreman.dequeue_job_and_maintain_ttl(60)
        made.result()

    assert taken is not None
    assert list(taken[0].args) == [str(tmp_path / "one")]


def test_who_is_told_to_stop_while_redis_is_away_goes_on_to_wait_for_its_forks(foreman: _Foreman, yard: Yard):
    foreman.employ(1, lambda: None)

    with Redis(unix_socket_path=str(yard.folder / "nobody.sock"), retry=Retry(NoBackoff(), 0)) as nobody:
        foreman.connection = nobody
        foreman.teardown()


def test_a_builder_killed_while_building_takes_the_build_along_and_is_replaced(
    yard: Yard, redis_url: str, master: subprocess.Popen[bytes]
):
    app, go, waits = gated(yard)
    Nudges(redis_url).build(app.id)
    wait_until(waits.exists, timeout=30)
    (busy,) = children(master.pid)
    job, *ready = children(busy)
    assert len(ready) < 2, "besides what builds only one that waits for the next build"

    os.kill(busy, signal.SIGKILL)

    wait_until(lambda: not Path(f"/proc/{job}").exists())
    wait_until(lambda: len(children(master.pid)) == 1)
    assert yard.builds(app)[0].state is BuildState.RUNNING
    yard.give_back(app)
    go.touch()
    wait_until(lambda: Nudges(redis_url).build(app.id))
    wait_until(lambda: yard.builds(app)[0].state is BuildState.FAILED, timeout=30)
    assert yard.builds(app)[0].attempt == 2
    assert yard.scratch(app) == []


def test_the_master_told_to_stop_leaves_no_build_behind(
    yard: Yard, redis_url: str, master: subprocess.Popen[bytes]
):
    app, _, waits = gated(yard)
    Nudges(redis_url).build(app.id)
    wait_until(waits.exists, timeout=30)
    assert named(str(yard.layout.build(app.id, 1)))

    master.terminate()
    master.wait(timeout=30)

    wait_until(lambda: not named(str(yard.layout.build(app.id, 1))))


def named(text: str) -> list[str]:
    """Processes with a text in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found
