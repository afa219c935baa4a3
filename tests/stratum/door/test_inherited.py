"""A fork closes what it has of its parent's open files, and nothing of its own ever after."""

import gc
import os

from stratum.door.inherited import close_all_but


class _Cycle:
    """Goes by the collector only, and closes its file then."""

    def __init__(self, number: int) -> None:
        self.number, self.itself = number, self

    def __del__(self) -> None:
        os.close(self.number)


def in_fork(work) -> int:
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_what_the_parent_had_not_collected_yet_closes_no_file_of_the_fork():
    gc.disable()
    try:
        number = os.open("/dev/null", os.O_RDONLY)
        _Cycle(number)

        def work() -> int:
            close_all_but()
            mine = [os.open("/dev/null", os.O_RDONLY) for _ in range(number)]
            assert number in mine, "the lowest numbers are given first"
            gc.collect()
            return sum(not _is_open(one) for one in mine)

        assert in_fork(work) == 0
    finally:
        gc.enable()
        gc.collect()


def test_all_others_are_closed():
    kept, other = (os.open("/dev/null", os.O_RDONLY) for _ in range(2))

    def work() -> int:
        close_all_but(kept)
        return int(not _is_open(kept)) + int(_is_open(other)) + int(not _is_open(2))

    assert in_fork(work) == 0
    os.close(kept)
    os.close(other)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
