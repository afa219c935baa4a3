"""Where the values of a text of JSON stand in it. Pure.

Python's own reader tells no places. This one reads only what that has taken: it checks nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stratum.excerpt import quoted

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)
DEEPEST = 10  # healthchecks.web[0].httpHeaders[0].name is of 6
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,63}")


def member(place: str, key: str) -> str:
    """Name a member of an object, such as `formation.web`."""
    dot = "." if place else ""
    return f"{place}{dot}{key}" if _PLAIN.fullmatch(key) else f"{place}[{quoted(key)}]"


def item(place: str, number: int) -> str:
    """Name an item of a list, such as `healthchecks.web[0]`."""
    return f"{place}[{number}]"


def offsets(text: str) -> Mapping[str, int]:
    """Return at which character each value begins, by its place; the last where several have one name.

    What is nested more deeply than anything we read is left out: names would be as long as the text.
    """
    found: dict[str, int] = {}
    opened: list[_Container] = []
    for match in _TOKEN.finditer(text):
        token, around = match[0], opened[-1] if opened else None
        if token in ("}", "]"):
            opened.pop()
        elif token == "," and around is not None:
            around.go_on()
        elif around is not None and around.wants_key:
            around.key = json.loads(token)
        elif token != ":":
            place = "" if around is None or len(opened) > DEEPEST else around.place_of_value()
            if len(opened) <= DEEPEST:
                found[place] = match.start()
            if token in ("{", "["):
                opened.append(_Container(place, is_object=token == "{"))
    return found


@dataclass(slots=True)
class _Container:
    """An object or a list that is being read."""

    place: str
    is_object: bool
    key: str | None = None
    number: int = 0

    @property
    def wants_key(self) -> bool:
        return self.is_object and self.key is None

    def place_of_value(self) -> str:
        return item(self.place, self.number) if self.key is None else member(self.place, self.key)

    def go_on(self) -> None:
        self.key = None
        self.number += 1
