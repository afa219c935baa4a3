"""A command as words, well enough to advise about it; bash alone knows what it really says. Pure."""

import re
from dataclasses import dataclass

_PIECES = re.compile(r"[;&|]+|[^\s;&|]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters between blanks, and where it begins in the command, from 0."""

    text: str
    offset: int

    @property
    def name(self) -> str:
        """What it is called when it is a path to a program: `manage.py` of `./manage.py`."""
        return self.text.rpartition("/")[2]


def simple_commands(command: str) -> list[list[Word]]:
    """Split at `;`, `&`, `|` and their doubles; quotes and substitutions are not looked into."""
    parts: list[list[Word]] = [[]]
    for found in _PIECES.finditer(command):
        if found[0][0] in ";&|":
            parts.append([])
        else:
            parts[-1].append(Word(found[0], found.start()))
    return parts
