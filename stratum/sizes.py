"""Numbers of bytes as people write them: `200M` in, `200 MiB` out. Pure."""

import re

from stratum.errors import InvalidInput

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024
_WRITTEN = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?(?:bytes|([KMGT])i?B?|B)?", re.IGNORECASE)
MAX_BYTES = 1 << 50


def shown(count: int) -> str:
    """Write it with at most one digit after the point: `1 GiB`, `1.5 GiB`, `12 bytes`."""
    value = float(count)
    unit = 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value /= _STEP
        unit += 1
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text} {_UNITS[unit]}"


def parsed(text: str) -> int:
    """Read what a person writes: `200M`, `1.5 GiB`, `4096`; K, M, G and T are powers of 1,024.

    Raises:
        InvalidInput: it is no size, or none from 1 byte to MAX_BYTES.
    """
    match = _WRITTEN.fullmatch(text)
    if match is not None:
        whole, part, unit = match.groups()
        factor = 1 << 10 * " KMGT".index((unit or " ").upper())
        count: int = int(whole) * factor + int(part or 0) * factor // 10 ** len(part or "")
        if 0 < count <= MAX_BYTES:
            return count
    message = f"{text[:40]!r} is no size."
    raise InvalidInput(message, "Write a number of bytes, or as 200M or 1.5G.")
