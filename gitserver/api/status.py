"""Who the caller is, and how the server's parts are."""

import os
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import caller, visible_apps, visible_environments
from gitserver.services import services
from stratum import disk
from stratum.door.fencing import accounts, fences
from stratum.errors import SupervisorUnavailable
from stratum.model import BuildState, Token
from stratum.store import Transaction, builds, environments, tokens
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
        seen = {app.id for app in visible_apps(tx)}
        counts = {"environments": len(visible_environments(tx)), "apps": len(seen)}
        known, queue = tokens.list_tokens(tx), _queue(tx, seen)
    fenced = services().instance.fence.fenced
    return {
        "version": version("stratum"),
        "fenced": fenced,
        "note": "" if fenced else SHARED,
        "parts": [{"part": part, "up": is_up()} for part, is_up in _parts().items()],
        "counts": counts,
        "builds": _builds(known),
        "queue": queue,
        "disk": _disk(),
    }


def _queue(tx: Transaction, seen: set[int]) -> rows.Row:
    """Count the builds of visible apps that run or wait for a builder, and how long the oldest has waited."""
    found = [
        build for build in builds.in_state(tx, BuildState.RUNNING, BuildState.QUEUED) if build.app_id in seen
    ]
    queued = [build.created_at for build in found if build.state is BuildState.QUEUED]
    oldest_s = (now() - min(queued)).total_seconds() if queued else 0.0
    return {"running": len(found) - len(queued), "queued": len(queued), "oldest_s": max(0, round(oldest_s))}


def _disk() -> rows.Row:
    """Tell what is free of the disk of apps and builds, and why no build begins where it is too little."""
    instance = services().instance
    found = os.statvfs(instance.layout.data)
    return {
        "free_bytes": found.f_bavail * found.f_frsize,
        "total_bytes": found.f_blocks * found.f_frsize,
        "lack": disk.lack(instance.layout.data, instance.settings.min_free_bytes),
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
    supervised = _supervisord_is_up()  # else it would be waited for with each of its services
    parts = {
        "redis": services().nudges.is_up,
        "supervisord": lambda: supervised,
        "web": lambda: supervised and _service_is_up("_web"),
        "work": lambda: supervised and _service_is_up("_work"),
        "router": lambda: _accepts(layout.router_socket),
    }
    if services().instance.fence.fenced:
        parts["door"] = services().door.is_there
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
