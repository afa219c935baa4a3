"""The web process as it is started for real: gunicorn with our settings, on its unix socket."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stratum.ownership import is_alive, process_name
from tests.waiting import wait_until
from tests.webside import WebSide

pytestmark = pytest.mark.integration


KINDS = ("WEB_THREADS", "STREAMS", "POLLS", "LIVE_PUSHES", "FETCHES", "RECEIVING_PUSHES")
FEW = {f"STRATUM_{name}": "1" for name in KINDS}
FOLLOWED = "/apps/MyProdEnv/app02/logs?follow=true"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@pytest.fixture
def side(tmp_path):
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def web(side):
    argv = [sys.executable, "-P", "-m", "gunicorn", "--config", "python:gitserver.gunicorn_conf"]
    environ = {**os.environ, "STRATUM_DATA": str(side.instance.layout.data), **FEW}
    process = subprocess.Popen(
        [*argv, "gitserver.wsgi:application"], env=environ, cwd=side.instance.layout.run
    )
    wait_until(side.instance.layout.web_socket.exists)
    yield process
    if process.poll() is None:
        process.terminate()
    process.wait(60)


@contextmanager
def get(side, path):
    connection = UnixConnection(side.instance.layout.web_socket)
    connection.request("GET", f"/api{path}", headers={"Authorization": f"Bearer {side.admin}"})
    with connection.getresponse() as answer:
        yield answer
    connection.close()


def test_it_serves_in_a_folder_that_keeps_others_out(side, web):
    with get(side, "/whoami") as answer:
        assert answer.status == 200

    assert stat.S_IMODE(side.instance.layout.web_socket.parent.stat().st_mode) & 0o007 == 0


def test_followers_that_leave_give_their_threads_back(side, web):
    """With one place, four silent followers would find none, had they to write to notice."""
    side.release(side.app())
    for _ in range(4):
        wait_until(lambda: follows(side))

    with get(side, "/whoami") as answer:
        assert answer.status == 200


def test_followers_that_stay_leave_threads_to_others(side, web):
    side.release(side.app())
    with get(side, FOLLOWED) as answer:
        assert answer.status == 200
        for _ in range(3):
            assert not follows(side)
        with get(side, "/whoami") as other:
            assert other.status == 200


def test_slow_readers_of_a_finished_log_leave_threads_to_others(side, web):
    """What the kernel holds of an answer is a fraction of it, so each keeps its thread until it reads."""
    app = side.app()
    side.release(app)
    log = side.instance.layout.build_log(app.id, 1)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"x" * (30 << 20))
    path = "/apps/MyProdEnv/app02/builds/1/log"
    with ExitStack() as open_:
        found = [open_.enter_context(get(side, path)).status for _ in range(60)]
        with get(side, "/whoami") as answer:
            assert answer.status == 200

    assert found == [200] + [503] * 59


def test_where_a_reader_of_hundreds_of_processes_is_fits_into_a_header(side, web):
    app = side.app()
    side.release(app)
    places = ";".join(
        f"v{version}.a-worker.{n}=3b62cc.9f0000.33e40bb0" for version in "123" for n in range(400)
    )
    headers = {"Authorization": f"Bearer {side.admin}", "Last-Event-ID": f"6b031128;{places}"}
    connection = UnixConnection(side.instance.layout.web_socket)
    connection.request("GET", "/api/apps/MyProdEnv/app02/logs", headers=headers)

    assert connection.getresponse().status == 200
    connection.close()


def follows(side):
    with get(side, FOLLOWED) as answer:
        return answer.status == 200


def test_it_stops_soon_though_a_stream_is_open(side, web):
    side.release(side.app())
    with get(side, "/apps/MyProdEnv/app02/logs?follow=true") as answer:
        assert answer.status == 200
        begun = time.monotonic()
        web.terminate()
        web.wait(60)

    assert time.monotonic() - begun < 9


def test_its_worker_dies_with_its_master(side, web):
    children = Path(f"/proc/{web.pid}/task/{web.pid}/children")
    wait_until(children.read_text)
    workers = [process_name(int(pid)) for pid in children.read_text().split()]
    web.send_signal(signal.SIGKILL)
    web.wait(60)

    assert workers
    wait_until(lambda: not any(is_alive(worker) for worker in workers))


def test_many_writers_at_once_all_succeed(side, web):
    side.app()
    codes = []

    def write(number):
        connection = UnixConnection(side.instance.layout.web_socket)
        connection.request(
            "PATCH",
            "/api/apps/MyProdEnv/app02/vars",
            f'{{"set": {{"V{number}": "x"}}}}',
            {"Authorization": f"Bearer {side.admin}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        codes.append(answer.status)
        answer.read()
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with get(side, "/apps/MyProdEnv/app02/vars") as answer:
        listed = answer.read()

    assert codes == [200] * 6
    assert listed.count(b'"name"') == 6
