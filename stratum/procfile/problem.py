"""One thing wrong with a Procfile, or worth a warning."""

from dataclasses import dataclass

from stratum.excerpt import excerpt


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a Procfile, or worth a warning, at its place.

    Attributes:
        line: from 1.
        column: in characters, from 1.
        mend: what to do about it, a sentence without its full stop.
        source: the whole line as it stands in the file; None where no line of it is to be shown.
    """

    file: str
    line: int
    column: int
    message: str
    mend: str
    source: str | None = None

    def __str__(self) -> str:
        return self._sentence("")

    def lines(self, label: str = "") -> tuple[str, ...]:
        """Say it in full: the sentence, the line of the file, and a caret below the column.

        Args:
            label: what to call it after its place, such as `warning: `.
        """
        if self.source is None:
            return (self._sentence(label),)
        shown, offset = excerpt(self.source, self.column)
        number = f"{self.line:>4}"
        return (self._sentence(label), f"{number} | {shown}", f"{' ' * len(number)} | {' ' * offset}^")

    def _sentence(self, label: str) -> str:
        return f"{self.file}:{self.line}:{self.column}: {label}{self.message}. {self.mend}."
