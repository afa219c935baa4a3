"""What bin/release prints: YAML, of which `default_process_types` counts. Pure.

Read are block mappings of plain, single- and double-quoted scalars, `{}`, and JSON, which is what
buildpacks print; YAML's other forms are refused by their line, not guessed.

Source: YAML 1.2.2, 7.3 (flow scalars); Heroku's Buildpack API, bin/release.
"""

import json
import re
from collections.abc import Iterator

from stratum.errors import InvalidInput
from stratum.model import Target
from stratum.procfile import render

KEY = "default_process_types"
# With no choice of where it ends: a hostile line takes no more time than its length.
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s:#\"'][^:]*")
# JSON may have both: one line more, and what UTF-8 has no bytes for.
_NO_LINE = re.compile(r"[\r\n\ud800-\udfff]")
_OF_HEROKU = ("config_vars", "addons")  # of its API
_SOMETHING = r"[\"']?\s*:[ \t]*(?:[^\s{\[#]|[{\[]\s*[^\s}\]]|\n\s*(?: \S|-))"
_OTHER_FORMS = ("|", ">", "&", "*", "!", "[", "{", "@", "`", "%")


def process_types(printed: str) -> dict[str, str]:
    """Return process type → command, in the order printed.

    Raises:
        InvalidInput: it is in no form that is read here; the line is named. Or it cannot be a line of text.
    """
    whole = _as_json(printed)
    found = _read(printed) if whole is None else _strings(whole.get(KEY) or {})
    for text in (text for entry in found.items() for text in entry):
        if _NO_LINE.search(text):
            raise _refused(1, ascii(text))
    return found


def passed_over(printed: str) -> tuple[str, ...]:
    """Name what Heroku's API has besides, and is there, though it has no effect here."""
    whole = _as_json(printed)
    if whole is not None:
        return tuple(name for name in _OF_HEROKU if whole.get(name))
    lines = f"\n{printed}"
    return tuple(name for name in _OF_HEROKU if re.search(rf"\n(?:--- )?[\"']?{name}{_SOMETHING}", lines))


def _read(printed: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in _section(printed):
        entry = _entry(line)
        if entry is None:
            raise _refused(number, line)
        name, command = entry
        found[_scalar(name, number)] = _scalar(command, number)
    return found


def as_procfile(found: dict[str, str]) -> bytes:
    """Write them as a Procfile would."""
    return render(Target(name, command) for name, command in found.items())


def _section(printed: str) -> Iterator[tuple[int, str]]:
    """Yield the lines below the key, with their numbers."""
    inside = False
    for number, line in enumerate(printed.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#") or bare in ("---", "..."):
            continue
        if inside and line[0] == " ":
            yield number, line
            continue
        key, value = _entry(line.removeprefix("--- ")) or ("", "")
        inside = key.strip("\"'") == KEY and line[0] != " "
        if not inside:
            continue
        if value and not value.startswith("#"):
            yield from ((number, f" {name}: {json.dumps(text)}") for name, text in _flow(value, number))


def _entry(line: str) -> tuple[str, str] | None:
    """Part a line at the colon of its mapping; None where it has none."""
    bare = line.lstrip(" ")
    word = _WORD.match(bare)
    if word is None:
        return None
    between, colon, value = bare[word.end() :].partition(":")
    is_entry = colon and not between.strip() and (not value or value[0].isspace())
    return (word[0].rstrip(), value.strip()) if is_entry else None


def _flow(value: str, number: int) -> list[tuple[str, str]]:
    found = _as_json(value)
    if found is None:
        raise _refused(number, value)
    return list(_strings(found).items())


def _as_json(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _strings(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {str(name): text for name, text in found.items() if isinstance(text, str)}


def _scalar(text: str, number: int) -> str:
    text = text.strip()
    if text.startswith('"'):
        return _double(text, number)
    if text.startswith("'"):
        body = re.match(r"'((?:[^']|'')*)'\s*(?:#.*)?$", text)
        if body is None:
            raise _refused(number, text)
        return body[1].replace("''", "'")
    if text.startswith(_OTHER_FORMS):
        raise _refused(number, text)
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _double(text: str, number: int) -> str:
    body = re.match(r'("(?:[^"\\]|\\.)*")\s*(?:#.*)?$', text)
    try:
        found = json.loads(body[1]) if body else None
    except ValueError:
        found = None
    if not isinstance(found, str):
        raise _refused(number, text)
    return found


def _refused(number: int, line: str) -> InvalidInput:
    shown = line.strip()[:80]
    return InvalidInput(
        f"Line {number} of what bin/release prints is not read here: {shown!r}.",
        "Add a Procfile with a line for each process.",
    )
