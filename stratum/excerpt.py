"""Showing a part of the user's text: on one line, short, and unable to steer a terminal. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator

COLUMNS = 60  # of a terminal, for the text of a line; what stands before it fits in 20 more
_QUOTED = 40  # characters of the user's text repeated within a sentence
_LAST_OF_PLANE = 0xFFFF


def quoted(text: str) -> str:
    """Repeat a text within a sentence."""
    cut = text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
    return '"' + "".join(_cells(cut)) + '"'


def on_one_line(text: str) -> str:
    """Repeat a text, whole, but for what would break the line or steer a terminal."""
    return text if text.isprintable() else "".join(_cells(text))


def excerpt(text: str, column: int) -> tuple[str, int]:
    """Show the part of a line around a column, and tell how many columns of a terminal stand before it.

    Args:
        column: in characters, from 1; the one after the last is allowed.
    """
    at = column - 1
    before = list(_cells(text[max(0, at - COLUMNS) : at]))
    after = list(_cells(text[at : at + COLUMNS]))
    if len(before) < at or len(after) < len(text) - at or _width(before) + _width(after) > COLUMNS:
        before, after = _cut(before, after, at, len(text))
    return "".join((*before, *after)), _width(before)


def _cut(before: list[str], after: list[str], at: int, length: int) -> tuple[list[str], list[str]]:
    """Keep what fits, at least half of it after the column where there is so much."""
    room = COLUMNS - 2  # an ellipsis on either side
    left = list(_fitting(reversed(before), max(room // 2, room - _width(after))))[::-1]
    right = list(_fitting(after, room - _width(left)))
    return ["…"] * (len(left) < at) + left, right + ["…"] * (at + len(right) < length)


def _fitting(cells: Iterable[str], room: int) -> Iterator[str]:
    for cell in cells:
        room -= _width((cell,))
        if room < 0:
            return
        yield cell


def _cells(text: str) -> Iterator[str]:
    """What stands for each character; a tab counts one, as everywhere in a place."""
    for character in text:
        if character == "\t":
            yield " "
        elif character.isprintable():
            yield character
        else:
            code = ord(character)
            yield f"\\u{code:04x}" if code <= _LAST_OF_PLANE else f"\\U{code:08x}"


def _width(cells: Iterable[str]) -> int:
    return sum(_columns(character) for cell in cells for character in cell)


def _columns(character: str) -> int:
    """How many columns of a terminal a character takes.

    Source: Unicode Standard Annex #11, "East Asian Width", as terminals read it: wide and fullwidth
    ones take two; marks stand above the character before them.
    """
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
