import errno
import os

import pytest

from stratum.door import proc

NOBODYS = 1_999_999_999
LARGEST = 2**32 - 2  # which the kernel takes, and Python does not


def test_a_uid_has_a_process_or_has_none():
    assert proc.may_exist(os.getuid())
    assert not proc.may_exist(NOBODYS)


def test_a_uid_of_which_nobody_tells_may_have_processes(monkeypatch: pytest.MonkeyPatch):
    assert proc.may_exist(LARGEST)

    def unknown(_which: int, _who: int) -> int:
        raise OSError(errno.EINVAL, "a kernel that tells of processes only")

    monkeypatch.setattr(os, "getpriority", unknown)
    assert proc.may_exist(NOBODYS)
