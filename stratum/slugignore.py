"""`.slugignore`: what of a commit a build leaves out. Pure: the file in, pathspecs for git out.

Source: Heroku's documentation, "Slug Compiler", "Ignoring files with .slugignore": patterns as in
.gitignore, but none negated; what they name is gone before anything is built.
"""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass

from stratum.errors import InvalidInput

FILE = ".slugignore"
MAX_BYTES = 64 * 1024
MAX_PATTERNS = 1000  # git looks at each for every file

_STARS = re.compile(rb"(?:^|/)\*{2,}$")
_ANY_DEPTH_AGAIN = re.compile(rb"(?<![^/])(?:\*\*/){2,}")
_NO_PART = {b"", b".", b".."}  # no path within a tree has such a part


@dataclass(frozen=True, slots=True)
class Ignored:
    """What a `.slugignore` says.

    Attributes:
        patterns: how many there are.
        pathspecs: each excludes something, so that git takes the rest.
        negated: numbers of the lines that begin with "!", which have no effect.
    """

    patterns: int = 0
    pathspecs: tuple[bytes, ...] = ()
    negated: tuple[int, ...] = ()


def parse(data: bytes) -> Ignored:
    """Read the file; what can match nothing is passed over.

    Raises:
        InvalidInput: there are too many patterns.
    """
    lines = [_without_blanks(line) for line in data.removeprefix(BOM_UTF8).split(b"\n")]
    wanted = [line for line in lines if line and not line.startswith((b"#", b"!")) and b"\0" not in line]
    if len(wanted) > MAX_PATTERNS:
        message = f"{FILE} has {len(wanted)} patterns; {MAX_PATTERNS} are allowed."
        raise InvalidInput(message, "Name folders instead of the files in them.")
    negated = tuple(number for number, line in enumerate(lines, start=1) if line.startswith(b"!"))
    return Ignored(len(wanted), tuple(spec for line in wanted for spec in _pathspecs(line)), negated)


def _pathspecs(pattern: bytes) -> tuple[bytes, ...]:
    """Say as pathspecs what a pattern says.

    Source: gitignore(5), PATTERN FORMAT, and gitglossary(7), "pathspec": both match by the same rules,
    but a pattern without a slash matches at any depth, one that ends in a slash folders only, and
    what matches a folder takes all that is below it.
    """
    body = _ANY_DEPTH_AGAIN.sub(b"**/", pattern).removesuffix(b"/")  # git takes far longer for each
    rooted = b"/" in body
    body = body.removeprefix(b"/")
    if _NO_PART.intersection(body.split(b"/")):
        return ()
    if _STARS.search(body):
        body += b"/*"  # "**" alone would match no folder at all, too, and the files beside it
    path = b":(exclude,glob)" + (body if rooted else b"**/" + body)
    return (path + b"/**",) if pattern.endswith(b"/") else (path, path + b"/**")


def _without_blanks(line: bytes) -> bytes:
    """Cut blanks off the end, but for one behind a backslash."""
    text = line.rstrip(b" \t\r")
    escaped = (len(text) - len(text.rstrip(b"\\"))) % 2
    return text + line[len(text) :][:escaped]
