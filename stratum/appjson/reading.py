"""Reads the file as a whole: targets with what is said of each."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from stratum.appjson.checks import read_checks
from stratum.appjson.found import Found, Node, Problem
from stratum.appjson.keys import read_keys
from stratum.appjson.places import offsets
from stratum.errors import AppJsonInvalid
from stratum.excerpt import quoted
from stratum.model import NO_SETTINGS, RELEASE_PHASE, TargetSettings

MAX_BYTES = 64 << 10
_EXAMPLES = {
    "formation": 'Write it as {"worker": {"strategy": "overlap"}}',
    "healthchecks": 'Write it as {"web": [{"path": "/health"}]}',
}
MAX_PROBLEMS = 50  # said one by one; the rest is counted


@dataclass(frozen=True, slots=True)
class AppJson:
    """What app.json says of targets.

    Attributes:
        settings: target → how it is kept; those of which nothing is said are missing.
    """

    settings: Mapping[str, TargetSettings] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    def strangers(self, targets: Collection[str]) -> tuple[Problem, ...]:
        """Warn of what is said of targets that are not there."""
        there = f"There are: {', '.join(targets)}" if targets else "Remove it"
        return tuple(
            Problem("", f'"{name}" is a target of which no process is made', there)
            for name in self.settings
            if name not in targets or name == RELEASE_PHASE
        )


@dataclass(frozen=True, slots=True)
class Document:
    """The file as it is read; what is wrong is noted meanwhile, and told at the end."""

    top: Node
    text: str

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read its JSON.

        Raises:
            AppJsonInvalid: it is too large.
        """
        if len(data) > MAX_BYTES:
            raise too_large(len(data))
        found = Found()
        text = _decoded(data, found)
        return cls(Node(_loaded(text, found), "", found), text)

    def warnings(self) -> tuple[Problem, ...]:
        """Return what is worth a warning.

        Raises:
            AppJsonInvalid: with all problems.
        """
        found = self.top.found
        if found.problems:
            raise AppJsonInvalid(_located(_capped(found.problems), self.text))
        return _located(_capped(found.warnings), self.text)


def parse(data: bytes) -> AppJson:
    """Read an app.json.

    Raises:
        AppJsonInvalid: with all problems.
    """
    document = Document.read(data)
    settings = _settings(document.top)
    return AppJson(settings, document.warnings())


def too_large(size: int) -> AppJsonInvalid:
    """Say that a file of so many bytes is not read."""
    message = f"the file has {size} bytes; {MAX_BYTES} are allowed"
    return AppJsonInvalid([Problem("", message, "Remove what no tool reads")])


def _decoded(data: bytes, found: Found) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.problems.append(Problem("", "it is no UTF-8", "Correct it, or remove the file"))
        return "{}"


def _located(problems: Sequence[Problem], text: str) -> tuple[Problem, ...]:
    """Say where each stands that has a place of its own."""
    at: Mapping[str, int] = {}
    if any(problem.place for problem in problems):
        at = {place: offset for place, offset in offsets(text).items() if place}
    return tuple(one.located(text, at[one.place]) if one.place in at else one for one in problems)


def _loaded(text: str, found: Found) -> Any:
    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in members:
            if key in made:
                message = f"{quoted(key)} is in one object twice"
                found.problems.append(Problem("", message, "Keep one of the two"))
            made[key] = value
        return made

    def constant(word: str) -> float:
        found.problems.append(Problem("", f"{word} is no value of JSON", "Write a number"))
        return 0.0

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        problem = Problem("", f"it is no JSON: {error.msg}", "Correct it, or remove the file")
        found.problems.append(problem.located(text, error.pos))
    except (ValueError, RecursionError):
        message = "it is no JSON, or nested too deeply"
        found.problems.append(Problem("", message, "Correct it, or remove the file"))
    return {}


def _settings(top: Node) -> dict[str, TargetSettings]:
    if not isinstance(top.value, dict):
        top.refuse("it is no object", 'Write it as {"healthchecks": {…}}')
        return {}
    kept = {target: read_keys(node) for target, node in _members(top, "formation")}
    checks = {target: read_checks(target, node) for target, node in _members(top, "healthchecks")}
    found = {
        target: replace(kept.get(target, NO_SETTINGS), checks=checks.get(target, ()))
        for target in (*checks, *(target for target in kept if target not in checks))
    }
    return {target: settings for target, settings in found.items() if settings != NO_SETTINGS}


def _members(top: Node, key: str) -> Iterable[tuple[str, Node]]:
    return top.at(key).members(_EXAMPLES[key]) if top.has(key) else ()


def _capped(problems: list[Problem]) -> tuple[Problem, ...]:
    left = len(problems) - MAX_PROBLEMS
    more = (Problem("", f"and {left} more", "Mend those above first"),) if left > 0 else ()
    return (*problems[:MAX_PROBLEMS], *more)
