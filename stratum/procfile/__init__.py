"""The Procfile: one target a line, `name: command`.

Pure: bytes in, targets and warnings out, or `ProcfileInvalid` with every problem at once. The
receive hook asks before a ref moves, the builder again when it makes a release, and `stratum lint`
on the author's machine.
"""

from stratum.procfile.problem import Problem
from stratum.procfile.reading import MAX_BYTES, MAX_PROBLEMS, Procfile, Reading, parse, read, render
from stratum.procfile.references import references
from stratum.procfile.unique_int import expand_unique_int, uses_unique_int

__all__ = [
    "MAX_BYTES",
    "MAX_PROBLEMS",
    "Problem",
    "Procfile",
    "Reading",
    "expand_unique_int",
    "parse",
    "read",
    "references",
    "render",
    "stage_file",
    "uses_unique_int",
]


def stage_file(stage: str) -> str:
    """Name the file that replaces `Procfile` in environments of a stage."""
    return f"Procfile_{stage}"
