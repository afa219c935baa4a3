"""How many new processes of a target may run beside the old ones at once. Pure.

Source of the values: Kubernetes' `maxSurge`, a number or a percentage of the scale that is rounded up.
"""

import re

ALL = "100%"  # of the scale: what is in force where nothing is said
MOST = 99_999
RULE = f"Give a whole number from 1 to {MOST}, or a percentage of the scale from 1% to 100%"
_VALUE = re.compile(r"(?P<number>[1-9][0-9]{0,4})|(?P<percent>[1-9][0-9]?|100)%")


def parse(given: object) -> str:
    """Read `2`, `"2"` or `"25%"` into the text that is kept.

    Raises:
        ValueError: it is none; RULE says what is.
    """
    is_number = isinstance(given, int) and not isinstance(given, bool)
    text = str(given) if is_number or isinstance(given, str) else ""
    if not _VALUE.fullmatch(text):
        raise ValueError(RULE)
    return text


def at_once(surge: str, scale: int) -> int:
    """How many of so many may be started at once, at least one.

    Args:
        surge: what `parse` returns; empty for all.
    """
    match = _VALUE.fullmatch(surge or ALL)
    assert match is not None
    if match["number"]:
        return int(match["number"])
    return max(1, -(-scale * int(match["percent"]) // 100))
