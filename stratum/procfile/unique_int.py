"""`{{UNIQUE_INT}}`: a process's own integer within its command, and what people write instead. Pure."""

import difflib
import re
from collections.abc import Iterator

_NAME = "UNIQUE_INT"
_PLACE = re.compile(r"\{\{[ \t]*UNIQUE_INT[ \t]*\}\}")
# Each alternative is bounded or consumes what it has looked at, so time grows with the length only.
_LIKE_IT = re.compile(
    rf"(?P<right>{_PLACE.pattern})"
    r"|\{\{(?P<braced>[\w .-]{4,24})\}\}"
    r"|(?<!\w)(?P<bare>(?i:unique[-_ .]?ints?))(?!\w)"
)
_SIMILAR = 0.8  # of 1; `UNIQ_INT` and `UNIQUE-INT` are above, `SOME_INT` is not


def uses_unique_int(command: str) -> bool:
    """Tell whether a command asks for an integer of its own with `{{UNIQUE_INT}}`."""
    return _PLACE.search(command) is not None


def expand_unique_int(command: str, number: int) -> str:
    """Put a process's own integer in place of every `{{UNIQUE_INT}}`."""
    return _PLACE.sub(str(number), command)


def misspelled(command: str) -> Iterator[tuple[int, str]]:
    """Yield where something stands that was probably meant to be `{{UNIQUE_INT}}`, and what."""
    for found in _LIKE_IT.finditer(command):
        braced = found["braced"]
        if found["bare"] or (braced and _similar(braced.strip().upper())):
            yield found.start(), found[0]


def _similar(name: str) -> bool:
    return difflib.SequenceMatcher(None, name, _NAME).ratio() >= _SIMILAR
