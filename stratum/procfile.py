"""The Procfile: one target a line, `name: command`.

Pure: bytes in, targets and warnings out, or `ProcfileInvalid` with every problem at once. The
receive hook asks before a ref moves, the builder again when it makes a release. The command is
kept exactly as written between the blanks around it; bash alone interprets it.

Source of the grammar: what foreman, honcho, overmind, dokku and Heroku have in common; no peer
joins lines that end in a backslash, and only dokku cuts ` #` (and breaks quoted text by it).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stratum.errors import ProcfileInvalid
from stratum.model import Target

MAX_BYTES = 64 * 1024
MAX_PROBLEMS = 50  # said one by one; the rest is counted
_SHOWN = 40  # characters of the user's text repeated in a message

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANKS = " \t"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?:[ \t]|$)|={7}$")
_UNIQUE_INT = re.compile(r"\{\{[ \t]*UNIQUE_INT[ \t]*\}\}")

_NAME_RULE = 'Use 1 to 63 letters, digits, "-" or "_", beginning with a letter or digit'


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a Procfile, or worth a warning, at its place."""

    file: str
    line: int  # from 1
    column: int  # in characters, from 1
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}. {self.mend}."


@dataclass(frozen=True, slots=True)
class Procfile:
    """What a Procfile says, in its own order."""

    targets: tuple[Target, ...]
    warnings: tuple[Problem, ...]


def stage_file(stage: str) -> str:
    """Name the file that replaces `Procfile` in environments of a stage."""
    return f"Procfile_{stage}"


def uses_unique_int(command: str) -> bool:
    """Tell whether a command asks for an integer of its own with `{{UNIQUE_INT}}`."""
    return _UNIQUE_INT.search(command) is not None


def expand_unique_int(command: str, number: int) -> str:
    """Put a process's own integer in place of every `{{UNIQUE_INT}}`."""
    return _UNIQUE_INT.sub(str(number), command)


def parse(data: bytes, name: str = "Procfile") -> Procfile:
    """Read a Procfile; time grows with its length, and no length is too much.

    Args:
        data: the file's bytes as committed: UTF-8, a BOM and any line ends allowed.
        name: what to call the file in messages.

    Raises:
        ProcfileInvalid: with all problems in the order of the lines.
    """
    reading = _Reading(name)
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data)} bytes; {MAX_BYTES} are allowed"
        reading.refuse(1, 1, message, "Move long commands into scripts and call those")
    else:
        reading.read(data.removeprefix(_BOM))
    if reading.problems:
        raise ProcfileInvalid(_capped(reading.problems))
    return Procfile(tuple(reading.targets), _capped(reading.warnings))


class _Reading:
    """What has been found so far while going down the lines of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.targets: list[Target] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._line_of: dict[str, int] = {}

    def refuse(self, line: int, column: int, message: str, mend: str) -> None:
        self.problems.append(Problem(self.file, line, column, message, mend))

    def warn(self, line: int, column: int, message: str, mend: str) -> None:
        self.warnings.append(Problem(self.file, line, column, message, mend))

    def read(self, data: bytes) -> None:
        for line, raw in enumerate(_LINE_END.split(data), start=1):
            text = self._decode(line, raw)
            if text is not None:
                self._read_line(line, text)
        if not self.targets and not self.problems:
            mend = 'Write one target a line, such as "web: python app.py"'
            self.refuse(1, 1, "the file names no target", mend)

    def _decode(self, line: int, raw: bytes) -> str | None:
        """Decode a line and look for what no line may hold."""
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            column = len(raw[: error.start].decode()) + 1
            message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
            self.refuse(line, column, message, "Save the file as UTF-8")
            return None
        control = _CONTROL.search(text)
        if control:
            message = f"control character U+{ord(control[0]):04X}"
            self.refuse(line, control.start() + 1, message, "Remove it")
            return None
        return text

    def _read_line(self, line: int, text: str) -> None:
        body = text.lstrip(_BLANKS)
        if not body or body.startswith("#"):
            return
        if _CONFLICT.match(text):
            mend = "Resolve the conflict and commit the file again"
            self.refuse(line, 1, f"merge conflict marker {_shown(text)}", mend)
            return
        indent = len(text) - len(body)
        if indent:
            self.warn(line, 1, "blanks before the target name", "Remove them")
        head, colon, rest = body.partition(":")
        words = head.split(maxsplit=1)
        # `web gunicorn app:app` lacks the colon of its target; `wo rker: run` has it.
        if not colon or (len(words) > 1 and rest[:1].strip()):
            column = indent + len(words[0] if words else "") + 1
            message = f'expected "target: command", got {_shown(body)}'
            self.refuse(line, column, message, "Put a colon after the target name")
            return
        named = self._check_name(line, indent + 1, head)
        command = self._check_command(line, indent + len(head) + 2, rest)
        if named and command:
            self.targets.append(Target(name=head, command=command))

    def _check_name(self, line: int, column: int, name: str) -> bool:
        match = _NAME.match(name)
        good = match.end() if match else 0
        if good < len(name) or not name:
            self.refuse(line, column + min(good, 62), _name_fault(name, good), _NAME_RULE)
            return False
        if name in self._line_of:
            message = f'target "{name}" is on line {self._line_of[name]} already'
            self.refuse(line, column, message, f"Keep one of lines {self._line_of[name]} and {line}")
            return False
        self._line_of[name] = line
        if name.endswith(("-", "_")):
            message = f'target name "{name}" ends in "{name[-1]}"'
            self.warn(line, column + len(name) - 1, message, "Other tools refuse such a name")
        return True

    def _check_command(self, line: int, column: int, rest: str) -> str:
        """Return the command without the blanks around it, empty when it is refused."""
        command = rest.strip(_BLANKS)
        column += len(rest) - len(rest.lstrip(_BLANKS))
        if not command or command.isspace():
            self.refuse(line, column, "no command after the colon", "Write the command to run")
            return ""
        if (len(command) - len(command.rstrip("\\"))) % 2:
            mend = "A command ends with its line: write it on one line or call a script"
            self.refuse(line, column + len(command) - 1, 'the line ends in "\\"', mend)
            return ""
        comment = re.search(r"[ \t]#", command)
        if comment:
            message = '" #" within a command is passed on, not cut'
            mend = "Put comments on lines of their own, beginning with #"
            self.warn(line, column + comment.start(), message, mend)
        return command


def _name_fault(name: str, good: int) -> str:
    if not name:
        return "no target name before the colon"
    if name[good].isspace():
        return f"{_shown(name)} is no target name, as it has a blank"
    if name[good].isascii() and (name[good].isalnum() or (good and name[good] in "_-")):
        return f"target name {_shown(name)} has {len(name)} characters"
    return f"target name {_shown(name)} has {_shown(name[good])}"


def _shown(text: str) -> str:
    """Quote the user's text: short, on one line, and unable to steer a terminal."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(_printable(cut)) + '"'


def _printable(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else f"\\u{ord(character):04x}"


def _capped(problems: list[Problem]) -> tuple[Problem, ...]:
    left = len(problems) - MAX_PROBLEMS
    if left <= 0:
        return tuple(problems)
    next_one = problems[MAX_PROBLEMS]
    more = Problem(next_one.file, next_one.line, 1, f"and {left} more", "Mend those above first")
    return (*problems[:MAX_PROBLEMS], more)
