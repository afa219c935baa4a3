"""Answer one request over one connection; the server's and the unfenced client's forks both do this."""

import os
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

from stratum.door import ending, inherited, requests, wire
from stratum.door.awaiting import Ending
from stratum.door.steprun import StepRun
from stratum.door.terms import Terms
from stratum.errors import DoorUnavailable, StratumError
from stratum.fence import Fence
from stratum.layout import Layout

REQUEST_S = 10.0
_FDS_OF_A_STEP = 3


def handle(connection: socket.socket, layout: Layout, fence: Fence, terms: Terms | None = None) -> NoReturn:
    """Answer, whatever was asked, and end this process. SIGTERM counts as the caller's leaving.

    Args:
        terms: those of steps; None: to be read when a step is asked for.
    """

    def leave(_number: int, _frame: FrameType | None) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, leave)
        connection.settimeout(REQUEST_S)
        wire.send(connection, _answered(connection, layout, fence, terms))
        code = 0
    except OSError:
        code = 2  # the caller has left; there is nobody to tell
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def handle_detached(connection: socket.socket, layout: Layout, fence: Fence) -> NoReturn:
    """Handle in a fork of the caller, apart from its session and with none of its open files."""
    os.setsid()
    inherited.close_all_but(connection.fileno())
    handle(connection, layout, fence)


def _answered(
    connection: socket.socket, layout: Layout, fence: Fence, terms: Terms | None
) -> dict[str, object]:
    try:
        message, fds = wire.receive(connection)
    except (wire.Broken, TimeoutError) as error:
        return {"refused": f"The door does not take this as a message: {error}."}
    name, args = str(message.get("ask")), message.get("args")
    try:
        if not isinstance(args, dict):
            return {"refused": "The door takes named arguments only."}
        if name == "run":
            order, agreed = requests.order(args), terms or Terms.read(layout)
            ended = _run(connection, StepRun(layout, fence, agreed, order), fds)
            over = agreed.limits.broken(ended.over) if ended.over else None
            return {"answer": {"exit_code": ended.exit_code, "over": over}}
        return {"answer": requests.answer(layout, fence, name, args)}
    except Exception as error:
        return {"refused": _reason(name, error)}


def _reason(name: str, error: Exception) -> str:
    """Say why a request failed; what nobody has thought of is for the log, too."""
    if isinstance(error, StratumError):
        return str(error)
    if isinstance(error, ending.WillNotEnd):
        return f"{name}: processes do not end, even when killed."
    if isinstance(error, OSError):
        return f"{name}: {error}."
    sys.excepthook(*sys.exc_info())
    return f"{name}: the door failed at it; its log (logs/services/_door.log) says where."


def _run(connection: socket.socket, step: StepRun, fds: list[int]) -> Ending:
    if len(fds) != _FDS_OF_A_STEP:
        message = f"A step takes {_FDS_OF_A_STEP} open files, not {len(fds)}."
        raise DoorUnavailable(message)
    return step.run((fds[0], fds[1], fds[2]), connection)
