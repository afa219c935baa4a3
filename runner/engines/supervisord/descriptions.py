"""The launcher's descriptions: written right before a process starts, removed once it is gone for good."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from runner.engines.supervisord.description import Description, encode
from runner.plan import Process
from runner.wish import Wish
from stratum.layout import Layout
from stratum.model import Release

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_OPEN_FILES = 65536


def environment(wish: Wish, release: Release, process: Process, layout: Layout) -> dict[str, str]:
    """Return all that a process gets, but for what the launcher adds. Pure.

    The app's variables may replace the defaults; PORT, HOME and TMPDIR are ours alone
    (`stratum.variables.OURS`), and scripts of `.profile.d` may change all of it.
    """
    home = str(layout.release(release.app_id, release.version))
    return {
        "PATH": SYSTEM_PATH,
        **({} if release.contents.buildpacks else _before_buildpacks(home)),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **_names(wish, release, process),
        **wish.variables,
        "HOME": home,
        "TMPDIR": str(layout.release_tmp(release.app_id, release.version)),
        **({"PORT": str(process.port)} if process.port else {}),
    }


def write(wish: Wish, processes: Iterable[Process], layout: Layout) -> None:
    """Write descriptions, each replacing an older one whole."""
    if wish.release is None:
        return
    for process in processes:
        _put(layout, process.name, encode(_description(wish, wish.release, process, layout)))


def write_once(wish: Wish, process: Process, name: str, command: str, layout: Layout) -> None:
    """Write the description of a command that is to run once beside a process, as that would.

    Args:
        name: of the description.
    """
    if wish.release is not None:
        described = replace(_description(wish, wish.release, process, layout), command=command)
        _put(layout, name, encode(described))


def remove(layout: Layout, names: Iterable[str]) -> None:
    """Remove descriptions; one that is not there is fine."""
    for name in names:
        layout.description(name).unlink(missing_ok=True)


def present(layout: Layout) -> set[str]:
    """Name the processes that have a description, and what a killed applier has left of one."""
    return set(os.listdir(layout.descriptions))  # noqa: PTH208 - paths take four times as long


def changed_at_ns(layout: Layout) -> int:
    """When a description has come or gone last, as the folder's time tells."""
    return layout.descriptions.stat().st_mtime_ns


def has(layout: Layout, name: str) -> bool:
    """Whether a process has a description; of a few this costs the same however many there are."""
    return layout.description(name).exists()


def _description(wish: Wish, release: Release, process: Process, layout: Layout) -> Description:
    folder = str(layout.release(release.app_id, release.version))
    return Description(
        command=process.command,
        directory=folder,
        home=folder,
        max_open_files=MAX_OPEN_FILES,
        environment=environment(wish, release, process, layout),
    )


def _before_buildpacks(home: str) -> Mapping[str, str]:
    """What slugs need that were built before buildpacks wrote `.profile.d`.

    The service may not look into a fenced app's folder, so `.venv` is named whether or not there is one.
    """
    return {"PATH": f"{home}/.venv/bin:{SYSTEM_PATH}", "VIRTUAL_ENV": f"{home}/.venv"}


def _names(wish: Wish, release: Release, process: Process) -> Mapping[str, str]:
    return {
        "STRATUM_APP": release.app_name,
        "STRATUM_ENVIRONMENT": wish.app.environment.name,
        "STRATUM_RELEASE": f"v{release.version}",
        "STRATUM_TARGET": process.target,
        "STRATUM_INDEX": str(process.index),
        "STRATUM_COMMIT": release.commit,
        "DYNO": process.label,
        **_review(wish),
    }


def _review(wish: Wish) -> Mapping[str, str]:
    """What a review app's processes know it by."""
    review = wish.app.review
    if review is None:
        return {}
    return {"STRATUM_PARENT_APP": review.parent_name, "STRATUM_PULL_REQUEST": str(review.number)}


def _put(layout: Layout, name: str, content: bytes) -> None:
    scratch = layout.description(f"{name}-new")  # begins as its app's do, so it is swept should it be left
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    scratch.rename(layout.description(name))
