"""Releases, and the configuration versions that they point to."""

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import Row, case, func, select, update

from stratum.model import NO_CONTENTS, Contents, Phase, Release, ReleaseState, Target
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.rows import added

RAN = (ReleaseState.LIVE, ReleaseState.RETIRED, ReleaseState.PRUNED)  # once


def add_release(
    tx: Transaction,
    app_id: int,
    *,
    slug: str,
    commit: str,
    targets: tuple[Target, ...],
    cause: str,
    who: str,
    build_id: int | None = None,
    config: int | None = None,
    mounts: Mapping[str, str] | None = None,
    contents: Contents = NO_CONTENTS,
) -> Release:
    """Record the next release, pending.

    Args:
        config: version of the configuration it runs with; None: the one in force.
        mounts: name of a volume → path, of those that its processes have; None: those in force.
    """
    last = tx.scalar(select(func.max(t.releases.c.version)).where(t.releases.c.app_id == app_id)) or 0
    row = {
        "app_id": app_id,
        "version": last + 1,
        "app_name": tx.scalar(select(t.apps.c.name).where(t.apps.c.id == app_id)),
        "slug": slug,
        "commit": commit,
        "targets": [[target.name, target.command] for target in targets],
        "cause": cause,
        "who": who,
        "build_id": build_id,
        "config_version": config_version(tx, app_id) if config is None else config,
        "state": ReleaseState.PENDING.value,
        "created_at": now(),
        "contents": contents.render(),
        "mounts": dict(mounts_in_force(tx, app_id) if mounts is None else mounts),
    }
    return get_release(tx, added(tx, t.releases, row))


def get_release(tx: Transaction, release_id: int) -> Release:
    """Find by id; it must exist."""
    return read_release(tx.execute(select(t.releases).where(t.releases.c.id == release_id)).one())


def find_release(tx: Transaction, app_id: int, version: int) -> Release | None:
    """Find by the number people use."""
    chosen = select(t.releases).where(t.releases.c.app_id == app_id, t.releases.c.version == version)
    row = tx.execute(chosen).one_or_none()
    return None if row is None else read_release(row)


def newest_first(tx: Transaction, app_id: int) -> Iterator[Release]:
    """Read an app's releases one by one, within the transaction.

    There may be thousands, each with hundreds of KiB in memory of what was installed: keep no more of them
    than is wanted.
    """
    chosen = select(t.releases).where(t.releases.c.app_id == app_id).order_by(t.releases.c.version.desc())
    with tx.execute(chosen) as rows:
        yield from map(read_release, rows)


def first_with(tx: Transaction, app_id: int, targets: Collection[str]) -> dict[str, Release]:
    """Target → the first release that had it, whether that ever ran or not; those after them are not read."""
    chosen = select(t.releases).where(t.releases.c.app_id == app_id).order_by(t.releases.c.version)
    found: dict[str, Release] = {}
    with tx.execute(chosen) as rows:
        for row in rows:
            release = read_release(row)
            found = {**{name: release for name in release.process_names() if name in targets}, **found}
            if len(found) == len(set(targets)):
                break
    return found


def current_releases(tx: Transaction) -> dict[int, Release]:
    """App id → the release that runs, for all apps that have one."""
    joined = t.apps.join(t.releases, t.releases.c.id == t.apps.c.current_release_id)
    rows = tx.execute(select(t.releases).select_from(joined))
    return {row.app_id: read_release(row) for row in rows}


def in_maintenance(tx: Transaction) -> dict[int, str]:
    """App id → commit of the release that runs, for all apps that have one and are down for maintenance."""
    joined = t.apps.join(t.releases, t.releases.c.id == t.apps.c.current_release_id)
    chosen = select(t.releases.c.app_id, t.releases.c.commit).select_from(joined).where(t.apps.c.maintenance)
    return {row.app_id: row.commit for row in tx.execute(chosen)}


def set_release_state(tx: Transaction, release_id: int, state: ReleaseState) -> None:
    """Record what became of a release."""
    tx.execute(update(t.releases).where(t.releases.c.id == release_id).values(state=state.value))


def fail(tx: Transaction, release_id: int) -> None:
    """Record that a release did not come up; a release phase that has not succeeded has failed."""
    phase = case((t.releases.c.phase == Phase.RUNNING.value, Phase.FAILED.value), else_=t.releases.c.phase)
    values = {"state": ReleaseState.FAILED.value, "phase": phase}
    tx.execute(update(t.releases).where(t.releases.c.id == release_id).values(values))


def set_phase(tx: Transaction, release_id: int, phase: Phase) -> None:
    """Record how far the release phase is."""
    tx.execute(update(t.releases).where(t.releases.c.id == release_id).values(phase=phase.value))


def staying(tx: Transaction, app_id: int) -> set[int]:
    """Versions of the releases that have processes which newer ones leave alone."""
    mine = t.releases.c.app_id == app_id
    return set(tx.scalars(select(t.releases.c.version).where(mine, t.releases.c.staying)))


def set_staying(tx: Transaction, app_id: int, versions: Collection[int]) -> None:
    """Record which releases have processes that newer ones leave alone; others have none any more."""
    for version in staying(tx, app_id) ^ set(versions):
        changed = update(t.releases).where(t.releases.c.app_id == app_id, t.releases.c.version == version)
        tx.execute(changed.values(staying=version in versions))


def predecessor(tx: Transaction, release: Release, states: Collection[ReleaseState] = RAN) -> Release | None:
    """The newest release before a given one that has run, or is in one of these states."""
    chosen = select(t.releases).where(
        t.releases.c.app_id == release.app_id,
        t.releases.c.version < release.version,
        t.releases.c.state.in_([state.value for state in states]),
    )
    row = tx.execute(chosen.order_by(t.releases.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else read_release(row)


def describe(tx: Transaction, release_id: int, values: Mapping[str, object]) -> None:
    """Change what people say of a release: any of `name`, `note`, `pinned`."""
    if values:
        tx.execute(update(t.releases).where(t.releases.c.id == release_id).values(dict(values)))


def wished_release(tx: Transaction, app_id: int) -> Release | None:
    """The release that runs when all that is under way has gone well: the newest pending or live one."""
    states = (ReleaseState.PENDING.value, ReleaseState.LIVE.value)
    chosen = select(t.releases).where(t.releases.c.app_id == app_id, t.releases.c.state.in_(states))
    row = tx.execute(chosen.order_by(t.releases.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else read_release(row)


def config_version(tx: Transaction, app_id: int) -> int:
    """Number of the configuration in force; 0 when none was ever set.

    It is that of the wished release, so a configuration whose release failed is out of force again, and
    a rollback brings back the old one. Before the first release it is the newest.
    """
    wished = wished_release(tx, app_id)
    return _newest_config(tx, app_id) if wished is None else wished.config_version


def mounts_in_force(tx: Transaction, app_id: int) -> Mapping[str, str]:
    """Name of a volume → path, of those that the next release has unless it changes them.

    As with the configuration they are those of the wished release, so a mount whose release failed is
    none any more. But going back to an older release leaves them as they are.
    """
    wished = wished_release(tx, app_id)
    if wished is not None:
        return wished.mounts
    first = select(t.volumes.c.name, t.volumes.c.path).where(
        t.volumes.c.app_id == app_id, t.volumes.c.path != ""
    )
    return {row.name: row.path for row in tx.execute(first)}


def _newest_config(tx: Transaction, app_id: int) -> int:
    return tx.scalar(select(func.max(t.configs.c.version)).where(t.configs.c.app_id == app_id)) or 0


def add_config(tx: Transaction, app_id: int, ciphertext: bytes) -> int:
    """Record a new configuration (see `stratum.secrets`) and return its version."""
    version = _newest_config(tx, app_id) + 1
    row = {"app_id": app_id, "version": version, "ciphertext": ciphertext, "created_at": now()}
    added(tx, t.configs, row)
    return version


def get_config(tx: Transaction, app_id: int, version: int) -> bytes | None:
    """The encrypted configuration; None for version 0."""
    chosen = select(t.configs.c.ciphertext).where(
        t.configs.c.app_id == app_id, t.configs.c.version == version
    )
    found: bytes | None = tx.scalar(chosen)
    return found


def read_release(row: Row[tuple[object, ...]]) -> Release:
    """Make what a row of the table says; what it contains takes most of the time."""
    values = {name: getattr(row, name) for name in Release.__dataclass_fields__}
    targets = tuple(Target(name, command) for name, command in row.targets)
    states = {"state": ReleaseState(row.state), "phase": Phase(row.phase)}
    parsed = {"targets": targets, "contents": Contents.parse(row.contents), **states}
    return Release(**{**values, **parsed})
