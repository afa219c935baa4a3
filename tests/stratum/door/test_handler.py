"""Whatever is asked, and however, is answered: a caller that hears nothing takes the door for dead."""

import os
import socket
from pathlib import Path
from typing import cast

import pytest

from stratum.door import handler, wire
from stratum.fence import Fence
from stratum.layout import Layout

LAYOUT, FENCE = Layout(Path("/nowhere"), "0" * 12), Fence(fenced=False, uid_base=os.getuid())


def answer(sent: bytes, layout: Layout = LAYOUT) -> object:
    """Send something to a handler, as far as it listens, and return its answer."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        handler.handle(theirs, layout, FENCE)
    theirs.close()
    with ours:
        try:
            ours.sendall(sent)
            ours.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        message, _ = wire.receive(ours)
    os.waitpid(pid, 0)
    return message


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "there was no message"),
        (b'{"ask": "tr', "the message was cut short"),
        (b"nonsense\n", "Expecting value: line 1 column 1 (char 0)"),
        (b"[]\n", "a message is an object, not list"),
        (b" " * (wire.MAX_BYTES + 1_000_000), f"a message has at most {wire.MAX_BYTES} bytes"),
    ],
)
def test_what_is_no_message_is_refused(sent: bytes, said: str):
    assert answer(sent) == {"refused": f"The door does not take this as a message: {said}."}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"{}\n", "The door takes named arguments only."),
        (b'{"args": {}}\n', "The door knows no request 'None'."),
        (b'{"ask": ["run"], "args": {}}\n', "The door knows no request \"['run']\"."),
        (b'{"ask": "tree", "args": {}}\n', "The door does not take None as pid."),
        (b'{"ask": "run", "args": {}}\n', "The door does not take None as timeout_s."),
    ],
)
def test_what_is_no_request_is_refused(sent: bytes, said: str):
    assert answer(sent) == {"refused": said}


def test_a_fault_of_the_door_itself_is_answered():
    broken = cast("Layout", None)
    sent = b'{"ask": "has_slug", "args": {"app_id": 1, "digest": "%s"}}\n' % (b"ab" * 32)

    assert answer(sent, broken) == {
        "refused": "has_slug: the door failed at it; its log (logs/services/_door.log) says where."
    }
