"""Starts a program whose chosen system calls each wait until `tests.syscalls` has seen them.

    python watched.py SOCKET NUMBER,NUMBER,… PROGRAM WORD…

Source: seccomp_unotify(2), seccomp(2); the filter holds for all that the program starts, too.
"""

import ctypes
import os
import platform
import socket
import struct
import sys

SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
SET_MODE_FILTER, NEW_LISTENER = 1, 1 << 3
SET_NO_NEW_PRIVS = 38
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000


def program(numbers):
    """Instructions that hand the numbered calls to the listener, and let all others pass."""
    jumps = [(JUMP_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    rows = [(LOAD_WORD, 0, 0, 0), *jumps, (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, NOTIFY)]
    return len(rows), b"".join(struct.pack("HBBI", *row) for row in rows)


def main():
    place, numbers, *argv = sys.argv[1:]
    end = socket.socket(socket.AF_UNIX)
    end.connect(place)
    libc = ctypes.CDLL(None, use_errno=True)
    count, instructions = program([int(number) for number in numbers.split(",")])
    buffer = ctypes.create_string_buffer(instructions)
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", count, ctypes.addressof(buffer)))
    assert libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    listener = libc.syscall(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, filter_)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "this kernel hands on no system calls (seccomp_unotify(2))")
    socket.send_fds(end, [b"x"], [listener])
    os.close(listener)
    end.close()
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
