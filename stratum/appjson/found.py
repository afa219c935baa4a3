"""A value of app.json at its place, and what there is to say about it. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stratum import procfile
from stratum.appjson.places import item, member
from stratum.excerpt import quoted

NAME = "app.json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with app.json, or worth a warning.

    Attributes:
        place: keys from the top, such as `healthchecks.web[0].timeout`; empty for the file.
        message, mend: sentences without their full stop.
        line, column: where it stands, from 1; 0 where that is not known.
        source: the whole line as it stands in the file.
    """

    place: str
    message: str
    mend: str
    line: int = 0
    column: int = 0
    source: str = ""

    def __str__(self) -> str:
        return self.lines()[0]

    def lines(self, label: str = "") -> tuple[str, ...]:
        """Say it in full: the sentence and, where it is known, its place in the file with a caret.

        Args:
            label: what to call it, such as `warning: `.
        """
        if not self.line:
            return (f"{NAME}: {label}{self.sentence()}",)
        said = procfile.Problem(NAME, self.line, self.column, self.said, self.mend, self.source)
        return said.lines(label)

    def sentence(self) -> str:
        """Say it without the file."""
        return f"{self.said}. {self.mend}."

    def located(self, text: str, offset: int) -> "Problem":
        """The same with where it stands.

        Args:
            text: of the file.
            offset: in characters.
        """
        before = text[:offset]
        begin = before.rfind("\n") + 1
        line, source = before.count("\n") + 1, text[begin:].partition("\n")[0].rstrip("\r")
        return replace(self, line=line, column=offset - begin + 1, source=source)

    @property
    def said(self) -> str:
        """Its message after its place."""
        return f"{self.place}: {self.message}" if self.place else self.message


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
        return Node(self.value.get(key), member(self.place, key), self.found)

    def members(self, mend: str) -> Iterator[tuple[str, "Node"]]:
        """Yield what an object has by key; something else is refused.

        Args:
            mend: a sentence that shows what to write.
        """
        if not isinstance(self.value, dict):
            self.refuse(f"{shown(self.value)} stands where an object is expected", mend)
            return
        for key in self.value:
            yield key, self.at(key)

    def items(self) -> Iterator["Node"]:
        """Yield what a list has; something else is refused."""
        if not isinstance(self.value, list):
            self.refuse(f"{shown(self.value)} stands where a list is expected", "Put it into [ and ]")
            return
        for number, value in enumerate(self.value):
            yield Node(value, item(self.place, number), self.found)

    def know(self, known: Collection[str], without_effect: Mapping[str, str]) -> None:
        """Warn of keys of an object that are not known, or do nothing here."""
        for key in self.value:
            node = self.at(key)
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
