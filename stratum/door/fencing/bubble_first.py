"""The first of ours inside bubblewrap: hands out a listener and /proc, and becomes the step.

A program of its own, `python -IS`, which imports nothing of ours. Open file 3 is a socket on which it
is told what to run, and hands out what leads inside.
"""

import json
import os
import socket

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
    os.chdir(order["cwd"])
    os.execve(order["argv"][0], order["argv"], order["env"])


if __name__ == "__main__":
    main()
