"""Processes that a new release does not restart: an older one in the place of the new. Pure."""

from collections.abc import Collection, Iterable

from stratum.first_scales import WEB
from stratum.keeping import settled
from stratum.model import Formation, Release


def staying(release: Release, formation: Formation) -> frozenset[str]:
    """Name the targets whose processes go on as they are; never web, to which the router has to switch."""
    return frozenset(
        name
        for name in release.process_names()
        if name != WEB and settled(release, formation, name).restart_on_deploy is False
    )


def in_place(wished: Iterable[str], there: Collection[str], targets: Collection[str]) -> list[str]:
    """Name the processes that are wished, an older one of the same place where that stays.

    Args:
        wished: names of the release's own processes.
        there: names of the app's processes that run, of whatever release.
        targets: those that stay.
    """
    older = {_place(name): name for name in sorted(there) if _place(name)[0] in targets}
    return [name if name in there else older.get(_place(name), name) for name in wished]


def _place(name: str) -> tuple[str, str]:
    _, target, index = name.rsplit(".", 2)
    return target, index
