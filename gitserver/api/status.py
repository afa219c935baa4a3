"""Who the caller is, and how the server's parts are."""

import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import caller, visible_apps, visible_environments
from gitserver.services import services
from stratum.door.fencing import accounts, fences
from stratum.errors import SupervisorUnavailable
from stratum.model import Token
from stratum.store import environments, tokens
from stratum.store.clock import now

CONNECT_TIMEOUT_S = 2.0
UP = {"STARTING", "RUNNING"}  # the first is only its first second
SHARED = "Started as an ordinary user: all apps, their builds and Stratum itself share one account."
REFUSED = "Builds are refused: what is pushed would have all that Stratum has here. Ask an administrator."

blueprint = APIBlueprint("status", __name__, url_prefix="/api")


@blueprint.get("/whoami")
def whoami() -> rows.Row:
    """Tell the token's name and rights."""
    with services().database.read() as tx:
        apps = {app.id: app.name for app in visible_apps(tx)}
        names = {found.id: found.name for found in environments.list_environments(tx)}
    return rows.token(caller(), names, apps)


@blueprint.get("/status")
def status() -> rows.Row:
    """Tell which parts answer, and how much of everything the caller may see."""
    with services().database.read() as tx:
        counts = {"environments": len(visible_environments(tx)), "apps": len(visible_apps(tx))}
        known = tokens.list_tokens(tx)
    fenced = services().instance.fence.fenced
    return {
        "version": version("stratum"),
        "fenced": fenced,
        "note": "" if fenced else SHARED,
        "parts": [{"part": part, "up": is_up()} for part, is_up in _parts().items()],
        "counts": counts,
        "builds": _builds(known),
    }


def _builds(known: list[Token]) -> rows.Row:
    """Tell which fences builds have; who needs no more than that is not told whose token is in the way."""
    instance = services().instance
    found = fences.read(instance.layout.fences) or fences.NONE
    why = accounts.refusal(instance.fence, known, now(), trusting=instance.settings.trust_pushers)
    return {
        "fences": sorted(found.standing),
        "missing": dict(found.missing),
        "refused": why if caller().is_admin else bool(why) * REFUSED,
    }


def _parts() -> dict[str, Callable[[], bool]]:
    layout = services().instance.layout
    parts = {
        "redis": services().nudges.is_up,
        "supervisord": _supervisord_is_up,
        "web": lambda: _service_is_up("_web"),
        "work": lambda: _service_is_up("_work"),
        "router": lambda: _accepts(layout.router_socket),
    }
    if services().instance.fence.fenced:
        parts["door"] = lambda: _accepts(layout.door_socket)
    return parts


def _supervisord_is_up() -> bool:
    try:
        return services().supervisor.state() == "RUNNING"
    except SupervisorUnavailable:
        return False


def _service_is_up(name: str) -> bool:
    """Whether supervisord runs one of our services: `_work` is builders, appliers and reconciler."""
    try:
        return services().supervisor.service_state(name) in UP
    except SupervisorUnavailable:
        return False


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(CONNECT_TIMEOUT_S)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
