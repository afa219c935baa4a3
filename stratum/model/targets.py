"""How the processes of a target are kept."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

_SHOWN = 60  # characters of a command


class Strategy(StrEnum):
    """How a new process takes an old one's place."""

    OVERLAP = "overlap"  # starts beside the old one, which drains once the router has switched
    REPLACE = "replace"  # the old one stops first: two at once could do the same job twice


class CheckKind(StrEnum):
    """What a startup check looks at."""

    LISTENING = "listening"
    COMMAND = "command"
    PATH = "path"
    UPTIME = "uptime"


@dataclass(frozen=True, slots=True)
class Check:
    """What a new process has to pass before it counts as up.

    Attributes:
        name: as its author calls it; may be empty.
        path: of the request; what is answered has to be 2xx, and hold `content`.
        headers: name and value of each header of the request.
        command: the words of a program that has to end with 0.
        port: where the process listens; 0: on the port that it was given.
        uptime_s: how long it has to have lived.
        attempts: how often it is tried, `wait_s` after one that took at most `timeout_s`.
        initial_delay_s: age of the process before the first.
        only_warns: the process counts as up even so.
    """

    kind: CheckKind
    name: str = ""
    path: str = "/"
    content: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    port: int = 0
    uptime_s: int = 0
    attempts: int = 3
    initial_delay_s: int = 0
    timeout_s: int = 5
    wait_s: int = 5
    only_warns: bool = False

    @property
    def longest_s(self) -> int:
        """How long it may take, from the start of its process."""
        if self.kind is CheckKind.UPTIME:
            return self.uptime_s
        return self.initial_delay_s + self.attempts * self.timeout_s + (self.attempts - 1) * self.wait_s

    @property
    def label(self) -> str:
        """`"ready" (GET /health)`, or what is in brackets."""
        what = self._what()
        return f'"{self.name}" ({what})' if self.name else what

    def _what(self) -> str:
        if self.kind is CheckKind.PATH:
            return f"GET {self.path}"
        if self.kind is CheckKind.UPTIME:
            return f"{self.uptime_s} s of life"
        if self.kind is CheckKind.LISTENING:
            return f"listening on port {self.port or '$PORT'}"
        words = shlex.join(self.command)
        return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What is said of how a target is kept. What is not, is as by default: empty, or None.

    Attributes:
        restart_on_deploy: False: a new release leaves what runs as it is, and of its own.
        stop_sequence: how a rollout stops an old process, such as `term,90,kill` (`stratum.stopping`).
        max_surge: how many new processes may run beside old ones at once, such as `25%` (`stratum.surge`).
        quantity: the scale that a target begins with.
    """

    checks: tuple[Check, ...] = ()
    strategy: Strategy | None = None
    stop_sequence: str = ""
    restart_on_deploy: bool | None = None
    max_surge: str = ""
    quantity: int | None = None

    def over(self, other: "TargetSettings") -> "TargetSettings":
        """What holds where this says something, else the other."""
        said = {one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default}
        return replace(other, **said)

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "TargetSettings":
        """Read what `render` has made."""
        strategy = stored.get("strategy")
        return cls(
            checks=tuple(map(_check, stored.get("checks", ()))),
            strategy=None if strategy is None else Strategy(strategy),
            stop_sequence=stored.get("stop_sequence", ""),
            restart_on_deploy=stored.get("restart_on_deploy"),
            max_surge=stored.get("max_surge", ""),
            quantity=stored.get("quantity"),
        )

    def render(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}


NO_SETTINGS = TargetSettings()


def _check(stored: Mapping[str, Any]) -> Check:
    headers = tuple((name, value) for name, value in stored["headers"])
    parsed = {"kind": CheckKind(stored["kind"]), "headers": headers, "command": tuple(stored["command"])}
    return Check(**{**stored, **parsed})
