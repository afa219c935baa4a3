"""What a soak has done so far: a line for each of its kills, in a file, so that one broken off goes on."""

import os
import re
import textwrap
from pathlib import Path

_DONE = re.compile(r"(seed \d+  round \d+  \S+)  told (ok|rejected|nothing)\b")


class Diary:
    """The file that SOAK_LOG names; without one nothing is remembered. Several processes may write it."""

    def __init__(self) -> None:
        self._path = Path(os.environ.get("SOAK_LOG") or os.devnull)
        self.done = self._read()

    def _read(self) -> frozenset[str]:
        """Read what has passed, by its seed, round and name."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return frozenset(found[1] for found in map(_DONE.match, lines) if found)

    def note(self, line: str, error: BaseException | None = None) -> None:
        """Add a line, and what went wrong below it."""
        why = ["", repr(error), *getattr(error, "__notes__", [])] if error else []
        with self._path.open("a") as file:  # one write, at the end: no two processes' lines mix
            file.write(line + textwrap.indent("\n".join(why), "    ") + "\n")
