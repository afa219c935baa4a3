"""The door's process: root, small, and able to do only what `requests` and `steps` list.

`python -P -m stratum.door.server [DATA]` (DATA, else STRATUM_DATA, names the data folder). It forks
once a request, so that a slow one delays no other and a broken one ends nothing. It lets in the
service's uid and root, by SO_PEERCRED; the socket's folder and mode keep others away already.
"""

import gc
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from stratum.door import ending, handler, prctl, proc, wire
from stratum.door.terms import Terms
from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings

_BACKLOG = 128
_UCRED = struct.Struct("3i")  # pid, uid, gid: unix(7)


def main() -> None:
    """Serve until SIGTERM."""
    settings = Settings.from_env()
    if len(sys.argv) > 1:
        settings = replace(settings, data=Path(sys.argv[1]))
    instance = Instance.open(settings)
    os.chdir("/")
    terms = Terms.read(instance.layout, instance.settings)
    Server(instance.layout, instance.fence, terms).serve()


class Server:
    """Listens, and forks."""

    def __init__(self, layout: Layout, fence: Fence, terms: Terms) -> None:
        self._layout, self._fence, self._terms = layout, fence, terms

    def serve(self) -> None:
        """Serve until SIGTERM; then end the steps that run, and return."""
        if os.getpgrp() != os.getpid() and os.getsid(0) != os.getpid():
            os.setpgid(0, 0)
        end_builds(self._fence)
        gc.disable()  # every fork would copy the pages that a collection touches: 1 ms each
        gc.freeze()
        listener = self._listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        try:
            while True:
                self._take(listener)
        except KeyboardInterrupt:
            _end_handlers()
        finally:
            self._layout.door_socket.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        """Listen under a name that nobody else has meanwhile."""
        path, service = self._layout.door_socket, self._fence.service_uid
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        listener.bind(str(path))
        os.umask(before)
        if self._fence.fenced:
            os.chown(path, 0, service)
        path.chmod(0o660)
        listener.listen(_BACKLOG)
        return listener

    def _take(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            if self._is_let_in(connection):
                self._hand_over(connection, listener)

    def _hand_over(self, connection: socket.socket, listener: socket.socket) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # a build may have taken all the processes that a container may have
            with suppress(OSError):
                wire.send(connection, {"refused": f"The door cannot start a process: {error}."})
            return
        if pid == 0:
            listener.close()
            self._handle(connection, parent)

    def _handle(self, connection: socket.socket, parent: int) -> NoReturn:
        prctl.die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        handler.handle(connection, self._layout, self._fence, self._terms)

    def _is_let_in(self, connection: socket.socket) -> bool:
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        _, uid, _ = _UCRED.unpack(found)
        if uid in (0, self._fence.service_uid):
            return True
        sys.stderr.write(f"refused uid {uid}\n")
        return False


def end_builds(fence: Fence) -> None:
    """End what builds have left running while no door was there to see to it."""
    if fence.fenced:
        first = fence.build_uid(1) % 2
        uids = {process.uid for process in proc.snapshot().values() if fence.in_apps_range(process.uid)}
        for uid in uids:
            if uid % 2 == first:
                ending.end_uid(uid)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_handlers() -> None:
    """Tell the handlers, which are in our process group, and wait for them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    try:
        while True:  # with SIGCHLD ignored this returns only when there is no child left
            os.wait()
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
