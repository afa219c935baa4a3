"""What a push is told of its release before anything of it starts."""

from collections.abc import Iterator

from stratum.model import App, Formation, Release, Rollout
from stratum.pauses import listed, waiting_texts
from stratum.scaling import changed
from stratum.store import Transaction, builds, releases
from stratum.store.formation import get_formation


def facts(tx: Transaction, app: App, rollout: Rollout, release: Release) -> list[str]:
    """Say which scales came with it, what is paused, and what its Procfile has no more."""
    wished = get_formation(tx, app.id)
    found = [*_scaled(tx, rollout), *waiting_texts(wished, release.process_names())]
    if app.current_release_id is not None:
        found += _leaving(wished, releases.get_release(tx, app.current_release_id), release)
    return found


def _scaled(tx: Transaction, rollout: Rollout) -> Iterator[str]:
    asked = {} if rollout.build_id is None else builds.get_build(tx, rollout.build_id).options.scale
    for target, given in asked.items():
        if target in rollout.formation_before:
            yield f"Scaled {target} to {changed(given, rollout.formation_before[target])}"


def _leaving(wished: Formation, before: Release, after: Release) -> Iterator[str]:
    for target in before.process_names():
        if target not in after.process_names() and wished.scale(target):
            said = f"the Procfile has no {target} any more, its scale is remembered"
            yield f"Stopping {listed([target], wished)}: {said}"
