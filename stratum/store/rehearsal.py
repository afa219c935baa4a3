"""Does once what a push makes the store do, in a transaction that is taken back.

SQLAlchemy compiles a statement when it is first used, which costs more than using it, and keeps it
in the engine. What a master has rehearsed, its forks share: memory, and time in every job.
"""

import logging
import secrets
from contextlib import suppress

from stratum.model import (
    App,
    Build,
    BuildState,
    RefUpdate,
    Release,
    ReleaseState,
    Rollout,
    RolloutState,
    Slot,
    Target,
)
from stratum.store import (
    buildpacks,
    builds,
    crashes,
    domains,
    environments,
    formation,
    names,
    phases,
    pushes,
    quiet,
    releases,
    retention,
    rollouts,
    sites,
    tokens,
)
from stratum.store.database import Database, Transaction

log = logging.getLogger(__name__)

_COMMIT = "0" * 40
_PROCESS = "rehearsal"


class _TakenBack(Exception):
    pass


def rehearse(database: Database) -> None:
    """Do it all. Nothing of it stays, no connection either; when it fails the first jobs take longer."""
    try:
        with suppress(_TakenBack), database.write() as tx:
            _all(tx)
            _take_back()
    except Exception:
        log.exception("the first jobs will be slower")
    finally:
        database.close()


def _take_back() -> None:
    raise _TakenBack


def _all(tx: Transaction) -> None:
    app = _app(tx)
    _build(tx, app, _push(tx, app))
    _replace(tx, app, *_bring_up(tx, app))
    _tell_router(tx)
    _look_around(tx)


def _app(tx: Transaction) -> App:
    name = f"rehearsal-{secrets.token_hex(8)}"
    return environments.add_app(
        tx, environments.add_environment(tx, name, "production", start_all=False), name
    )


def _push(tx: Transaction, app: App) -> Build:
    update = RefUpdate("refs/heads/master", _COMMIT, "1" * 40)
    [push_id] = pushes.journal(
        tx, app.id, [(update, True)], _PROCESS, web_process=_PROCESS, receive_process=_PROCESS
    )
    pushes.pending(tx)
    pushes.accept(tx, [push_id])
    build = builds.claim_next(tx, app.id, _PROCESS)
    assert build is not None
    return build


def _build(tx: Transaction, app: App, build: Build) -> None:
    environments.get_app(tx, app.id)
    buildpacks.pins(tx, app.id)
    targets = (Target("web", ""), Target("worker", ""))
    builds.note_slug(tx, build, "", targets)
    made = releases.add_release(
        tx, app.id, slug="", commit=_COMMIT, targets=targets, cause="", who="", build_id=build.id
    )
    releases.get_config(tx, app.id, made.config_version)
    formation.set_scales(tx, app.id, {"web": 1, "worker": 1})
    rollouts.add_rollout(tx, app.id, cause="", who="", release_id=made.id, build_id=build.id)
    builds.renew(tx, build)
    builds.held(tx, build)
    builds.finish(tx, build, BuildState.SUCCEEDED, release_id=made.id)
    retention.unused(tx, app.id)
    retention.apps_with_surplus(tx, keep=1)
    builds.in_state(tx, BuildState.QUEUED)


def _bring_up(tx: Transaction, app: App) -> tuple[Release, Rollout]:
    rollouts.in_state(tx, RolloutState.QUEUED)
    phases.waiting(tx, 1)
    rollout = rollouts.claim_next(tx, app.id, _PROCESS)
    assert rollout is not None
    assert rollout.release_id is not None
    formation.get_formation(tx, app.id)
    crashes.crashes(tx, app.id)
    names.names_of(tx, app.id)
    release = releases.get_release(tx, rollout.release_id)
    formation.give_unique_ints(tx, app.id, [Slot("web", 1)])
    formation.ports_taken(tx)
    formation.give_port(tx, app.id, _PROCESS, 1)
    formation.ports_of(tx, app.id)
    formation.set_routed(tx, app.id, [_PROCESS])
    sites.set_served(tx, app.id, None)
    rollouts.renew(tx, rollout)
    rollouts.record(tx, rollout, RolloutState.LIVE, ())
    rollouts.note(tx, rollout, ())
    releases.set_release_state(tx, release.id, ReleaseState.LIVE)
    releases.set_staying(tx, app.id, [release.version])
    environments.set_current_release(tx, app.id, release.id)
    return release, rollout


def _replace(tx: Transaction, app: App, release: Release, rollout: Rollout) -> None:
    """What the processes of the release before leave, and the rollout's end."""
    releases.find_release(tx, app.id, release.version)
    releases.predecessor(tx, release)
    formation.free_unique_ints(tx, app.id, ())
    formation.free_ports(tx, app.id, [_PROCESS])
    rollouts.record(tx, rollout, RolloutState.SUCCEEDED, ())


def _tell_router(tx: Transaction) -> None:
    formation.routed_as(tx)
    quiet.quiet_apps(tx)
    domains.all_domains(tx)
    crashes.crashed_apps(tx)
    releases.in_maintenance(tx)


def _look_around(tx: Transaction) -> None:
    """What the reconciler does again and again, and an unfenced builder before each build."""
    tokens.list_tokens(tx)
    environments.list_apps(tx)
    releases.current_releases(tx)
    formation.formations(tx)
    formation.routes(tx)
