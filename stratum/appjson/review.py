"""Reads what app.json asks of a review app to begin with: its variables and scales.

Only this reads `env`: of an app that somebody has made, people set the variables.

Source of the names: Heroku's app.json schema (devcenter.heroku.com), `env` and `environments.review`, whose
`env` and `formation` go before those of the file; Dokku's has the same `env`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stratum.appjson.found import Node, shown
from stratum.appjson.reading import Document
from stratum.errors import InvalidVariable
from stratum.variables import checked_variables

MOST = 1000  # processes of one target to begin with
_ENV = 'Write it as {"NAME": "value"}, or {"NAME": {"generator": "secret"}}'
_ENVIRONMENTS = 'Write it as {"review": {"env": {…}, "formation": {…}}}'
_FORMATION = 'Write it as {"web": {"quantity": 1}}'


@dataclass(frozen=True, slots=True)
class ReviewSetup:
    """What a review app is to begin with.

    Attributes:
        values: variables as they are given.
        secrets: names of those that are to be made up.
        required: names of those that somebody else has to give.
        quantities: target → scale.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    quantities: Mapping[str, int] = field(default_factory=dict)


def parse_review(data: bytes) -> ReviewSetup:
    """Read an app.json.

    Raises:
        AppJsonInvalid: with all problems.
    """
    document = Document.read(data)
    top = document.top
    nodes: dict[str, Node] = {}
    quantities: dict[str, int] = {}
    if isinstance(top.value, dict):
        review = _review(top)
        nodes = {**_named(top, "env", _ENV), **_named(review, "env", _ENV)}
        quantities = dict(_quantities(review))
    setup = _setup(nodes, quantities)
    document.warnings()
    return setup


def _review(top: Node) -> Node:
    """Return `environments.review`, or an empty object."""
    found = _named(top, "environments", _ENVIRONMENTS).get("review")
    if found is None or not isinstance(found.value, dict):
        if found is not None:
            found.refuse(f"{shown(found.value)} stands where an object is expected", _ENVIRONMENTS)
        return Node({}, "environments.review", top.found)
    return found


def _named(above: Node, key: str, mend: str) -> dict[str, Node]:
    return dict(above.at(key).members(mend)) if above.has(key) else {}


def _quantities(review: Node) -> Iterator[tuple[str, int]]:
    for target, node in _named(review, "formation", _FORMATION).items():
        if not isinstance(node.value, dict):
            node.refuse(f"{shown(node.value)} stands where an object is expected", _FORMATION)
        elif node.has("quantity"):
            yield target, node.whole("quantity", 1, 0, MOST)


def _setup(nodes: Mapping[str, Node], quantities: Mapping[str, int]) -> ReviewSetup:
    values: dict[str, str] = {}
    secrets, required = [], []
    for name, node in nodes.items():
        value = _value(node)
        if value is not None:
            values[name] = value
        elif _is_secret(node):
            secrets.append(name)
        elif isinstance(node.value, dict) and node.flag("required", default=True):
            required.append(name)
        _check(node, name, value or "")
    return ReviewSetup(values, tuple(secrets), tuple(required), quantities)


def _value(node: Node) -> str | None:
    """Return a variable's value, where there is one."""
    given = node.at("value") if isinstance(node.value, dict) and node.has("value") else node
    if isinstance(given.value, str):
        return given.value
    if given.value is not None and (given is not node or not isinstance(node.value, dict)):
        given.refuse(f"{shown(given.value)} is no text", "Put it into quotes")
    return None


def _is_secret(node: Node) -> bool:
    if not isinstance(node.value, dict) or not node.has("generator"):
        return False
    generator = node.at("generator")
    if generator.value != "secret":
        generator.refuse(f"{shown(generator.value)} is no generator", 'There is "secret"')
    return True


def _check(node: Node, name: str, value: str) -> None:
    try:
        checked_variables({name: value})
    except InvalidVariable as error:
        node.refuse(error.reason, "Correct it, or remove it")
