"""Builds: FIFO per app, one running per app, claimed by lease and fencing number."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import reduce

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, or_, select, update

from stratum.errors import Conflict
from stratum.model import (
    NO_CONTENTS,
    NO_OPTIONS,
    Build,
    BuildOptions,
    BuildState,
    Contents,
    PushState,
    Target,
)
from stratum.scaling import joined
from stratum.store import news, statuses
from stratum.store import tables as t
from stratum.store.clock import in_seconds, now
from stratum.store.database import Transaction
from stratum.store.rows import added

LEASE_S = 10.0
MAX_ATTEMPTS = 3

_RUNNING_GIVES_WAY = select(t.apps.c.supersede_running).where(t.apps.c.id == bindparam("app"))
_FOR_A_PUSH = (BuildState.WAITING.value, BuildState.FETCHING.value)
_GIVEN_UP = case(
    (t.builds.c.superseded_by.is_not(None), BuildState.SUPERSEDED.value), else_=BuildState.CANCELED.value
)


def add_build(
    tx: Transaction,
    app_id: int,
    commit: str,
    *,
    source: str,
    who: str,
    push_id: int | None = None,
    options: BuildOptions = NO_OPTIONS,
    gate: str = "",
) -> Build:
    """Queue a build under the app's next number."""
    last = tx.scalar(select(func.max(t.builds.c.number)).where(t.builds.c.app_id == app_id)) or 0
    row = {"app_id": app_id, "number": last + 1, "push_id": push_id, "commit": commit, "source": source}
    values = {"who": who, "state": BuildState.QUEUED.value, "created_at": now(), **row}
    values |= {"options": asdict(options), "gate": gate}
    statuses.note_build(tx, app_id, last + 1, commit)
    return get_build(tx, added(tx, t.builds, values))


def hold(tx: Transaction, build_id: int) -> None:
    """Keep a new gated build from builders until `enqueue`."""
    tx.execute(update(t.builds).where(t.builds.c.id == build_id).values(state=BuildState.WAITING.value))


def enqueue(tx: Transaction, build_id: int) -> None:
    """Let builders have a build that waits, as new or built, for its ref, or was fetched, which has moved."""
    waiting = (t.builds.c.id == build_id, t.builds.c.state.in_(_FOR_A_PUSH))
    tx.execute(update(t.builds).where(*waiting).values(state=BuildState.QUEUED.value))


def belong(tx: Transaction, build_id: int, push_id: int) -> None:
    """Tie a gated build to the push that it was made for, whose ref is about to move.

    Raises:
        Conflict: it waits no more; the transaction must not commit.
    """
    waiting = (t.builds.c.id == build_id, t.builds.c.state == BuildState.WAITING.value)
    if not tx.execute(update(t.builds).where(*waiting).values(push_id=push_id)).rowcount:
        message = "The build that this push waited for was given up."
        raise Conflict(message, "Push again.")


def supersede_queued(tx: Transaction, build: Build) -> Build:
    """Drop what else the app has queued, in favour of the build of a push that was just accepted.

    What runs is given up only where the app says so; its builder then ends it. Left alone is a gated
    build whose push is not accepted yet. The scales that a dropped push wished were acknowledged with
    it: the new build wishes them too, where it says nothing else.

    Returns:
        The new build, as it now is.
    """
    gives_way = [BuildState.QUEUED.value]
    if tx.scalar(_RUNNING_GIVES_WAY, {"app": build.app_id}):
        gives_way.append(BuildState.RUNNING.value)
    dropped = _all(
        tx,
        t.builds.c.app_id == build.app_id,
        t.builds.c.id != build.id,
        t.builds.c.state.in_(gives_way),
        t.builds.c.error == "",
        or_(t.builds.c.gate == "", t.builds.c.push_id.is_not(None)),
    )
    if not dropped:
        return build
    mine = t.builds.c.id.in_([one.id for one in dropped])
    why = {"superseded_by": build.number, "error": f"Superseded by #{build.number}, a newer push."}
    tx.execute(update(t.builds).where(mine).values(why))
    end = {"state": BuildState.SUPERSEDED.value, "finished_at": now()}
    tx.execute(update(t.builds).where(mine, t.builds.c.state == BuildState.QUEUED.value).values(end))
    _tell(tx, *(one.id for one in dropped))
    scale = reduce(joined, (one.options.scale for one in (*dropped, build)))
    options = asdict(replace(build.options, scale=scale))
    tx.execute(update(t.builds).where(t.builds.c.id == build.id).values(options=options))
    return get_build(tx, build.id)


def get_build(tx: Transaction, build_id: int) -> Build:
    """Find by id; it must exist."""
    return _build(tx.execute(select(t.builds).where(t.builds.c.id == build_id)).one())


def find_build(tx: Transaction, app_id: int, number: int) -> Build | None:
    """Find by the number people use."""
    return _one(tx, t.builds.c.app_id == app_id, t.builds.c.number == number)


def build_of_push(tx: Transaction, push_id: int) -> Build | None:
    """The one build of a push."""
    return _one(tx, t.builds.c.push_id == push_id)


def newest_of(tx: Transaction, app_id: int, commit: str) -> Build | None:
    """The newest build of a commit that was released."""
    released = t.builds.c.state == BuildState.SUCCEEDED.value
    mine = select(t.builds).where(t.builds.c.app_id == app_id, t.builds.c.commit == commit, released)
    row = tx.execute(mine.order_by(t.builds.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _build(row)


def list_builds(tx: Transaction, app_id: int, limit: int = 100) -> list[Build]:
    """Newest first."""
    chosen = (
        select(t.builds).where(t.builds.c.app_id == app_id).order_by(t.builds.c.number.desc()).limit(limit)
    )
    return [_build(row) for row in tx.execute(chosen)]


def reasons(tx: Transaction, app_id: int) -> dict[int, str]:
    """Build id → what its pusher gave as the reason, for the app's builds that have one."""
    rows = tx.execute(select(t.builds.c.id, t.builds.c.options).where(t.builds.c.app_id == app_id))
    return {row.id: row.options["reason"] for row in rows if row.options.get("reason")}


def claim_next(tx: Transaction, app_id: int, owner: str) -> Build | None:
    """Take the app's oldest queued build; None while one is running, or none is queued.

    The fencing number rises with each claim: a builder that lost its lease can record nothing.
    """
    if _one(tx, t.builds.c.app_id == app_id, t.builds.c.state == BuildState.RUNNING.value):
        return None
    queued = (t.builds.c.app_id == app_id, t.builds.c.state == BuildState.QUEUED.value)
    row = tx.execute(select(t.builds).where(*queued).order_by(t.builds.c.number).limit(1)).one_or_none()
    if row is None:
        return None
    claim = {
        "owner": owner,
        "lease_until": in_seconds(LEASE_S),
        "fence": row.fence + 1,
        "attempt": row.attempt + 1,
        "started_at": now(),
    }
    tx.execute(
        update(t.builds).where(t.builds.c.id == row.id).values(state=BuildState.RUNNING.value, **claim)
    )
    return get_build(tx, row.id)


def renew(tx: Transaction, build: Build) -> bool:
    """Prolong the lease; False when it has been lost to somebody else."""
    return tx.execute(_held(build).values(lease_until=in_seconds(LEASE_S))).rowcount == 1


def held(tx: Transaction, build: Build) -> Build | None:
    """Read a claimed build again; None when it has been lost to somebody else."""
    state = t.builds.c.state == BuildState.RUNNING.value
    return _one(tx, t.builds.c.id == build.id, t.builds.c.fence == build.fence, state)


def finish(
    tx: Transaction, build: Build, state: BuildState, *, error: str = "", release_id: int | None = None
) -> bool:
    """Record the end of a held build; False when the lease has been lost, and nothing is recorded."""
    values = {"state": state.value, "error": error, "release_id": release_id, "finished_at": now()}
    return _ended(tx, build, {"lease_until": None, "owner": "", **values})


def give_back(tx: Transaction, build: Build) -> bool:
    """Queue a build whose builder is gone again, under a new fencing number; one given up ends here."""
    is_wanted = t.builds.c.error == ""
    values = {
        "state": case((is_wanted, BuildState.QUEUED.value), else_=_GIVEN_UP),
        "finished_at": case((is_wanted, None), else_=now()),
        "owner": "",
        "lease_until": None,
        "fence": build.fence + 1,
    }
    return _ended(tx, build, values)


def note_slug(
    tx: Transaction, build: Build, slug: str, targets: tuple[Target, ...], contents: Contents = NO_CONTENTS
) -> bool:
    """Note what a held build is about to put in its place: who is killed then leaves no slug unknown.

    A later attempt takes it from there; False when the lease has been lost, and nothing is noted.
    """
    return tx.execute(_held(build).values(**_made(slug, targets, contents))).rowcount == 1


def wait(
    tx: Transaction,
    build: Build,
    slug: str,
    targets: tuple[Target, ...],
    contents: Contents = NO_CONTENTS,
) -> BuildState | None:
    """Record what a held gated build has made, until its ref has moved; return its state.

    Canceled when nobody waits for it any more, None when the lease has been lost. With `enqueue` it is
    claimed again, as if for the first time.
    """
    is_wanted = not get_build(tx, build.id).error
    state = BuildState.WAITING if is_wanted else BuildState.CANCELED
    made = _made(slug, targets, contents)
    claim = {"owner": "", "lease_until": None, "attempt": 0}
    ended = {} if is_wanted else {"finished_at": now()}
    values = {"state": state.value, **made, **claim, **ended}
    return state if _ended(tx, build, values) else None


def drop(tx: Transaction, build: Build, reason: str, slug: str = "") -> bool:
    """End a held build that is given up; False when the lease has been lost, and nothing is recorded.

    Args:
        slug: what it has made meanwhile, to be removed (`retention.unused`); empty: what was noted, if any.
    """
    claim = {"owner": "", "lease_until": None, **({"slug": slug} if slug else {})}
    ended = {"state": _GIVEN_UP, "error": reason, "finished_at": now()}
    return _ended(tx, build, {**ended, **claim})


def cancel(tx: Transaction, build: Build, reason: str) -> bool:
    """Give up a build, whoever waits for it; False when it runs, and its builder sees to it at once.

    Nothing happens to one that has ended. Nudge the app's builder: it removes what was built.
    """
    return _give_up(tx, build, reason)


def cancel_gated(tx: Transaction, build: Build, reason: str) -> bool:
    """Do as `cancel` with a gated build whose push is not taken.

    Nothing happens to one that belongs to a push: what becomes of that decides.
    """
    return _give_up(tx, build, reason, t.builds.c.gate != "", t.builds.c.push_id.is_(None))


def orphans(tx: Transaction) -> list[Build]:
    """Gated builds that have not ended, and belong to no push yet: for nobody, if who asked is gone."""
    states = [state.value for state in BuildState if not state.is_terminal]
    chosen = (t.builds.c.gate != "", t.builds.c.push_id.is_(None), t.builds.c.state.in_(states))
    return [_build(row) for row in tx.execute(select(t.builds).where(*chosen).order_by(t.builds.c.id))]


def newest_taken(tx: Transaction, app_id: int) -> Build | None:
    """The newest build whose commit the app's repository has (`is_taken`)."""
    joined = select(t.builds).join(t.pushes, t.pushes.c.id == t.builds.c.push_id, isouter=True)
    newest = joined.where(t.builds.c.app_id == app_id, is_taken()).order_by(t.builds.c.number.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    return None if row is None else _build(row)


def is_taken() -> ColumnElement[bool]:
    """Whether the repository has a build's commit: no gated one before its push, and none to be fetched.

    To be asked of builds joined with their pushes.
    """
    without = and_(t.builds.c.push_id.is_(None), t.builds.c.gate == "", t.builds.c.commit != "")
    return or_(without, t.pushes.c.state == PushState.ACCEPTED.value)


def count_queued(tx: Transaction, app_id: int) -> int:
    """Count the builds of an app that wait for a builder."""
    mine = (t.builds.c.app_id == app_id, t.builds.c.state == BuildState.QUEUED.value)
    return tx.scalar(select(func.count()).select_from(t.builds).where(*mine)) or 0


def in_state(tx: Transaction, *states: BuildState) -> list[Build]:
    """All builds in any of the states, oldest first."""
    return _all(tx, t.builds.c.state.in_([state.value for state in states]))


def _ended(tx: Transaction, build: Build, values: Mapping[str, object]) -> bool:
    """Record what may be the end of a held build; False when the lease has been lost."""
    is_held = tx.execute(_held(build).values(dict(values))).rowcount == 1
    if is_held:
        _tell(tx, build.id)
    return is_held


def _tell(tx: Transaction, *build_ids: int) -> None:
    for one in _all(tx, t.builds.c.id.in_(build_ids)):
        news.tell_build(tx, one)


def _give_up(tx: Transaction, build: Build, reason: str, *more) -> bool:  # type: ignore[no-untyped-def]  # column expressions
    mine = (t.builds.c.id == build.id, *more)
    pauses = t.builds.c.state.in_((*_FOR_A_PUSH, BuildState.QUEUED.value))
    canceled = {"state": BuildState.CANCELED.value, "error": reason, "finished_at": now()}
    if tx.execute(update(t.builds).where(*mine, pauses).values(canceled)).rowcount:
        _tell(tx, build.id)
        return True
    running = (t.builds.c.state == BuildState.RUNNING.value, t.builds.c.error == "")
    tx.execute(update(t.builds).where(*mine, *running).values(error=reason))
    return False


def _made(slug: str, targets: tuple[Target, ...], contents: Contents) -> dict[str, object]:
    commands = [[one.name, one.command] for one in targets]
    return {"slug": slug, "targets": commands, "contents": contents.render()}


def _held(build: Build):  # type: ignore[no-untyped-def]  # SQLAlchemy's Update is generic in nothing useful here
    held = (t.builds.c.id == build.id, t.builds.c.fence == build.fence)
    return update(t.builds).where(*held, t.builds.c.state == BuildState.RUNNING.value)


def _all(tx: Transaction, *conditions) -> list[Build]:  # type: ignore[no-untyped-def]  # column expressions
    chosen = select(t.builds).where(*conditions).order_by(t.builds.c.id)
    return [_build(row) for row in tx.execute(chosen)]


def _one(tx: Transaction, *conditions) -> Build | None:  # type: ignore[no-untyped-def]  # column expressions
    row = tx.execute(select(t.builds).where(*conditions)).one_or_none()
    return None if row is None else _build(row)


def _build(row: Row[tuple[object, ...]]) -> Build:
    values = {name: getattr(row, name) for name in Build.__dataclass_fields__}
    parsed = {
        "state": BuildState(row.state),
        "options": BuildOptions(**row.options),
        "targets": tuple(Target(name, command) for name, command in row.targets),
        "contents": Contents.parse(row.contents),
    }
    return Build(**{**values, **parsed})
