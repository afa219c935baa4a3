"""The variables that a command takes from its environment. Pure; what is in doubt is left out.

Bash alone knows what a command really says: a name is told only where there can be no other reading. So
none is told that may be set within the command, that has a default, or that is tested for being empty.
"""

import re
from collections.abc import Iterator

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(rf"\$(?:({_NAME})|\{{({_NAME}))")
# Its value is wanted: not `${X:-default}`, `${X=…}`, `${X:?…}`, `${X+…}`, `${X[0]}`, `${!X}`, `${#X}`.
_BRACED = re.compile(rf"({_NAME})(?:\}}|[%#/^,]|:[ 0-9(])")
_END_OF_BRACES = re.compile(r"[{}'\"`\\]")
_BARE = re.compile(rf"(?:^|(?<=[\s;&|(`'\"]))({_NAME})(?![A-Za-z0-9_])")
_SPECIAL = re.compile(r"\$[0-9@*#?$!-]")
_SINGLE = re.compile(r"'[^']*'?")
_ANSI_C = re.compile(r"\$'(?:[^'\\]|\\.)*'?")
_BACKTICKS = re.compile(r"`(?:[^`\\]|\\.)*`?")
_COMMENT = re.compile(r"(?:^|(?<=[\s;&|()]))#")
# `[ -n "$X" ]` asks whether it is set, and knows what to do if not; bounded, so that time stays linear.
_TESTS = re.compile(r"\[\[?\s[^\[\]]{0,400}|\btest\s[^;&|]{0,400}")
_OPTIONAL = re.compile(rf"\$\{{({_NAME}):?[-=?+]")
# What may set anything, or has a grammar of its own.
_DOUBTFUL = re.compile(
    r"(?:^|[\s;&|(`'\"])(?:(?:\.|source|eval|case)\s|(?:export|declare|typeset|readonly)\s+[\"$`-])|<<|\(\("
)

# Source: bash(1), "Shell Variables"; `BASH…` besides.
_SHELL_VARIABLES = """
_ CDPATH COLUMNS COMP_LINE COPROC DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD
HOSTNAME HOSTTYPE IFS LINENO LINES MACHTYPE MAPFILE OLDPWD OPTARG OPTERR OPTIND OSTYPE PIPESTATUS PPID
PS4 PWD RANDOM READLINE_LINE REPLY SECONDS SHELL SHELLOPTS SHLVL SRANDOM TERM TIMEFORMAT UID
"""
_OF_BASH = frozenset(_SHELL_VARIABLES.split())


class _Doubt(Exception):
    """It may be read in more than one way."""


def references(command: str) -> tuple[str, ...]:
    """Name the variables that a command takes from its environment, each once, in order."""
    if _DOUBTFUL.search(command):
        return ()
    try:
        found = dict.fromkeys(_Reader(command).names())
    except _Doubt:
        return ()
    known = {*_BARE.findall(command), *_OPTIONAL.findall(command)}
    for test in _TESTS.finditer(command):
        known.update(name for pair in _REFERENCE.findall(test[0]) for name in pair)
    return tuple(
        name for name in found if name not in known and name not in _OF_BASH and not name.startswith("BASH")
    )


class _Reader:
    """Goes through a command once, knowing how deep in quotes and substitutions it is."""

    def __init__(self, command: str) -> None:
        self._text, self._at = command, 0
        self._within = [")"]  # what ends each of them; the command's own end is never met

    def names(self) -> Iterator[str]:
        """Yield names whose values are wanted.

        Raises:
            _Doubt: what follows cannot be told for certain.
        """
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "\\":
                self._at += 2
            elif character == "$":
                yield from self._dollar()
            elif character == "`":
                self._pass(_BACKTICKS)
            elif self._within[-1] == '"':
                self._quoted(character)
            elif not self._plain(character):
                return

    def _dollar(self) -> Iterator[str]:
        text, at = self._text, self._at
        if text.startswith("$'", at) and self._within[-1] != '"':
            self._pass(_ANSI_C)
        elif text.startswith("$(", at):
            self._within.append(")")
            self._at += 2
        elif text.startswith("${", at):
            self._at += 2
            yield from self._braced()
        elif found := _REFERENCE.match(text, at):
            yield found[1]
            self._at = found.end()
        else:
            self._at += 2 if _SPECIAL.match(text, at) else 1

    def _braced(self) -> Iterator[str]:
        if found := _BRACED.match(self._text, self._at):
            yield found[1]
        depth = 1
        while depth:
            end = _END_OF_BRACES.search(self._text, self._at)
            if end is None or end[0] not in "{}":
                raise _Doubt
            depth += 1 if end[0] == "{" else -1
            self._at = end.end()

    def _quoted(self, character: str) -> None:
        if character == '"':
            self._within.pop()
        self._at += 1

    def _plain(self, character: str) -> bool:
        """Pass what is in no quotes; False at a comment, which goes on to the end."""
        if character == "'":
            self._pass(_SINGLE)
            return True
        if character == "#" and _COMMENT.match(self._text, self._at):
            return False
        if character in '"(':
            self._within.append('"' if character == '"' else ")")
        elif character == ")":
            if len(self._within) == 1:
                raise _Doubt
            self._within.pop()
        self._at += 1
        return True

    def _pass(self, what: re.Pattern[str]) -> None:
        found = what.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
