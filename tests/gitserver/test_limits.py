"""What a program that serves a request may use."""

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from signal import SIGKILL

from gitserver.git.client import Client
from gitserver.git.deadline import Deadline
from gitserver.git.exchange import Exchange
from gitserver.git.limits import Limits
from stratum.settings import Settings
from tests.waiting import wait_until

ENVIRON = {"PATH": "/usr/bin:/bin"}
SHOW = """
import resource as r
print([r.getrlimit(kind) for kind in (r.RLIMIT_DATA, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)])
"""
MAP = """
import mmap, sys
input()
with open(sys.argv[1], "rb") as file:
    print(len(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)))
"""


def exchange(*argv: str, body: Iterable[bytes] = (), client: Client | None = None, **limits: int) -> Exchange:
    return Exchange(argv, ENVIRON, iter(body), client or Client(None), limits=Limits(**limits))


def said(running: Exchange) -> bytes:
    out = b""
    while (output := running.step()) is not None:
        out += output
    return out


def test_limits_hold_for_all_that_is_started():
    """Here a shell that first reads what it is fed, as git does, and only then starts another program."""
    show = ("sh", "-c", 'read -r line && exec "$@"', "sh", sys.executable, "-c", SHOW)
    running = exchange(*show, body=[b"go\n"], memory_bytes=1 << 29, cpu_s=7, file_bytes=1 << 20)

    assert said(running) == b"[(536870912, 536870912), (7, 12), (1048576, 1048576), (0, 0)]\n"
    assert running.close() == 0


def test_limits_are_those_of_the_settings():
    settings = Settings(max_push_bytes=5, git_memory_bytes=1, git_cpu_s=2, git_timeout_s=3)

    assert Limits.of(settings) == Limits(memory_bytes=1, cpu_s=2, file_bytes=10, timeout_s=3)


def test_limits_of_a_program_that_has_ended_are_no_error():
    done = subprocess.Popen(["true"])
    done.wait()

    Limits().apply(done.pid)


def test_memory_beyond_the_limit_is_not_given():
    running = exchange(
        sys.executable, "-c", "input(); bytearray(1 << 28)", body=[b"go\n"], memory_bytes=1 << 27
    )

    assert said(running) == b""
    assert running.close() == 1


def test_files_that_are_mapped_are_not_counted_as_memory(tmp_path):
    """RLIMIT_DATA: private writable pages alone (Linux 4.7 and later, mm/mmap.c, is_data_mapping)."""
    file = tmp_path / "pack"
    with file.open("wb") as written:
        written.truncate(1 << 30)
    running = exchange(sys.executable, "-c", MAP, str(file), body=[b"go\n"], memory_bytes=1 << 27)

    assert said(running) == b"1073741824\n"
    running.close()


def test_processor_time_beyond_the_limit_ends_it():
    running = exchange("sh", "-c", "while :; do :; done", cpu_s=1)

    assert said(running) == b""
    assert running.close() < 0


def test_what_takes_too_long_is_ended_and_told_apart():
    running = exchange("sh", "-c", "sleep 1000; echo told", timeout_s=1)

    assert said(running) == b"told\n"
    assert running.has_timed_out
    assert running.close() == 0


def test_what_does_not_end_then_is_killed():
    running = exchange("sh", "-c", "trap '' TERM; while :; do sleep 100; done", timeout_s=1)

    assert said(running) == b""
    assert running.close() == -SIGKILL


def test_time_that_it_waits_for_others_does_not_count():
    running = exchange("sh", "-c", "read -r line; echo done", body=waits_before(b"go\n", 1.5), timeout_s=1)
    running.pause()

    assert said(running) == b"done\n"
    assert not running.has_timed_out
    running.close()


def waits_before(data: bytes, seconds: float) -> Iterator[bytes]:
    time.sleep(seconds)  # the very thing that is tested: time that passes
    yield data


def test_client_that_goes_is_seen_while_the_program_does_not_read():
    """The program has not taken its input yet, and bytes of the client's wait to be read."""
    ours, theirs = socket.socketpair()
    with ours:
        client = Client(ours)
        running = exchange("sleep", "1000", body=[bytes(1 << 20)], client=client)
        theirs.sendall(b"more")
        theirs.close()

        assert said(running) == b""
        assert client.is_gone()
        assert not running.has_timed_out
        assert running.close() < 0


def test_client_that_stays_is_not_gone_for_what_it_says():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client = Client(ours)
        theirs.sendall(b"GET /the-next-request HTTP/1.1\r\n")

        assert not client.is_gone()
        theirs.close()
        assert client.is_gone()
        assert client.fileno() == -1


class TestDeadline:
    def test_passes(self):
        deadline = Deadline(0.01)

        assert not Deadline(100).has_passed
        wait_until(lambda: deadline.has_passed)

    def test_never_passes_in_a_pause_and_goes_on_after_it(self):
        deadline = Deadline(100)
        deadline.pause()
        deadline.shorten(0)

        assert not deadline.has_passed
        deadline.resume()
        wait_until(lambda: deadline.has_passed)

    def test_is_never_made_longer(self):
        deadline = Deadline(0)
        deadline.shorten(100)

        wait_until(lambda: deadline.has_passed)


def test_body_that_is_not_taken_is_still_read():
    """The program ends before it has read all; the client must have sent all before it hears the answer."""
    source = io.BytesIO(bytes(1 << 20))
    running = exchange("sh", "-c", "echo no", body=iter(lambda: source.read(65536), b""))

    assert said(running) == b"no\n"
    running.drain()
    assert source.read() == b""
    running.close()


def test_of_what_follows_what_was_taken_little_is_read():
    source = io.BytesIO(bytes(1 << 20))
    running = exchange("sh", "-c", "exec 0<&-; echo yes", body=iter(lambda: source.read(65536), b""))
    running.has_enough()
    running.pause()

    assert said(running) == b"yes\n"
    running.drain()
    assert running.has_surplus
    assert len(source.read()) >= 13 << 16
    running.close()


def test_nothing_is_read_while_the_program_decides_after_it_has_all():
    """Reading may wait for the client, and others may wait for the decision."""
    body = iter([b"go\n", b""])
    running = exchange("sh", "-c", "read -r line; echo asks; sleep 0.1; echo decided", body=body)
    while b"asks" not in (running.step() or b""):
        pass
    running.has_enough()

    assert not running.has_surplus
    assert said(running) == b"decided\n"
    running.close()
