"""Markdown tables and verdicts."""

from collections.abc import Iterable, Sequence

from benchmarks.stats import Estimate


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; the first column is text, the others figures."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def verdict(what: str, found: float | Estimate, bar: float, unit: str = "") -> str:
    """Say whether a bar is met; with an interval, whether all of that lies on one side."""
    shown = found.shown() if isinstance(found, Estimate) else f"{found:.1f}"
    value = found.value if isinstance(found, Estimate) else found
    answer = "met" if value <= bar else "MISSED"
    if isinstance(found, Estimate) and found.low <= bar < found.high:
        answer += ", but the interval spans the bar"
    return f"{what}: {shown}{unit}; bar ≤ {bar:g}{unit}: **{answer}**."
