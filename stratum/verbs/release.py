"""Releasing again what was released before: rollback, another configuration, another build."""

import re
from collections.abc import Mapping
from dataclasses import replace

from stratum.door.client import Door
from stratum.errors import Conflict, InvalidName, NotFound, NothingReleased
from stratum.model import App, Build, Release, ReleaseState
from stratum.store import Transaction, builds, catalogue, releases, rollouts
from stratum.verbs import change
from stratum.verbs.build import check_queue
from stratum.verbs.change import Change

_VERSION = re.compile(r"v?\d+", re.IGNORECASE)


def find(tx: Transaction, app: App, version: int) -> Release:
    """Find a release by the number people use.

    Raises:
        NotFound: there is no such release.
    """
    found = releases.find_release(tx, app.id, version)
    if found is None:
        raise NotFound("release", f"v{version}", "stratum releases lists them.")
    return found


def goal(tx: Transaction, app: App, version: int | None) -> Release:
    """The release that a rollback goes back to.

    Args:
        version: which; None: the newest that ran before the current one, and while another one is still to
            come the current one.

    Raises:
        NotFound: there is no such release.
        Conflict: it never ran, its slug is not kept, or there is none to go back to.
    """
    if app.current_release_id is None:
        raise NothingReleased(app.label)
    current = releases.get_release(tx, app.current_release_id)
    if version is not None:
        return _asked(tx, app, version)
    return current if _is_to_come(tx, current) else _earlier(tx, app, current)


def rollback(tx: Transaction, app: App, version: int | None, *, who: str) -> Change:
    """Release an older release's code and configuration again, under a new version.

    Storage stays where it is mounted now: what people have kept there is not to vanish.

    Args:
        version: which, as in `goal`.

    Whether its slug is sound is for the caller to see first (`sound`): that takes too long for a transaction.

    Raises:
        NotFound, Conflict: as `goal`; or too many changes wait already.
    """
    chosen = goal(tx, app, version)
    if chosen.id == app.current_release_id and not _is_to_come(tx, chosen):
        return Change(changed=False, message=f"v{chosen.version} is the current release; nothing changed.")
    change.check_queue(tx, app)
    cause = f"rollback to v{chosen.version}"
    kept = replace(chosen, mounts=releases.mounts_in_force(tx, app.id))
    return release_again(tx, kept, cause=cause, who=who)


def describe(tx: Transaction, app: App, version: int, values: Mapping[str, object]) -> Release:
    """Change what people say of a release.

    Args:
        values: any of `name`, `note`, `pinned`.

    Raises:
        NotFound: there is no such release.
        InvalidName: it would be taken for a version, or nobody could type what they see.
        Conflict: another has the name; or it is to be kept, and nothing can go back to it: it has
            failed, or its slug is not there any more.
    """
    found = find(tx, app, version)
    _check_name(tx, found, str(values.get("name", "")))
    if values.get("pinned"):
        _check_pin(tx, found)
    releases.describe(tx, found.id, values)
    return releases.get_release(tx, found.id)


def _check_name(tx: Transaction, release: Release, name: str) -> None:
    kind = "a release"
    if _VERSION.fullmatch(name.strip()):
        reason = "that is a version"
        raise InvalidName(kind, name, reason, "Use another than digits, or v and digits.")
    if name != name.strip() or not name.isprintable():
        reason = "it has what cannot be seen"
        raise InvalidName(kind, name, reason, "Use what can be printed in a line, without blanks around it.")
    taken = catalogue.version_named(tx, release.app_id, name) if name else None
    if taken not in (None, release.version):
        message = f"v{taken} is called {name!r}; v{release.version} cannot be, too."
        raise Conflict(message, f"Take another name, or free this one: stratum releases name v{taken} ''.")


def _check_pin(tx: Transaction, release: Release) -> None:
    if release.state is ReleaseState.PRUNED:
        message = f"What v{release.version} ran is no longer kept."
        raise Conflict(message, _build_again(tx, release))
    if release.state is ReleaseState.FAILED:
        message = f"v{release.version} has failed: it never ran, and nothing can go back to it."
        raise Conflict(message, "Pin one that did: stratum releases lists them.")


def sound(door: Door, release: Release) -> bool:
    """Whether a release's slug is there and is what was built.

    Raises:
        DoorUnavailable: it could not be read.
    """
    return door.slug_digest(release.app_id, release.slug) == release.slug


def check_sound(door: Door, release: Release) -> None:
    """See that a release could run.

    Raises:
        Conflict: its slug is gone, or is no longer what was built.
    """
    if not sound(door, release):
        message = f"What v{release.version} ran is gone, or is not what was built."
        raise Conflict(message, f"Choose another release, or push its commit again: {release.commit}.")


def release_again(tx: Transaction, old: Release, *, cause: str, who: str) -> Change:
    """Record a release with the code, the configuration and the mounts of another, and its rollout."""
    new = releases.add_release(
        tx,
        old.app_id,
        slug=old.slug,
        commit=old.commit,
        targets=old.targets,
        cause=cause,
        who=who,
        config=old.config_version,
        mounts=old.mounts,
        contents=old.contents,
    )
    rollout = rollouts.add_rollout(tx, old.app_id, cause=cause, who=who, release_id=new.id)
    return Change(changed=True, rollout=rollout.number, release=new.version)


def redeploy(tx: Transaction, app: App, *, who: str) -> Build:
    """Queue a build of the commit that is wished: one that is being built, else the current one.

    Raises:
        NothingReleased: nothing was ever pushed.
        Conflict: too many builds wait already.
    """
    check_queue(tx, app)
    return builds.add_build(tx, app.id, _commit(tx, app), source="redeploy", who=who)


def _is_to_come(tx: Transaction, current: Release) -> bool:
    """Whether a newer release is under way."""
    wished = releases.wished_release(tx, current.app_id)
    return wished is not None and wished.version > current.version


def _build_again(tx: Transaction, release: Release) -> str:
    build = builds.newest_of(tx, release.app_id, release.commit)
    return (
        "Push its commit again." if build is None else f"stratum builds retry {build.number} builds it again."
    )


def _commit(tx: Transaction, app: App) -> str:
    newest = builds.newest_taken(tx, app.id)
    wished = releases.wished_release(tx, app.id)
    if newest is not None and (wished is None or not newest.state.is_terminal):
        return newest.commit
    if wished is None:
        raise NothingReleased(app.label)
    return wished.commit


def _earlier(tx: Transaction, app: App, current: Release) -> Release:
    found = releases.predecessor(tx, current, (ReleaseState.RETIRED,))
    if found is not None:
        return found
    message = f"{app.label} has no release before v{current.version} to go back to."
    raise Conflict(message, "stratum releases lists them.")


def _asked(tx: Transaction, app: App, version: int) -> Release:
    found = find(tx, app, version)
    if found.state is ReleaseState.PRUNED:
        message = f"What v{version} ran is no longer kept."
        raise Conflict(message, _build_again(tx, found))
    if found.state in (ReleaseState.FAILED, ReleaseState.PENDING):
        message = f"v{version} is {found.state}: it never ran."
        raise Conflict(message, "Choose one that did: stratum releases lists them.")
    return found
