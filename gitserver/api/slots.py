"""Which processes' output belongs to each place in an app's formation, over its releases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from gitserver.api.shapes import Logs
from stratum.errors import NothingReleased, UnknownTarget
from stratum.model import RELEASE_PHASE, App, Release
from stratum.processes import label, phase_name, wished_names
from stratum.store import Transaction, catalogue, formation, releases, rollouts


@dataclass(frozen=True, slots=True)
class Slot:
    """One process over its releases: `web.1` is one after a push, too.

    Attributes:
        label: what its lines are told under.
        names: of its processes, oldest release first; the last may not run yet.
    """

    label: str
    names: tuple[str, ...]


def slots(
    tx: Transaction, app: App, wanted: Logs, kept: Iterable[str], stay: Iterable[str] = ()
) -> list[Slot]:
    """List what is asked for, in the Procfile's order, then what did not come up.

    Args:
        kept: names of processes whose output is kept.
        stay: labels that a reader has followed so far: what is scaled away may have more to say.

    Raises:
        NothingReleased: the app never had any.
        UnknownTarget: it has none of the target asked for.
    """
    failed, former = _failures(tx, app, wanted.target), _former(tx, app, wanted.target, kept)
    wished = [
        name
        for release in _wished(tx, app, wanted.target, (*failed, *chain(*former.values())))
        for name in _names(tx, app, release, wanted)
    ]
    labels = dict.fromkeys(label(name) for name in wished if name not in failed)
    asked = [one for one in former if wanted.target in (None, _target_of(one))]
    # Where none is wished: paused, scaled to none, or no longer in the Procfile: what there was of it.
    others = set(stay).intersection(asked) if labels else asked
    labels |= dict.fromkeys(sorted(others, key=lambda one: (_target_of(one), _index_of(one))))
    if wanted.target is not None and wanted.index is not None:  # whatever its scale is now
        labels.setdefault(f"{wanted.target}.{wanted.index}")
    found = [
        Slot(
            one,
            tuple(dict.fromkeys([*former.get(one, ()), *(name for name in wished if label(name) == one)])),
        )
        for one in labels
    ]
    found += [Slot(".".join(name.rsplit(".", 3)[1:]), (name,)) for name in failed]
    return [slot for slot in found if wanted.index is None or slot.label.endswith(f".{wanted.index}")]


def version(name: str) -> int:
    """The release that a process belongs to."""
    return int(name.rsplit(".", 3)[1].removeprefix("v"))


def _former(
    tx: Transaction, app: App, target: str | None, kept: Iterable[str]
) -> Mapping[str, Sequence[str]]:
    """Label → names of processes of releases that ran, oldest first."""
    if app.current_release_id is None or target == RELEASE_PHASE:
        return {}
    ran = catalogue.versions_that_ran(tx, app.id)
    found: dict[str, list[str]] = {}
    for name in sorted((name for name in kept if version(name) in ran), key=version):
        found.setdefault(label(name), []).append(name)
    return found


def _failures(tx: Transaction, app: App, target: str | None) -> list[str]:
    """Name what the newest rollout did not bring up: its hint sends people here.

    Nobody who asks for all targets of an app that runs is shown it.
    """
    if target == RELEASE_PHASE or (target is None and app.current_release_id is not None):
        return []
    failed = rollouts.failed_processes(tx, app.id)
    return [name for name in failed if target in (None, _target(name))]


def _wished(tx: Transaction, app: App, target: str | None, others: Sequence[str]) -> list[Release]:
    """The current release and one that is being rolled out; the newest where neither is.

    Of a release phase the newest, whatever became of it.

    Args:
        others: names of processes whose targets may be asked for, too.
    """
    if target == RELEASE_PHASE:
        for release in releases.newest_first(tx, app.id):
            if release.phase_command:
                return [release]
    wished = releases.wished_release(tx, app.id)
    current = [] if app.current_release_id is None else [releases.get_release(tx, app.current_release_id)]
    if wished is not None and wished not in current:
        current.append(wished)
    found = current or list(islice(releases.newest_first(tx, app.id), 1))
    if not found:
        raise NothingReleased(app.label)
    known = list(dict.fromkeys(name for release in found for name in release.target_names()))
    known += [one for one in map(_target, others) if one not in known]
    if target is not None and target not in known:
        raise UnknownTarget(target, known)
    return found


def _names(tx: Transaction, app: App, release: Release, wanted: Logs) -> list[str]:
    if wanted.target == RELEASE_PHASE:
        return [phase_name(app, release)]
    names = wished_names(app, release, formation.get_formation(tx, app.id))
    return [name for name in names if wanted.target in (None, _target(name))]


def _target(name: str) -> str:
    return _target_of(label(name))


def _target_of(process: str) -> str:
    return process.rpartition(".")[0]


def _index_of(process: str) -> int:
    return int(process.rpartition(".")[2])
