"""The grammar: line for line, with every problem at its place.

The command is kept exactly as written between the blanks around it; bash alone interprets it.

Source of the grammar: what foreman, honcho, overmind, dokku and Heroku have in common; no peer
joins lines that end in a backslash, and only dokku cuts ` #` (and breaks quoted text by it).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stratum.errors import ProcfileInvalid
from stratum.excerpt import quoted
from stratum.model import Target
from stratum.procfile.advice import WEB, advice
from stratum.procfile.problem import Problem

MAX_BYTES = 64 * 1024
MAX_PROBLEMS = 50  # said one by one; the rest is counted

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BLANKS = " \t"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?:[ \t]|$)|={7}$")

_NAME_RULE = 'Use 1 to 63 letters, digits, "-" or "_", beginning with a letter or digit'


@dataclass(frozen=True, slots=True)
class Procfile:
    """What a Procfile says, in its own order."""

    targets: tuple[Target, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that there is to say about a file, sound or not."""

    targets: tuple[Target, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def parse(data: bytes, name: str = "Procfile") -> Procfile:
    """Read a Procfile; time grows with its length, and no length is too much.

    Args:
        data: the file's bytes as committed: UTF-8, a BOM and any line ends allowed.
        name: what to call the file in messages.

    Raises:
        ProcfileInvalid: with all problems in the order of the lines.
    """
    found = read(data, name)
    if found.problems:
        raise ProcfileInvalid(found.problems)
    return Procfile(found.targets, found.warnings)


def read(data: bytes, name: str = "Procfile") -> Reading:
    """Do as `parse`, but return problems beside warnings instead of raising them."""
    reader = _Reader(name)
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data)} bytes; {MAX_BYTES} are allowed"
        reader.refuse_all(message, "Move long commands into scripts and call those")
    else:
        reader.read(data.removeprefix(_BOM))
    return Reading(tuple(reader.targets), _capped(reader.problems), _capped(reader.warnings))


def render(targets: Iterable[Target]) -> bytes:
    """Write a Procfile that `parse` reads as these targets."""
    return "".join(f"{target.name}: {target.command}\n" for target in targets).encode()


class _Reader:
    """What has been found so far while going down the lines of one file."""

    def __init__(self, file: str) -> None:
        self.targets: list[Target] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file, self._line, self._source = file, 1, ""
        self._line_of: dict[str, int] = {}
        self._spelled: dict[str, str] = {}

    def read(self, data: bytes) -> None:
        for self._line, raw in enumerate(_LINE_END.split(data), start=1):
            self._source = raw.decode("utf-8", "backslashreplace")
            if self._is_text(raw):
                self._read_line(self._source)
        if not self.targets and not self.problems:
            self._line = 1
            mend = 'Write one target a line, such as "web: python app.py"'
            self.refuse_all("the file names no target", mend)

    def refuse_all(self, message: str, mend: str) -> None:
        self.problems.append(Problem(self._file, self._line, 1, message, mend))

    def _refuse(self, column: int, message: str, mend: str) -> None:
        self.problems.append(Problem(self._file, self._line, column, message, mend, self._source))

    def _warn(self, column: int, message: str, mend: str) -> None:
        self.warnings.append(Problem(self._file, self._line, column, message, mend, self._source))

    def _is_text(self, raw: bytes) -> bool:
        """Look for what no line may hold."""
        try:
            control = _CONTROL.search(raw.decode())
        except UnicodeDecodeError as error:
            column = len(raw[: error.start].decode()) + 1
            self._refuse(column, f"byte 0x{raw[error.start]:02x} is not UTF-8", "Save the file as UTF-8")
            return False
        if control:
            self._refuse(control.start() + 1, f"control character U+{ord(control[0]):04X}", "Remove it")
        return control is None

    def _read_line(self, text: str) -> None:
        body = text.lstrip(_BLANKS)
        if not body or body.startswith("#"):
            return
        if _CONFLICT.match(text):
            message = f"merge conflict marker {quoted(text)}"
            self._refuse(1, message, "Resolve the conflict and commit the file again")
            return
        indent = len(text) - len(body)
        if indent:
            self._warn(1, "blanks before the target name", "Remove them")
        head, colon, rest = body.partition(":")
        words = head.split(maxsplit=1)
        # `web gunicorn app:app` lacks the colon of its target; `wo rker: run` has it.
        if not colon or (len(words) > 1 and rest[:1].strip()):
            column = indent + len(words[0] if words else "") + 1
            message = f'expected "target: command", got {quoted(body)}'
            self._refuse(column, message, "Put a colon after the target name")
            return
        named = self._check_name(indent + 1, head)
        command = self._check_command(head, indent + len(head) + 2, rest)
        if named and command:
            self.targets.append(Target(name=head, command=command))

    def _check_name(self, column: int, name: str) -> bool:
        match = _NAME.match(name)
        good = match.end() if match else 0
        if good < len(name) or not name:
            self._refuse(column + min(good, 62), _name_fault(name, good), _NAME_RULE)
            return False
        if name in self._line_of:
            message = f'target "{name}" is on line {self._line_of[name]} already'
            self._refuse(column, message, f"Keep one of lines {self._line_of[name]} and {self._line}")
            return False
        self._line_of[name] = self._line
        self._advise_on_name(column, name)
        return True

    def _advise_on_name(self, column: int, name: str) -> None:
        if name.endswith(("-", "_")):
            message = f'target name "{name}" ends in "{name[-1]}"'
            self._warn(column + len(name) - 1, message, "Other tools refuse such a name")
        other = self._spelled.setdefault(name.lower(), name)
        if other != name:
            message = f'target name "{name}" differs from "{other}" by case only'
            self._warn(column, message, "Choose names that are told apart at a glance")
        elif name != WEB and name.lower() == WEB:
            message = f'"{name}" is a worker like any other: "web" alone is told a port'
            self._warn(column, message, 'Call it "web" if it serves')

    def _check_command(self, target: str, column: int, rest: str) -> str:
        """Return the command without the blanks around it, empty when it is refused."""
        command = rest.strip(_BLANKS)
        column += len(rest) - len(rest.lstrip(_BLANKS))
        if not command or command.isspace():
            self._refuse(column, "no command after the colon", "Write the command to run")
            return ""
        if (len(command) - len(command.rstrip("\\"))) % 2:
            mend = "A command ends with its line: write it on one line or call a script"
            self._refuse(column + len(command) - 1, 'the line ends in "\\"', mend)
            return ""
        for found in sorted(advice(target, command), key=lambda found: found.offset):
            self._warn(column + found.offset, found.message, found.mend)
        return command


def _name_fault(name: str, good: int) -> str:
    if not name:
        return "no target name before the colon"
    if name[good].isspace():
        return f"{quoted(name)} is no target name, as it has a blank"
    if name[good].isascii() and (name[good].isalnum() or (good and name[good] in "_-")):
        return f"target name {quoted(name)} has {len(name)} characters"
    return f"target name {quoted(name)} has {quoted(name[good])}"


def _capped(problems: list[Problem]) -> tuple[Problem, ...]:
    left = len(problems) - MAX_PROBLEMS
    if left <= 0:
        return tuple(problems)
    next_one = problems[MAX_PROBLEMS]
    more = Problem(next_one.file, next_one.line, 1, f"and {left} more", "Mend those above first")
    return (*problems[:MAX_PROBLEMS], more)
