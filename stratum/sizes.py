"""Numbers of bytes as people write them: `200M` in, `200 MiB` out. Pure."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def shown(count: int) -> str:
    """Write it with at most one digit after the point: `1 GiB`, `1.5 GiB`, `12 bytes`."""
    value = float(count)
    unit = 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value /= _STEP
        unit += 1
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text} {_UNITS[unit]}"
