"""What happens to a supervisord with our plugin as a whole: who may reach it, its death, its shutdown."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engines.supervisord.rpc import Wanted
from stratum.errors import SupervisorUnavailable
from stratum.supervisor import Supervisor
from tests.supervision import UID_HIGH, UID_LOW, Supervised, marked, name_of, supervised
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

_WITHOUT_SESSIONS = """
import os
def posix_spawn(*given, setsid=False, **more):
    open(__file__.replace("sitecustomize.py", "asked"), "w").close()
    raise NotImplementedError("posix_spawn: setsid unavailable on this platform")
os.posix_spawn = posix_spawn
"""


@pytest.fixture
def own_server() -> Iterator[Supervised]:
    with supervised(os.getuid() == 0) as running:
        yield running


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_the_service_can_read_logs_and_reach_the_socket_and_others_cannot(own_server: Supervised) -> None:
    wished = Wanted("MyProdEnv", "app02", 7, 1, "web", 1)
    own_server.run(wished, "echo hello; exec sleep 1000")
    wait_until(lambda: own_server.log(wished).read_text() == "hello\n")

    folder, log = own_server.log(wished).parent.stat(), own_server.log(wished).stat()
    sock = own_server.rpc.socket_path.stat()

    assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode)) == (0, own_server.owner, 0o2750)
    assert (log.st_uid, log.st_gid) == (0, own_server.owner)
    assert log.st_mode & stat.S_IRGRP
    assert (sock.st_uid, sock.st_gid, stat.S_IMODE(sock.st_mode)) == (0, own_server.owner, 0o770)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_no_uid_outside_the_range_is_ever_used(own_server: Supervised) -> None:
    highest = (UID_HIGH - UID_LOW) // 2
    inside, outside = (Wanted("Env", "app", app_id, 1, "web", 1) for app_id in (highest, highest + 1))
    own_server.describe(inside, "exec sleep 1000")

    answers = own_server.rpc.add([outside, inside])

    assert "no uid" in answers[0].error
    assert answers[1].pid
    assert own_server.rpc.status("Env.")[0].name == name_of(inside)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_preloaded_library_is_first_opened_by_the_apps_own_uid(own_server: Supervised) -> None:
    """A pipe in its place holds whoever opens it first, in ld.so, for us to look at."""
    wished = Wanted("Env", "app", 3, 1, "web", 1)
    pipe = own_server.folder / "library.so"
    os.mkfifo(pipe)
    pipe.chmod(0o644)

    pid = own_server.run(wished, "exec sleep 1000", {"LD_PRELOAD": str(pipe), "LD_LIBRARY_PATH": "/tmp"})

    uid = own_server.app_uid(3)
    process = Path(f"/proc/{pid}")
    held = ("setpriv", f"\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    wait_until(
        lambda: (process / "exe").readlink().name == held[0] and held[1] in (process / "status").read_text()
    )
    status = (process / "status").read_text()
    assert "\nNoNewPrivs:\t1\n" in status


def test_a_killed_supervisord_takes_the_first_generation_along(own_server: Supervised) -> None:
    wished = Wanted("Env", "app", 3, 1, "web", 1)
    pid = own_server.run(wished, "exec sleep 1000")
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")

    own_server.kill()

    wait_until(lambda: marked(wished) == [])
    own_server.start()
    assert own_server.rpc.status() == []
    assert own_server.rpc.add([wished])[0].pid not in {None, pid}


def test_shutdown_ends_all_apps_at_once_with_their_trees(own_server: Supervised) -> None:
    """Supervisord by itself would give one after the other its grace: 24 s here."""
    stubborn = [Wanted("Env", "app", 3, 1, "worker", index) for index in range(1, 25)]
    for wished in stubborn:
        own_server.run(wished, "trap '' TERM; sleep 1001 & sleep 1002")
    wait_until(lambda: all(len(marked(wished)) >= 2 for wished in stubborn))

    began_at = time.monotonic()
    own_server.rpc.shutdown()
    assert own_server.kill(signal.SIGCHLD) == 0

    assert time.monotonic() - began_at < 20
    assert [marked(wished) for wished in stubborn] == [[]] * 24


def test_shutdown_takes_no_second_for_each_app(own_server: Supervised) -> None:
    """Supervisord by itself would wait a second in each pass of its loop: 24 s here, before our services."""
    quick = [Wanted("Env", "app", 3, 1, "worker", index) for index in range(1, 25)]
    for wished in quick:
        own_server.run(wished, "exec sleep 1000")
    own_server.rpc.start_service("_web")

    began_at = time.monotonic()
    own_server.rpc.shutdown()
    assert own_server.kill(signal.SIGCHLD) == 0

    assert time.monotonic() - began_at < 20


def test_a_reload_by_the_operator_leaves_a_working_supervisord(own_server: Supervised) -> None:
    wished = Wanted("Env", "app", 3, 1, "web", 1)
    pid = own_server.run(wished, "exec sleep 1000")

    own_server.ctl("reload")

    wait_until(lambda: own_server.is_up() and own_server.rpc.status() == [])
    assert own_server.rpc.add([wished])[0].pid not in {None, pid}
    own_server.stopped(wished)


def test_a_python_that_cannot_spawn_in_a_session_forks(own_server: Supervised) -> None:
    """As one that was built with an old glibc, which knows no `setsid` there."""
    lacking = own_server.folder / "lacking"
    lacking.mkdir()
    lacking.chmod(0o755)
    (lacking / "sitecustomize.py").write_text(_WITHOUT_SESSIONS)
    wished = Wanted("Env", "app", 3, 1, "worker", 1)
    own_server.kill(signal.SIGTERM)
    own_server.python_path = f"{lacking}:{own_server.python_path}"
    own_server.start()

    pid = own_server.run(wished, "echo hello; exec sleep 1000")

    wait_until(lambda: own_server.log(wished).read_bytes() == b"hello\n")
    assert os.getsid(pid) == pid
    assert (lacking / "asked").exists()
    assert own_server.stopped(wished).exit_status == -signal.SIGTERM


def test_a_service_starts_by_supervisords_own_fork_whatever_was_asked_of_an_app(
    own_server: Supervised,
) -> None:
    """Supervisord looks what it would start before it says that it runs already."""
    wished = Wanted("Env", "app", 3, 1, "worker", 1)
    pid = own_server.run(wished, "exec sleep 1001")
    assert "already started" in own_server.ctl("start", name_of(wished))

    own_server.rpc.start_service("_web")

    service = own_server.ctl("pid", "_web").strip()
    assert Path(f"/proc/{service}/cmdline").read_bytes() == b"sleep\0001000\0"
    assert own_server.status(wished).pid == pid


def test_a_supervisord_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SupervisorUnavailable, match=r"does not answer on .*nothing\.sock"):
        Supervisor(tmp_path / "nothing.sock").status()


def test_the_file_that_an_operator_reads_is_replaced_and_never_half_written(own_server: Supervised) -> None:
    first, second = (Wanted("MyProdEnv", "app02", 7, 1, "worker", index) for index in (1, 2))
    file = own_server.folder / "apps.conf"
    own_server.run(first, "exec sleep 1000")
    wait_until(lambda: f"[program:{name_of(first)}]" in file.read_text())
    with file.open() as before:
        own_server.run(second, "exec sleep 1000")
        wait_until(lambda: f"[program:{name_of(second)}]" in file.read_text())
        read = before.read()

    assert f"[program:{name_of(first)}]" in read
    assert name_of(second) not in read
    assert not file.with_suffix(".new").exists()
