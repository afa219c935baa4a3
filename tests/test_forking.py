from tests.forking import held

MAPS = """\
555555554000-555555556000 r--p 00000000 fe:00 1234                       /usr/bin/python3.11
555555a00000-555555f00001 rw-p 00000000 00:00 0                          [heap]
7f0000100000-7f0000300000 rw-p 00000000 00:00 0
7f0000300000-7f0000900000 rw-p 00000000 00:00 0
7f0001000000-7f0001400000 rw-s 00000000 00:01 77                         /dev/shm/shared file
7f0002000000-7f0002400000 r-xp 00000000 00:00 0
7ffffff00000-7fffffffffff rw-p 00000000 00:00 0                          [stack]
"""


def test_memory_is_what_was_allocated_by_whole_large_pages():
    """Neither files, code nor the stack; the first without a name holds no whole large page."""
    heap, arena = (0x555555A00000, 2 << 21), (0x7F0000400000, 2 << 21)

    assert list(held(MAPS)) == [heap, arena]
