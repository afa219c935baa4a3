"""Reads the keys of a target under `formation`; the API takes the same, but for the scale to begin with."""

from collections.abc import Mapping
from dataclasses import replace

from stratum import stopping, surge
from stratum.appjson.found import Found, Node, shown
from stratum.errors import InvalidInput
from stratum.model import Strategy, TargetSettings

KEYS = ("strategy", "stop_sequence", "restart_on_deploy", "max_surge")
_QUANTITY = "quantity"
_MOST = 1000  # to begin with; what the app has no room for comes paused (`stratum.scaling`)
_EXAMPLE = 'Write it as {"quantity": 2, "strategy": "overlap"}'
_WORDS = {"true": True, "false": False}
_OTHERS = {
    "max_parallel": "How many new processes start beside the old ones at once is max_surge",
    "autoscaling": "Scales are set with: stratum scale TARGET=N",
    "service": "Only web is given a port and a route",
}


def read_keys(node: Node) -> TargetSettings:
    """Read what app.json says of a target besides its checks."""
    if not isinstance(node.value, dict):
        node.refuse(f"{shown(node.value)} stands where an object is expected", _EXAMPLE)
        return TargetSettings()
    node.know((*KEYS, _QUANTITY), _OTHERS)
    quantity = node.whole(_QUANTITY, 0, 0, _MOST) if node.has(_QUANTITY) else None
    return replace(_read(node), quantity=quantity)


def told(target: str, values: Mapping[str, object]) -> TargetSettings:
    """Read what the API is told of a target, but for None, which says nothing.

    Raises:
        InvalidInput: there is no such key, or a value is not allowed; all are said.
    """
    found = Found()
    for key in values.keys() - set(KEYS):
        Node(None, key, found).refuse("there is no such setting", f"There are: {', '.join(KEYS)}")
    said = {key: _WORDS.get(str(value), value) for key, value in values.items() if value is not None}
    settings = _read(Node(said, target, found))
    if found.problems:
        raise InvalidInput(" ".join(problem.sentence() for problem in found.problems))
    return settings


def _read(node: Node) -> TargetSettings:
    restarts = node.flag("restart_on_deploy") if node.has("restart_on_deploy") else None
    return TargetSettings(
        strategy=_strategy(node),
        stop_sequence=_stop_sequence(node),
        restart_on_deploy=restarts,
        max_surge=_max_surge(node),
    )


def _strategy(node: Node) -> Strategy | None:
    given = node.at("strategy")
    if not node.has("strategy"):
        return None
    if given.value in tuple(Strategy):
        return Strategy(given.value)
    given.refuse(f"{shown(given.value)} is no strategy", f"There are: {', '.join(Strategy)}")
    return None


def _stop_sequence(node: Node) -> str:
    given = node.at("stop_sequence")
    if not node.has("stop_sequence"):
        return ""
    try:
        return stopping.render(stopping.parse(str(given.value)))
    except ValueError:
        given.refuse(f"{shown(given.value)} is no way to stop", stopping.RULE)
    return ""


def _max_surge(node: Node) -> str:
    given = node.at("max_surge")
    if not node.has("max_surge"):
        return ""
    try:
        return surge.parse(given.value)
    except ValueError:
        given.refuse(f"{shown(given.value)} is not allowed", surge.RULE)
    return ""
