"""What supervisord takes for 1,000 programs: plain, with one file of sections, and with our plugin.

Both run the same program and keep its output in a file. Ours is asked for everything and changed meanwhile,
since memory that has been used once is seldom given back.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import instances
from benchmarks.starts import Starts, starting
from benchmarks.tables import table, verdict
from runner.engines.supervisord.rpc import Wanted
from stratum.supervisor import Supervisor
from tests.supervision import Supervised, name_of, supervised
from tests.waiting import wait_until

PROGRAMS = 1000
APPS, STEP = 20, 50
BAR_MIB = 25.0
CHANGES = 50

_PLAIN = """\
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
minfds=5000
[unix_http_server]
file={folder}/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """\
[program:p{number}]
command=bash -c "{program}"
redirect_stderr=true
stdout_logfile={folder}/p{number}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def run(rounds: int | None) -> str:
    rows = []
    with starting() as starts:
        plain = [_of_plain(starts, count) for count in (1, PROGRAMS)]
        ours = _of_ours(starts)
    rows.append(("plain", *(f"{mib:.1f}" for mib in plain), "", f"{plain[1] - plain[0]:.1f}"))
    rows.append(("ours", *(f"{mib:.1f}" for mib in ours), f"{ours[2] - ours[0]:.1f}"))
    heads = ("MiB of its own", "1 program", f"{PROGRAMS}", "and used", f"for {PROGRAMS}")
    return f"{table(heads, rows)}\n\n{verdict(f'Ours for {PROGRAMS}', ours[2] - ours[0], BAR_MIB, ' MiB')}"


def _of_plain(starts: Starts, count: int) -> float:
    folder = instances.new_folder("sp-")
    sections = (
        _PROGRAM.format(number=number, program=starts.program, folder=folder) for number in range(count)
    )
    (folder / "conf").write_text(_PLAIN.format(folder=folder) + "".join(sections))
    with _running([sys.executable, "-m", "supervisor.supervisord", "-c", str(folder / "conf")]) as pid:
        starts.next_ones(count)
        wait_until(lambda: Supervisor(folder / "s").state() == "RUNNING")
        own = _own_mib(pid)
    shutil.rmtree(folder)
    return own


def _of_ours(starts: Starts) -> tuple[float, float, float]:
    with supervised(fenced=os.getuid() == 0) as server:
        pid = int((server.folder / "supervisord.pid").read_text())
        wanted = [Wanted("E", f"a{n % APPS}", n % APPS + 1, 1, "worker", n + 1) for n in range(PROGRAMS)]
        _start(server, starts, wanted[:1])
        first = _own_mib(pid)
        for at in range(1, PROGRAMS, STEP):
            _start(server, starts, wanted[at : at + STEP])
        full = _own_mib(pid)
        for _ in range(CHANGES):
            server.rpc.status()
            server.stopped(wanted[0])
            server.rpc.remove([name_of(wanted[0])])
            _start(server, starts, wanted[:1])
        return first, full, _own_mib(pid)


def _start(server: Supervised, starts: Starts, wanted: list[Wanted]) -> None:
    for one in wanted:
        server.describe(one, starts.program)
    server.rpc.add(wanted)
    starts.next_ones(len(wanted))


@contextmanager
def _running(argv: list[str]) -> Iterator[int]:
    process = subprocess.Popen(argv, cwd="/", stdin=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def _own_mib(pid: int) -> float:
    """Pages that are nobody else's; files that it has read count for nobody."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("Pss_Anon:")[2].split()[0]) / 1024
