"""What passes over the door's socket: a line of JSON each way, with the first one open files.

One request a connection. The caller's end stays open while it waits: its end of file means that the
caller is gone.
"""

import json
import socket
from collections.abc import Mapping, Sequence

MAX_BYTES = 8 << 20  # variables of an app may be many and large
_CHUNK = 1 << 16
_MAX_FDS = 3


class Broken(Exception):
    """The other side closed too early, or sent what is no message."""


def send(connection: socket.socket, message: Mapping[str, object], fds: Sequence[int] = ()) -> None:
    """Send one message, and copies of open files with it."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(connection, [data], list(fds)) if fds else 0
    if sent < len(data):  # who has all may have answered and left: sending it nothing more would fail
        connection.sendall(data[sent:])


def receive(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    """Receive one message and the open files with it, which are the caller's to close.

    Raises:
        Broken: there was no whole message.
    """
    data, fds, _, _ = socket.recv_fds(connection, _CHUNK, _MAX_FDS)
    chunks, size = [data], len(data)
    while data and not data.endswith(b"\n") and size <= MAX_BYTES:
        data = connection.recv(_CHUNK)
        chunks.append(data)
        size += len(data)
    if size > MAX_BYTES:
        reason = f"a message has at most {MAX_BYTES} bytes"
        raise Broken(reason)
    return _message(b"".join(chunks)), fds


def _message(data: bytes) -> dict[str, object]:
    if not data.endswith(b"\n"):
        message = "the message was cut short" if data else "there was no message"
        raise Broken(message)
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Broken(str(error)) from error
    if not isinstance(message, dict):
        reason = f"a message is an object, not {type(message).__name__}"
        raise Broken(reason)
    return message
