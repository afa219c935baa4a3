"""Processor time, of an instance's services and of the whole machine."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _CUTIME = (
    11,
    15,
)  # fields after the name; the ended children's are those of the forks of appliers (proc(5))


def spent_s(supervisord: int) -> float:
    """Sum what supervisord, its services and their ended children have taken; the apps apart."""
    children = Path(f"/proc/{supervisord}/task/{supervisord}/children").read_text().split()
    services = [int(pid) for pid in children if not _is_app(int(pid))]
    below = [pid for service in services for pid in _children(service)]
    return _of(supervisord, own_only=True) + sum(_of(pid) for pid in (*services, *below))


def all_work_s() -> float:
    """What all processors have done since the machine was started, for whomever (proc(5), /proc/stat)."""
    user, nice, system, _, _, *others = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9])
    irq, softirq, *_ = others
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def _children(pid: int) -> list[int]:
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [grandchild for child in found for grandchild in (child, *_children(child))]


def _is_app(pid: int) -> bool:
    try:
        return b"STRATUM_PROCESS=" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return True


def _of(pid: int, *, own_only: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    last = _UTIME + 2 if own_only else _CUTIME
    return sum(map(int, fields[_UTIME:last])) / _TICKS_PER_S
