"""What processes write, through a real supervisord: kept as it is, with its times, and bounded."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.engines.supervisord.rpc import Wanted
from stratum.trail import Trail
from tests.supervision import Supervised, name_of, supervised
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WORKER = Wanted("MyProdEnv", "app02", 7, 1, "worker", 1)
LINE = "0123456789" * 10
FLOOD = """
import fcntl, os, signal, time
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
os.set_blocking(1, False)
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 19)
while True:
    try:
        os.write(1, b"0\\n" * 2048)
    except BlockingIOError:
        if stop:
            break
        time.sleep(0.001)
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
os.write(1, b"last words\\n")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Supervised]:
    with supervised(fenced=os.getuid() == 0) as running:
        yield running


def test_output_is_marked_with_its_time_and_found_by_it(server: Supervised) -> None:
    server.run(WORKER, "echo early; sleep 3; echo late; exec sleep 1000")
    log = server.log(WORKER)
    wait_until(lambda: log.exists() and log.read_text() == "early\nlate\n")
    late = log.stat().st_mtime

    with Trail.since(log, datetime.fromtimestamp(late - 1, UTC)) as trail:
        assert [said.text for said in trail.lines()] == ["late"]
    with Trail.since(log, datetime.fromtimestamp(late - 60, UTC)) as trail:
        trail.timed = True
        early, last = trail.lines()
    assert (early.text, last.text) == ("early", "late")
    assert early.at is not None
    assert last.at is not None
    assert (last.at - early.at).total_seconds() >= 2
    assert abs(last.at.timestamp() - late) < 2
    server.stopped(WORKER)


def test_a_line_that_a_process_leaves_is_ended_when_it_ends(server: Supervised) -> None:
    """Else who follows would never see its last words, and the next start would go on in their line."""
    wished = Wanted("MyProdEnv", "app02", 9, 1, "worker", 1)
    server.run(wished, "echo up; printf 'fatal: no line end'; exit 3")
    whole = "up\nfatal: no line end\n"

    wait_until(lambda: server.log(wished).read_text().startswith(2 * whole), 60)

    server.stopped(wished)


def test_a_flood_is_bounded_and_keeps_no_other_from_its_restart(server: Supervised) -> None:
    """Each file and its times rotate together, and the followed line is where it should be."""
    flood, other = Wanted("E", "flood", 8, 1, "worker", 1), Wanted("E", "other", 9, 1, "worker", 1)
    server.run(flood, f"exec yes {LINE}")
    pid = server.run(other, "exec sleep 1000")
    log = server.log(flood)
    wait_until(log.with_name(f"{log.name}.2").exists, 60)
    wait_until(lambda: server.status(other).state == "RUNNING")

    os.kill(pid, 9)
    wait_until(lambda: server.status(other).pid not in {None, pid})

    names = {path.name.removeprefix(name_of(flood)) for path in log.parent.glob("*.log*")}
    assert names <= {f".log{number}{times}" for number in ("", ".1", ".2") for times in ("", ".times")}
    assert sum(path.stat().st_size for path in log.parent.iterdir()) < 40 << 20
    server.stopped(flood)
    server.stopped(other)


def test_a_flood_is_held_back_and_ends_by_itself_with_its_last_words(server: Supervised) -> None:
    """Nothing of it is lost: the three files that are kept hold its last numbers without a gap."""
    flood = Wanted("E", "flood", 12, 1, "worker", 1)
    server.run(flood, f"[ -e {server.folder}/flooded ] && exec sleep 1000; seq 4000000; exit 3")
    log = server.log(flood)
    wait_until(lambda: log.exists() and log.stat().st_size)
    (server.folder / "flooded").touch()

    wait_until(lambda: server.status(flood).exit_status is not None, 60)
    wait_until(lambda: (status := server.status(flood)).state == "RUNNING" and status.exit_status == 3, 60)

    kept = [path for number in (".2", ".1", "") if (path := log.with_name(f"{log.name}{number}")).exists()]
    _cut, *numbers = b"".join(path.read_bytes() for path in kept).split()
    assert len(numbers) > 2_000_000
    assert list(map(int, numbers)) == list(range(4_000_001 - len(numbers), 4_000_001))
    server.stopped(flood)


def test_one_that_is_held_back_is_stopped_as_any_other(server: Supervised) -> None:
    """What is left in its pipe, more than supervisord reads at once, is in its log."""
    flood = Wanted("E", "flood", 13, 1, "worker", 1)
    server.run(flood, f"exec {sys.executable} -c '{FLOOD}'")
    events = server.log(flood).with_name("events")
    wait_until(lambda: b"\theld-back\t" in events.read_bytes(), 60)

    server.rpc.stop([name_of(flood)])
    wait_until(lambda: server.status(flood).has_ended, 60)

    assert server.status(flood).exit_status == 0
    assert server.log(flood).read_bytes().endswith(b"0\nlast words\n")


def test_logs_of_what_is_no_more_stay_until_they_are_old(server: Supervised) -> None:
    first, second = Wanted("E", "app", 10, 1, "worker", 1), Wanted("E", "app", 10, 2, "worker", 1)
    for wanted in (first, second):
        server.run(wanted, "echo hello; exec sleep 1000")
        wait_until(server.log(wanted).exists)
        server.stopped(wanted)
    os.utime(server.log(first), (0, 0))

    assert server.rpc.remove([name_of(first), name_of(second)]) == {}

    assert not server.log(first).exists()
    assert server.log(second).exists()


def test_a_log_that_cannot_be_opened_costs_no_descriptor_at_each_try(server: Supervised) -> None:
    wanted = Wanted("E", "app", 11, 1, "worker", 1)
    server.run(wanted, "exec sleep 1000")
    server.stopped(wanted)
    server.log(wanted).unlink()
    server.log(wanted).mkdir()
    before = server.descriptors()

    (refused,) = server.rpc.add([wanted])
    assert "error making dispatchers" in refused.error
    wait_until(lambda: server.status(wanted).crashes >= 3, 60)

    assert server.descriptors() == before
    server.stopped(wanted)


def test_on_a_full_disk_output_is_lost_and_nothing_else() -> None:
    """Its standard error and the log of one process stand for the disk here."""
    floods, lives = WORKER, replace(WORKER, index=2)
    with supervised(fenced=os.getuid() == 0) as server, Path("/dev/full").open("wb") as full:
        server.stop()
        logs = server.log(floods).parent
        logs.mkdir()
        server.log(floods).symlink_to("/dev/full")
        os.chown(logs, server.owner, server.owner)
        (server.folder / "written").mkdir()
        (server.folder / "written").chmod(0o777)
        server.output = full
        server.start()

        server.run(floods, f"head -c 1000000 /dev/zero; touch {server.folder}/written/all; exec sleep 1000")
        server.run(lives, "while :; do echo line; sleep 0.05; done")

        wait_until((server.folder / "written" / "all").exists)
        size = server.log(lives).stat().st_size
        wait_until(lambda: server.log(lives).stat().st_size > size)
        assert server.is_up()
