"""Switches of prctl(2) that a process sets on itself."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Be killed when the thread that forked us ends; a change of uid afterwards undoes it."""
    _set(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, double-forked ones too."""
    _set(_PR_SET_CHILD_SUBREAPER, 1)


def show_to_own_account(value: bool) -> None:
    """Let others of our uid look at and change what /proc shows of us, or keep them out (proc(5))."""
    _set(_PR_SET_DUMPABLE, int(value))


def gain_no_privileges() -> None:
    """Make set-uid bits and file capabilities powerless for us and all we start."""
    _set(_PR_SET_NO_NEW_PRIVS, 1)


def _set(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}) failed")
