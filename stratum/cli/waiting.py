"""Waiting for what a verb set going, and telling how it went."""

import math
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from stratum.cli.output import safe, say, show
from stratum.errors import Refused, RolloutFailed

if TYPE_CHECKING:
    from stratum.client import RemoteApp

GONE = 404
POLL_S = 0.1
SILENT_S = 15.0
NOT_BEGUN = (
    "What you asked for is recorded, and has not begun: earlier changes, of this app or of others, are under "
    "way, or a part of the server is away, which `stratum status` tells. It is done then, whether you wait "
    "or not."
)


class Patience:
    """Says once that a rollout has not begun: whoever waits would learn it only by waiting.

    Args:
        silent_s: how long nothing is said.
    """

    def __init__(self, silent_s: float = SILENT_S) -> None:
        self._end = time.monotonic() + silent_s

    def tell(self, rollout: Mapping[str, Any]) -> None:
        """Say it if it is time to."""
        if rollout["status"] == "queued" and time.monotonic() >= self._end:
            self._end = math.inf
            say(NOT_BEGUN)


def finish(
    app: "RemoteApp", change: Mapping[str, Any], *, until: str = "settled", as_json: bool = False
) -> None:
    """Wait for the rollout of a change, if it has one, and print what it did to each process.

    Raises:
        RolloutFailed: what ran before runs on.
    """
    if change["message"]:
        say(change["message"])
    if change["rollout"] is not None:
        made = app.rollout(change["rollout"], until=until, unfinished=Patience().tell)
        report(made, as_json=as_json)
        if not (as_json or made["report"] or change["message"]):
            say("No process runs that this would have changed.")
    elif as_json:
        show([], (), as_json=True)


def report(rollout: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Print a rollout's report, a line or an object for each process.

    Raises:
        RolloutFailed: it failed; the failed processes' last lines are printed.
    """
    if as_json:
        show(rollout["report"], (), as_json=True)
    else:
        _tell(rollout["report"])
    if rollout["status"] == "failed":
        reason = rollout["error"] or "The rollout failed."
        raise RolloutFailed(reason, "What ran before runs on.")


def _tell(lines: Iterable[Mapping[str, Any]]) -> None:
    for line in lines:
        click.echo(safe(sentence(line)), err=line["outcome"] == "failed")
        for output in line["output"]:
            say(f"    {output}")


def sentence(line: Mapping[str, Any]) -> str:
    """Say in one line what a rollout did with a process."""
    said = {
        "kept": f"kept ({_pid(line)})" if line["pid"] else f"kept, but {line['note']}",
        "started": f"started{_port(line)} ({_pid(line)})",
        "restarted": f"of the old release started again ({_pid(line)})",
        "stopped": f"stopped, {line['note']}" if line["note"].startswith("killed") else "stopped",
        "ran": f"ran for {line['seconds']:.1f} s",
        "failed": line["note"] or "failed",
    }
    return f"{line['label']} {said[line['outcome']]}"


def until_gone(app: "RemoteApp", rollout: int | None) -> None:
    """Wait until an app is destroyed.

    Raises:
        RolloutFailed: its processes could not be ended.
    """
    try:
        if rollout is not None:
            report(app.rollout(rollout, until="ended", unfinished=Patience().tell))
        while app.show():
            time.sleep(POLL_S)
    except Refused as error:
        if error.status != GONE:
            raise


def _pid(line: Mapping[str, Any]) -> str:
    return f"pid {line['pid']}"


def _port(line: Mapping[str, Any]) -> str:
    return f" on port {line['port']}" if line["port"] else ""
