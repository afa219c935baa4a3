"""Proportional set size (PSS) of each process of an idle server, after 20 requests and half a minute."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import instances
from benchmarks.tables import table, verdict
from tests.served import Served

BAR_MIB = 220
REQUESTS = 20
IDLE_S = 30
PROGRAMS = ("_redis", "_door", "_web", "_work", "_router")


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in MiB. Shared pages are divided among those that share them (proc_pid_smaps(5))."""

    program: str
    pid: int
    pss: float
    anonymous: float
    rss: float


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        for _ in range(rounds or REQUESTS):
            served.stratum("apps", "list")
        time.sleep(IDLE_S)
        measured = list(_measured(served))
    total = sum(one.pss for one in measured)
    anonymous = sum(one.anonymous for one in measured)
    rows = [(one.program, f"{one.pss:.1f}", f"{one.anonymous:.1f}", f"{one.rss:.1f}") for one in measured]
    rows.append((f"**all {len(measured)}**", f"**{total:.1f}**", f"**{anonymous:.1f}**", ""))
    found = table(("process", "PSS, MiB", "of it anonymous", "RSS"), rows)
    return f"{found}\n\n{verdict('PSS of all', total, BAR_MIB, ' MiB')}{_others(served)}"


def _measured(served: Served) -> Iterator[Memory]:
    yield _memory("supervisord", served.supervisord_pid())
    config = str(served.data / "run/supervisord.conf")
    listed = served.run("supervisorctl", "-c", config, "status").stdout
    for program in sorted((line.split()[0] for line in listed.splitlines()), key=PROGRAMS.index):
        for number, pid in enumerate(served.pids_of(program)):
            yield _memory(f"{program}, child {number}" if number else program, pid)


def _memory(name: str, pid: int) -> Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    mib = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return Memory(name, pid, mib["Pss"], mib["Pss_Anon"], mib["Rss"])


def _others(served: Served) -> str:
    """Warn when another instance runs: what it shares with ours would be counted as half."""
    found = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _is_supervisord(path)]
    return (
        ""
        if len(found) <= 0
        else f" ({len(found)} other supervisord ran meanwhile: shared pages count as less.)"
    )


def _is_supervisord(path: Path) -> bool:
    try:
        return b"supervisor.supervisord" in path.read_bytes()
    except OSError:
        return False
