"""The wished formation, and what keeps processes recognisable: unique integers and ports."""

from collections.abc import Collection, Iterable, Mapping
from itertools import count

from sqlalchemy import Row, delete, insert, select, update

from stratum.model import NO_SETTINGS, Formation, Slot, TargetSettings
from stratum.store import tables as t
from stratum.store.database import Transaction


def get_formation(tx: Transaction, app_id: int) -> Formation:
    """All that was ever wished of an app's targets."""
    rows = tx.execute(select(t.formation).where(t.formation.c.app_id == app_id))
    told = tx.execute(select(t.target_settings).where(t.target_settings.c.app_id == app_id))
    return _formation(rows, told)


def formations(tx: Transaction) -> dict[int, Formation]:
    """App id → formation, for all apps that have one."""
    found: dict[int, list[Row[tuple[object, ...]]]] = {}
    for row in tx.execute(select(t.formation)):
        found.setdefault(row.app_id, []).append(row)
    told: dict[int, list[Row[tuple[object, ...]]]] = {}
    for row in tx.execute(select(t.target_settings)):
        told.setdefault(row.app_id, []).append(row)
    return {app_id: _formation(found.get(app_id, ()), told.get(app_id, ())) for app_id in {*found, *told}}


def tell(tx: Transaction, app_id: int, target: str, settings: TargetSettings) -> None:
    """Have the API's word on how a target is kept be this."""
    mine = (t.target_settings.c.app_id == app_id, t.target_settings.c.target == target)
    tx.execute(delete(t.target_settings).where(*mine))
    if settings != NO_SETTINGS:
        values = {"app_id": app_id, "target": target, "settings": settings.render()}
        tx.execute(insert(t.target_settings).values(values))


def set_scales(tx: Transaction, app_id: int, scales: Mapping[str, int]) -> dict[str, int]:
    """Wish scales; return those that differed before, with their former values (0 when new).

    A paused target stays so: its scale is what comes back.
    """
    before = get_formation(tx, app_id)
    for target, scale in scales.items():
        if target in before.scales:
            where = (t.formation.c.app_id == app_id, t.formation.c.target == target)
            tx.execute(update(t.formation).where(*where).values(scale=scale))
        else:
            tx.execute(insert(t.formation).values(app_id=app_id, target=target, scale=scale))
    return {
        target: before.remembered(target)
        for target, scale in scales.items()
        if before.remembered(target) != scale
    }


def set_paused(tx: Transaction, app_id: int, targets: Collection[str], *, paused: bool) -> None:
    """Pause targets, or end their pause; scales stay as they are, 0 for one that never had any."""
    if not targets:
        return
    set_scales(tx, app_id, dict.fromkeys(set(targets) - get_formation(tx, app_id).scales.keys(), 0))
    where = (t.formation.c.app_id == app_id, t.formation.c.target.in_(list(targets)))
    tx.execute(update(t.formation).where(*where).values(paused=paused))


def unique_ints(tx: Transaction, app_id: int) -> dict[Slot, int]:
    """The unique integers given to an app's processes."""
    rows = tx.execute(select(t.slots).where(t.slots.c.app_id == app_id))
    return {Slot(row.target, row.position): row.unique_int for row in rows}


def give_unique_ints(tx: Transaction, app_id: int, wanted: Iterable[Slot]) -> dict[Slot, int]:
    """Give each slot without one an integer from 1; those given stay as they are.

    It is the lowest free one above those of its target's other slots: so what goes first when a target
    is scaled down, the slot with the highest index, has its highest integer, too.

    Args:
        wanted: a target's lower indices before its higher ones.
    """
    taken = unique_ints(tx, app_id)
    used = set(taken.values())
    for slot in wanted:
        if slot in taken:
            continue
        below = max((n for other, n in taken.items() if other.target == slot.target), default=0)
        number = next(n for n in count(below + 1) if n not in used)
        tx.execute(
            insert(t.slots).values(app_id=app_id, target=slot.target, position=slot.index, unique_int=number)
        )
        taken[slot] = number
        used.add(number)
    return taken


def free_unique_ints(tx: Transaction, app_id: int, kept: Iterable[Slot]) -> None:
    """Take back the integers of slots that have no process any more."""
    keep = set(kept)
    for slot in unique_ints(tx, app_id):
        if slot not in keep:
            where = (
                t.slots.c.app_id == app_id,
                t.slots.c.target == slot.target,
                t.slots.c.position == slot.index,
            )
            tx.execute(delete(t.slots).where(*where))


def ports_of(tx: Transaction, app_id: int) -> dict[str, int]:
    """Process name → port, for one app."""
    rows = tx.execute(select(t.ports).where(t.ports.c.app_id == app_id))
    return {row.process: row.port for row in rows}


def ports_taken(tx: Transaction) -> set[int]:
    """All ports given to anybody."""
    return set(tx.scalars(select(t.ports.c.port)))


def give_port(tx: Transaction, app_id: int, process: str, port: int) -> None:
    """Give a port that `ports_taken` does not list to a process that has none."""
    tx.execute(insert(t.ports).values(app_id=app_id, process=process, port=port))


def free_ports(tx: Transaction, app_id: int, processes: Iterable[str]) -> None:
    """Take back the ports of ended processes."""
    where = (t.ports.c.app_id == app_id, t.ports.c.process.in_(list(processes)))
    tx.execute(delete(t.ports).where(*where))


def routes(tx: Transaction) -> dict[int, tuple[int, ...]]:
    """App id → ports that the router sends its requests to, for all apps that have any."""
    rows = tx.execute(select(t.ports).where(t.ports.c.routed).order_by(t.ports.c.port))
    found: dict[int, tuple[int, ...]] = {}
    for row in rows:
        found[row.app_id] = (*found.get(row.app_id, ()), row.port)
    return found


def routed_as(tx: Transaction) -> dict[int, str]:
    """App id → what the app is called in the names of the processes that the router sends requests to.

    While new ones take the places of old ones it is what the old ones say.
    """
    rows = tx.execute(select(t.ports.c.app_id, t.ports.c.process).where(t.ports.c.routed))
    parted = sorted((row.app_id, -_version(row.process), row.process) for row in rows)
    return {app_id: process.rsplit(".", 3)[0].partition(".")[2] for app_id, _, process in parted}


def set_routed(tx: Transaction, app_id: int, processes: Iterable[str]) -> None:
    """Have the router send an app's requests to these processes and to no other."""
    chosen = t.ports.c.process.in_(list(processes))
    tx.execute(update(t.ports).where(t.ports.c.app_id == app_id).values(routed=chosen))


def unroute(tx: Transaction, ports: Iterable[int]) -> None:
    """Have the router send nothing to these ports."""
    tx.execute(update(t.ports).where(t.ports.c.port.in_(list(ports))).values(routed=False))


def _version(process: str) -> int:
    return int(process.rsplit(".", 3)[1].removeprefix("v"))


def _formation(rows: Iterable[Row[tuple[object, ...]]], told: Iterable[Row[tuple[object, ...]]]) -> Formation:
    found = list(rows)
    scales = {row.target: row.scale for row in found}
    settings = {row.target: TargetSettings.parse(row.settings) for row in told}
    return Formation(scales, frozenset(row.target for row in found if row.paused), settings)
