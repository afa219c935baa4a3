"""What a scale that was given means: `3` is what it is to be, `+1` and `-2` change what is wished. Pure."""

import re

from stratum.errors import InvalidScale

_RELATIVE = re.compile(r"[+-][0-9]{1,6}")  # int() would take other scripts' digits and blanks as well


def is_relative(given: object) -> bool:
    """Whether it changes what is wished, which is then to be read in the transaction that writes."""
    return isinstance(given, str) and _RELATIVE.fullmatch(given) is not None


def checked_scale(target: str, given: object, now: int, max_scale: int) -> int:
    """Return the scale that is asked for.

    Args:
        given: unchecked; a number, or `+1` as text.
        now: the scale wished so far.

    Raises:
        InvalidScale: it is none, or out of range.
    """
    if isinstance(given, str) and is_relative(given):
        return _in_range(target, given, now, max_scale)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= max_scale:
        raise InvalidScale(target, given, max_scale)
    return given


def _in_range(target: str, given: str, now: int, max_scale: int) -> int:
    wished = now + int(given)
    # What is above the limit already, since that was lowered, may become less.
    if wished < 0 or (wished > max_scale and wished > now):
        raise InvalidScale(target, given, max_scale, now=now)
    return wished
