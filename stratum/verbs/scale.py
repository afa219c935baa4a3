"""Scaling targets, and launching one as a worker."""

from collections.abc import Collection, Mapping, Sequence

from stratum.errors import (
    InvalidInput,
    NotAProcess,
    NothingReleased,
    ServedByRouter,
    UnknownTarget,
)
from stratum.first_scales import WEB
from stratum.model import RELEASE_PHASE, App, Formation, Release
from stratum.scaling import Limits, check_total, checked_scale, total
from stratum.store import Transaction, formation, releases, rollouts
from stratum.verbs.change import Change, check_queue


def scale(tx: Transaction, app: App, given: Mapping[str, object], *, who: str, limits: Limits) -> Change:
    """Wish scales of targets; one that is paused stays so, and has its scale once it is resumed.

    Args:
        given: {target: scale}, unchecked; a scale is a number, or `+1` or `-2` as text.

    Raises:
        InvalidScale, UnknownTarget, NotAProcess: nothing is changed then.
        NothingReleased: the app has no targets yet.
        ServedByRouter: it is `web` of a release that has a site.
        TooManyProcesses: the app would have more than it may; the transaction must not commit.
        Conflict: too many changes wait already; so, too.
    """
    release = current_release(tx, app)
    check_has_web(release, given)
    now = formation.get_formation(tx, app.id)
    wished = checked_scales(given, release.process_names(), now, limits.scale)
    said = " ".join(f"{target}={number}" for target, number in wished.items())
    change = _wish(tx, app, wished, cause=f"scale {said}", who=who)
    check_room(tx, app, release, now, limits)
    return change or Change(
        changed=False,
        message=f"{said} is wished already; nothing changed. {_still_paused(now.paused, wished)}".rstrip(),
    )


def launch(tx: Transaction, app: App, target: str, *, who: str, limits: Limits) -> Change:
    """Wish one process of a target, unless there are some already; a paused one stays so.

    Raises:
        UnknownTarget: the current release has no such target.
        NotAProcess: it is the command of the release phase.
        NothingReleased: the app has no targets yet.
        ServedByRouter, TooManyProcesses, Conflict: as `scale`.
    """
    release = current_release(tx, app)
    check_has_web(release, (target,))
    check_target(target, release.process_names())
    now = formation.get_formation(tx, app.id)
    number = now.remembered(target)
    if number:
        is_still = _still_paused(now.paused, {target: number})
        return Change(changed=False, message=is_still or _already_running(target, number))
    change = _wish(tx, app, {target: 1}, cause=f"worker {target}", who=who)
    check_room(tx, app, release, now, limits)
    assert change is not None
    return change


def current_release(tx: Transaction, app: App) -> Release:
    """Return the release that runs.

    Raises:
        NothingReleased: none does yet.
    """
    if app.current_release_id is None:
        raise NothingReleased(app.label)
    return releases.get_release(tx, app.current_release_id)


def checked_scales(
    given: Mapping[str, object], known: Sequence[str], now: Formation, max_scale: int
) -> dict[str, int]:
    """Return the scales if all can be wished. Pure.

    Raises:
        InvalidInput: there is none.
        InvalidScale: one is neither whole number nor change, or out of range.
        UnknownTarget, NotAProcess: one is of a target that cannot have processes.
    """
    if not given:
        message = "No scale was given."
        raise InvalidInput(message, "Name targets with their scales: stratum scale worker=2.")
    for target in given:
        check_target(target, known)
    return {
        target: checked_scale(target, number, now.remembered(target), max_scale)
        for target, number in given.items()
    }


def check_room(tx: Transaction, app: App, release: Release, before: Formation, limits: Limits) -> None:
    """See that an app may have as many processes as are wished now.

    Raises:
        TooManyProcesses: it may not; the transaction must not commit.
    """
    names, now = release.process_names(), formation.get_formation(tx, app.id)
    check_total(app.label, total(before, names), total(now, names), limits.processes)


def check_has_web(release: Release, targets: Collection[str]) -> None:
    """See that targets can have processes, though there may be a site.

    Raises:
        ServedByRouter: one is `web` of a release that has a site.
    """
    if WEB in targets and release.has_site:
        raise ServedByRouter(release.version)


def check_target(target: str, known: Sequence[str], of: str = "the current release") -> None:
    """See that a target can have processes. Pure.

    Args:
        known: names of those that can.

    Raises:
        UnknownTarget, NotAProcess: it cannot.
    """
    if target == RELEASE_PHASE:
        raise NotAProcess(target)
    if target not in known:
        raise UnknownTarget(target, known, of=of)


def _wish(tx: Transaction, app: App, scales: Mapping[str, int], *, cause: str, who: str) -> Change | None:
    before, paused = formation.set_scales(tx, app.id, scales), formation.get_formation(tx, app.id).paused
    if not before:
        return None
    check_queue(tx, app)
    rollout = rollouts.add_rollout(tx, app.id, cause=cause, who=who, formation_before=before)
    return Change(changed=True, rollout=rollout.number, message=_still_paused(paused, scales))


def _still_paused(paused: Collection[str], scales: Mapping[str, int]) -> str:
    """Say of those that are paused what will start; empty where none is."""
    said = [
        f"{target} is paused: stratum resume {target} will start {number}."
        for target, number in scales.items()
        if target in paused
    ]
    return " ".join(said)


def _already_running(target: str, number: int) -> str:
    processes = "1 process" if number == 1 else f"{number} processes"
    return f"{target} is already running ({processes}); nothing changed."
