"""A value of app.json at its place, and what there is to say about it. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stratum.excerpt import quoted

NAME = "app.json"
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with app.json, or worth a warning.

    Attributes:
        place: keys from the top, such as `healthchecks.web[0].timeout`; empty for the file.
        message, mend: sentences without their full stop.
    """

    place: str
    message: str
    mend: str

    def __str__(self) -> str:
        return self._sentence("")

    def lines(self, label: str = "") -> tuple[str, ...]:
        """Say it in full.

        Args:
            label: what to call it, such as `warning: `.
        """
        return (self._sentence(label),)

    def sentence(self) -> str:
        """Say it without the file."""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.message}. {self.mend}."

    def _sentence(self, label: str) -> str:
        return f"{NAME}: {label}{self.sentence()}"


@dataclass(slots=True)
class Found:
    """All that was found while reading."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Node:
    """A value at its place. What is asked of it and is not so is refused, and a default returned."""

    value: Any
    place: str
    found: Found

    def refuse(self, message: str, mend: str) -> None:
        """Note a problem."""
        self.found.problems.append(Problem(self.place, message, mend))

    def warn(self, message: str, mend: str) -> None:
        """Note what is worth a warning."""
        self.found.warnings.append(Problem(self.place, message, mend))

    def has(self, key: str) -> bool:
        """Whether an object has a key."""
        return key in self.value

    def at(self, key: str) -> "Node":
        """The value of a key of an object; None where it has none."""
        dot = "." if self.place else ""
        place = f"{self.place}{dot}{key}" if _PLAIN.fullmatch(key) else f"{self.place}[{quoted(key)}]"
        return Node(self.value.get(key), place, self.found)

    def members(self) -> Iterator[tuple[str, "Node"]]:
        """Yield what an object has by key; something else is refused."""
        if not isinstance(self.value, dict):
            self.refuse(f"{shown(self.value)} stands where an object is expected", 'Write it as {"name": …}')
            return
        for key in self.value:
            yield key, self.at(key)

    def items(self) -> Iterator["Node"]:
        """Yield what a list has; something else is refused."""
        if not isinstance(self.value, list):
            self.refuse(f"{shown(self.value)} stands where a list is expected", "Put it into [ and ]")
            return
        for number, value in enumerate(self.value):
            yield Node(value, f"{self.place}[{number}]", self.found)

    def know(self, known: Collection[str], without_effect: Mapping[str, str]) -> None:
        """Warn of keys of an object that are not known, or do nothing here."""
        for key, node in self.members():
            if key in without_effect:
                node.warn("it has no effect here", without_effect[key])
            elif key not in known:
                node.warn("it is not known here", f"There are: {', '.join(known)}")

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """Read a whole number of an object."""
        node = self.at(key)
        value = node.value
        if not self.has(key):
            return default
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        node.refuse(f"{shown(value)} is not allowed", f"Give a whole number from {least} to {most}")
        return default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Read true or false of an object."""
        node = self.at(key)
        if not self.has(key):
            return default
        if isinstance(node.value, bool):
            return node.value
        node.refuse(f"{shown(node.value)} is neither true nor false", "Write true or false, without quotes")
        return default

    def text(self, key: str, pattern: re.Pattern[str], rule: str, default: str = "") -> str:
        """Read a text of an object.

        Args:
            pattern: what it has to look like as a whole.
            rule: the same for people; a sentence that says what to give.
        """
        node = self.at(key)
        if not self.has(key):
            return default
        if isinstance(node.value, str) and pattern.fullmatch(node.value):
            return node.value
        node.refuse(f"{shown(node.value)} is not allowed", rule)
        return default


def shown(value: object) -> str:
    """Repeat a value within a sentence."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return quoted(str(value)).strip('"')
