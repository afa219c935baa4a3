"""Whether locks, requirements and variables alone decide what is installed, so that it can be kept.

They do not where they name files of the app, or what a repository's branch has by now.

Source: pip's documentation, "Requirements File Format" and "VCS Support"; uv's, "Environment variables"
and, for `source = { … }`, the locks that it writes.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from builder.buildpacks.python.sources import REQUIREMENTS, lines_of

DECIDING = ("UV_", "PIP_")  # what variables that do begin with
OWN_SOURCE = b'source = { editable = "." }'  # of the project that a lock belongs to
_LOCAL_SOURCE = re.compile(
    rb'^source = \{ (?:editable = |directory = |path = |registry = "(?!https?://))', re.MULTILINE
)
_INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*(\S+)")
_PLACE = re.compile(r"(?:-f|-i|--find-links|--index-url|--extra-index-url)[ =]*(?!https?://)\S")
_LOCAL_LINE = re.compile(r"(?:-e|--editable)?[ =]*(?:[.$/]|file:|[\w.-]+/|[^\s@]+\s*@\s*(?:[.$/]|file:))")
_ARCHIVE = re.compile(r"[^\s/@]+\.(?:whl|zip|tgz|tar\.\w+)(?:\s|\[|;|$)")
_FROM_HISTORY = re.compile(r"\b(?:git|hg|svn|bzr)\+(?!\S*@[0-9a-f]{40}(?:[#\s]|$))")
_PLACES = ("UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX")
_FILES = ("UV_CONSTRAINT", "UV_OVERRIDE", "UV_BUILD_CONSTRAINT", "UV_EXCLUDE", "UV_CONFIG_FILE")
_NAMED = re.compile(r"(?:[\w-]+=)?(https?://.*|(?:file://)?(/.*))")


def requirements(build: Path) -> dict[str, bytes] | None:
    """Read a requirements file and those that it names; None where they alone do not decide."""
    found: dict[str, bytes] = {}
    left = [REQUIREMENTS]
    while left:
        name = left.pop()
        path = Path(os.path.normpath(build / name))
        if name in found or not path.is_relative_to(build) or not path.is_file():
            continue
        found[name] = path.read_bytes()
        for line in lines_of(found[name]):
            included = _INCLUDED.match(line)
            if included:
                left.append(os.path.join(os.path.dirname(name), included[1]))  # noqa: PTH118, PTH120 - a name
            elif not _decides(line):
                return None
    return found


def is_local(lock: bytes) -> bool:
    """Whether a uv.lock takes packages from files of the app, other than its own project."""
    return bool(_LOCAL_SOURCE.search(lock.replace(OWN_SOURCE, b"")))


def is_open(variables: Mapping[str, str], build: Path) -> bool:
    """Whether a variable has packages come from the app's own files, or limited by what a file says."""
    places = (place for name in _PLACES for place in re.split(r"[\s,]+", variables.get(name, "")))
    return any(place and _is_within(place, build) for place in places) or any(map(variables.get, _FILES))


def _is_within(place: str, build: Path) -> bool:
    """Whether a place is the app's own: neither an index elsewhere, nor a folder of the machine."""
    named = _NAMED.fullmatch(place)
    if named is None:
        return True
    return bool(named[2]) and Path(os.path.normpath(named[2])).is_relative_to(build)


def _decides(line: str) -> bool:
    forms = (_PLACE.match, _LOCAL_LINE.match, _ARCHIVE.match, _FROM_HISTORY.search)
    return not any(form(line) for form in forms)
