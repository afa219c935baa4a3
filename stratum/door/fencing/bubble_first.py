"""The first of ours inside bubblewrap: hands out a listener and /proc, and becomes the step.

A program of its own, `python -IS`, which imports nothing of ours. Open file 3 is a socket on which it
is told what to run, and hands out what leads inside.
"""

import ctypes
import json
import os
import socket
import struct

LINK = 3
_CHUNK = 1 << 16


def main() -> None:
    """Do it all; ends as the step does."""
    with socket.socket(fileno=LINK) as link:
        data = b""
        while not data.endswith(b"\n"):
            chunk = link.recv(_CHUNK)
            if not chunk:
                return
            data += chunk
        order = json.loads(data)
        listener = socket.create_server(("127.0.0.1", order["port"]), backlog=128)
        processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        socket.send_fds(link, [b"."], [listener.fileno(), processes])
        listener.close()
        os.close(processes)
    if order["refused"]:
        confine(bytes.fromhex(order["refused"]), order["seccomp"])
    os.chdir(order["cwd"])
    os.execve(order["argv"][0], order["argv"], order["env"])


def confine(filter_: bytes, number: int) -> None:
    """Do what `stratum.door.fencing.calls.confine` does, which is not there."""
    program = struct.pack(
        "@HP", len(filter_) // 8, ctypes.addressof(held := ctypes.create_string_buffer(filter_))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), ctypes.c_uint(1), ctypes.c_uint(4), program):
        raise OSError(ctypes.get_errno(), f"seccomp: {len(held)} bytes of a filter are refused")


if __name__ == "__main__":
    main()
