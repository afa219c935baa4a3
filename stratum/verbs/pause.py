"""Pausing targets, and resuming them: their scales stay wished, and just that comes back."""

from collections.abc import Sequence

from stratum.errors import ServedByRouter
from stratum.model import App, Formation, Release
from stratum.pauses import listed
from stratum.scaling import Limits
from stratum.store import Transaction, formation, rollouts
from stratum.verbs.change import Change, check_queue
from stratum.verbs.scale import check_has_web, check_room, check_target, current_release


def pause(tx: Transaction, app: App, targets: Sequence[str], *, who: str) -> Change:
    """Have targets without processes until they are resumed, whatever is pushed meanwhile.

    Should its rollout fail, since something else does not come up, they stay paused.

    Args:
        targets: names; none: all that the app has, or had and may have again.

    Raises:
        NothingReleased: the app has no targets yet.
        UnknownTarget, NotAProcess: nothing is paused then.
        ServedByRouter: of a site no process runs.
    """
    release = current_release(tx, app)
    before = formation.get_formation(tx, app.id)
    chosen = _chosen(release, before, targets)
    new = [target for target in chosen if target not in before.paused]
    if not new:
        return Change(changed=False, message=f"{_are(chosen)} paused already; nothing changed.")
    formation.set_paused(tx, app.id, new, paused=True)
    rollout = rollouts.add_rollout(tx, app.id, cause=_cause("pause", targets), who=who)
    message = f"Pausing {listed(new, before)}; stratum resume brings back just that."
    return Change(changed=True, rollout=rollout.number, message=message)


def resume(tx: Transaction, app: App, targets: Sequence[str], *, who: str, limits: Limits) -> Change:
    """End the pause of targets: each has its scale again. Should it fail, they are paused as before.

    Args:
        targets: names; none: all that are paused.

    Raises:
        NothingReleased, UnknownTarget, NotAProcess, ServedByRouter: as `pause`.
        TooManyProcesses: the app would have more than it may; the transaction must not commit.
        Conflict: too many changes wait already; so, too. A pause is never refused: it may be urgent.
    """
    release = current_release(tx, app)
    before = formation.get_formation(tx, app.id)
    chosen = _chosen(release, before, targets)
    ended = [target for target in chosen if target in before.paused]
    if not ended:
        said = f"{_are(chosen)} not paused" if targets else "Nothing is paused"
        return Change(changed=False, message=f"{said}; nothing changed.")
    formation.set_paused(tx, app.id, ended, paused=False)
    check_room(tx, app, release, before, limits)
    check_queue(tx, app)
    rollout = rollouts.add_rollout(tx, app.id, cause=_cause("resume", targets), who=who, resumed=ended)
    return Change(changed=True, rollout=rollout.number, message=f"Resuming {listed(ended, before)}.")


def _chosen(release: Release, before: Formation, given: Sequence[str]) -> list[str]:
    """Name each target that is meant once; also those that the Procfile lacks now may be."""
    known = [*release.process_names(), *sorted(before.scales.keys() - set(release.process_names()))]
    if not known and release.has_site:
        raise ServedByRouter(release.version)
    check_has_web(release, given)
    for target in given:
        check_target(target, known)
    return list(dict.fromkeys(given)) or known


def _cause(verb: str, targets: Sequence[str]) -> str:
    return " ".join((verb, *dict.fromkeys(targets)))


def _are(targets: Sequence[str]) -> str:
    return f"{', '.join(targets)} {'is' if len(targets) == 1 else 'are'}"
