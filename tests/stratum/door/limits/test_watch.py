"""What of a step's own /proc counts; here one of files."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from stratum.door.fencing.inside import Started
from stratum.door.limits.limits import MEMORY, Limits
from stratum.door.limits.watch import Watch

MIB = 1 << 20
LIMITS = Limits(memory_bytes=200 * MIB, processes=10, disk_bytes=MIB)


def process(proc: Path, pid: int, *, mib: int) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    fields = ["S", *("0" for _ in range(16)), "1"]
    (folder / "stat").write_text(f"{pid} (x) {' '.join(fields)}\n")
    (folder / "statm").write_text(f"9 {mib * MIB // os.sysconf('SC_PAGE_SIZE')} 0 0 0 0 0\n")
    (folder / "status").write_text(f"RssAnon:\t{mib * 1024} kB\nRssShmem:\t0 kB\n")
    (folder / "smaps_rollup").write_text(f"Pss_Anon:\t{mib * 1024} kB\nPss_Shmem:\t0 kB\n")


@pytest.mark.parametrize(("ours", "theirs", "over"), [(900, 10, ""), (10, 300, MEMORY)])
def test_the_first_process_inside_is_ours_and_does_not_count(
    tmp_path: Path, ours: int, theirs: int, over: str
):
    proc, filled = tmp_path / "proc", tmp_path / "filled"
    proc.mkdir()
    filled.mkdir()
    process(proc, 1, mib=ours)
    process(proc, 2, mib=theirs)
    started = Started(2, processes=os.open(proc, os.O_RDONLY))

    with closing(started), closing(Watch(LIMITS, started, (filled,))) as watch:
        assert watch.look() == over
