"""The folders of an instance, with the owners and modes that fence its parts from one another.

Unfenced there is one account and nobody to let through, so every folder is 0700: an account may well
share its primary group with strangers (`users`, a domain's default).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from stratum.errors import InvalidInput
from stratum.fence import Fence
from stratum.instance import Instance
from stratum.up import owned

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder as it should be. Unfenced, owner and group do not matter, and the mode is 0700."""

    path: Path
    uid: int
    gid: int
    mode: int


def folders(instance: Instance) -> list[Folder]:
    """List every folder made at a start, parents first."""
    layout, fence = instance.layout, instance.fence
    root = 0 if fence.fenced else fence.uid_base
    service, redis, router = fence.service_uid, fence.redis_uid, fence.router_uid
    owned_by_root = (
        layout.data,
        layout.run,
        layout.data / "logs",
        layout.builds,
        layout.caches,
        layout.slugs,
        layout.releases,
        layout.sites,
        layout.storage,
    )
    owned_by_service = (
        layout.state,
        layout.config_key.parent,
        layout.service_home,
        layout.locks,
        layout.repos,
        layout.spools,  # beside the repositories: their packs are linked there
        layout.fetches,
        layout.build_logs,
        layout.hook_logs,
        layout.descriptions,
    )
    # A socket's folder belongs to its server and lets one more group through: its client's.
    sockets = (
        Folder(layout.supervisord_socket.parent, root, service, 0o2710),
        Folder(layout.web_socket.parent, service, router, 0o2710),
        Folder(layout.redis_socket.parent, redis, service, 0o2710),
        Folder(layout.router_socket.parent, router, service, 0o2710),
        Folder(layout.door_socket.parent, root, service, 0o2710),
    )
    return [
        *(Folder(path, root, root, 0o711) for path in owned_by_root),
        *(Folder(path, service, service, 0o700) for path in owned_by_service),
        *sockets,
        Folder(layout.router_config.parent, service, router, 0o2750),
        Folder(layout.router_upstreams, service, router, 0o2750),
        Folder(layout.service_logs, root, root, 0o700),
        Folder(layout.hook_scripts, root, service, 0o750),
        Folder(layout.app_logs, root, service, 0o2750),
        Folder(layout.data / "redis", redis, redis, 0o700),
        Folder(layout.data / "router", router, router, 0o700),
    ]


def make(instance: Instance) -> None:
    """Make what is missing, put owners and modes right, and empty the folder of launcher descriptions.

    Raises:
        InvalidInput: the place of one is taken by something that is not ours; it is named.
    """
    for folder in folders(instance):
        with owned.made(folder.path, _makers(instance, folder)) as handle:
            if instance.fence.fenced:
                os.fchown(handle, folder.uid, folder.gid)
            os.fchmod(handle, folder.mode if instance.fence.fenced else PRIVATE)
            if folder.path == instance.layout.descriptions:
                owned.empty(handle)


def remove_descriptions(instance: Instance) -> None:
    """Remove the launcher descriptions, which hold variables in clear; the next start makes them again."""
    owned.remove(instance.layout.descriptions, {os.geteuid(), instance.fence.service_uid})


def _makers(instance: Instance, folder: Folder) -> set[int]:
    """Who may have made a folder; the data folder is the operator's choice, whoever made it."""
    makers = {os.geteuid(), folder.uid}
    return makers | {folder.path.stat().st_uid} if folder.path == instance.layout.data else makers


def check_reach(fence: Fence, *paths: Path) -> None:
    """See that the services' and apps' uids can pass to paths that they need.

    Raises:
        InvalidInput: a folder on the way is closed to them; it is named.
    """
    if not fence.fenced:
        return
    for path in paths:
        closed = next((part for part in _way_to(path.resolve()) if not _is_open(part)), None)
        if closed:
            message = f"{path} cannot be reached by the services' and apps' accounts: {closed} is closed."
            raise InvalidInput(message, f"Use a place outside {closed}, for example below /var/lib/stratum.")


def _way_to(path: Path) -> tuple[Path, ...]:
    return (*reversed(path.parents), path)


def _is_open(path: Path) -> bool:
    needed = 0o001 if path.is_dir() else 0o004
    return bool(path.stat().st_mode & needed)
