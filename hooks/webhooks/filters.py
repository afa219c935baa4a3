"""Which branches and files a web hook deploys for, and which commits ask to be left out. Pure.

A pattern is a name in which `*` stands for anything but a slash, `**` as a whole part for any parts, and
which excludes after `!`; one that ends in a slash means all that is below. The last that fits decides;
where all exclude, whatever none of them fits is meant.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from stratum.errors import InvalidInput

MAX_PATTERNS = 50
MAX_PATTERN = 255  # characters
MAX_STARS = 8  # of one part
SKIPS = "[skip deploy]"

Segments = tuple["re.Pattern[str] | None", ...]  # None: any parts


def checked_patterns(kind: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return patterns that can be used, without blanks around them.

    Args:
        kind: what they are of: `branches`.

    Raises:
        InvalidInput: one cannot; it is named.
    """
    patterns = tuple(pattern.strip() for pattern in given)
    if len(patterns) > MAX_PATTERNS:
        message = f"{len(patterns)} patterns of {kind} are too many: {MAX_PATTERNS} are allowed."
        raise InvalidInput(message)
    for pattern in patterns:
        if not _is_usable(pattern):
            message = f"{pattern[:MAX_PATTERN]!r} cannot be a pattern of {kind}."
            hint = (
                "Give names, in which * stands for anything but a slash, ** for folders; ! before excludes."
            )
            raise InvalidInput(message, hint)
    return patterns


def chooses(patterns: Sequence[str], name: str) -> bool:
    """Whether patterns choose a name; none choose everything."""
    chosen = all(pattern.startswith("!") for pattern in patterns)
    for pattern in patterns:
        if _fits(_segments(pattern.removeprefix("!").removeprefix("/")), tuple(name.split("/"))):
            chosen = not pattern.startswith("!")
    return chosen


def choose_any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether patterns choose one of some names; no patterns choose whatever there is, also nothing."""
    return not patterns or any(chooses(patterns, name) for name in names)


def asks_to_skip(message: str) -> bool:
    """Whether a commit's message says that it is not to be deployed."""
    return SKIPS in message.lower()


def _is_usable(pattern: str) -> bool:
    body = pattern.removeprefix("!").removeprefix("/")
    parts = body.removesuffix("/").split("/")
    return (
        0 < len(body) <= MAX_PATTERN
        and body.isprintable()
        and not body.startswith("-")
        and all(part and part.count("*") <= MAX_STARS for part in parts)
    )


@lru_cache(1024)
def _segments(pattern: str) -> Segments:
    below = f"{pattern}**" if pattern.endswith("/") else pattern
    return tuple(None if part == "**" else _part(part) for part in below.split("/"))


def _part(part: str) -> "re.Pattern[str]":
    """Compile one part; each star takes as little as it can and gives nothing back, so none takes long."""
    first, *others = (re.escape(text) for text in re.split(r"\*+", part))
    if not others:
        return re.compile(first)
    *inner, last = others
    return re.compile(first + "".join(f"(?>.*?{text})" for text in inner) + f".*{last}", re.DOTALL)


def _fits(segments: Segments, parts: tuple[str, ...]) -> bool:
    """Whether parts of a name fit: by the set of places within the pattern that can be reached."""
    places = _past_any(segments, {0})
    for part in parts:
        reached = {at for at in places if at < len(segments) and segments[at] is None}
        for at in places:
            wanted = segments[at] if at < len(segments) else None
            if wanted is not None and wanted.fullmatch(part):
                reached.add(at + 1)
        places = _past_any(segments, reached)
    return len(segments) in places


def _past_any(segments: Segments, places: set[int]) -> set[int]:
    """Add the places behind each `**`, which may stand for no part at all."""
    found = set(places)
    for at in places:
        behind = next((n for n in range(at, len(segments)) if segments[n] is not None), len(segments))
        found.update(range(at, behind + 1))
    return found
