"""The journal of pushes: a row before the ref moves, a build with its acceptance."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, func, insert, select, update

from stratum.model import NO_OPTIONS, Build, BuildOptions, BuildState, Push, PushState, RefUpdate
from stratum.store import statuses
from stratum.store import tables as t
from stratum.store.builds import add_build, build_of_push, enqueue, get_build, supersede_queued
from stratum.store.clock import now
from stratum.store.database import Transaction
from stratum.store.prepared import AnyRow, Prepared

_JOURNAL = Prepared(insert(t.pushes), [column.name for column in t.pushes.c if column.name != "id"])
_PENDING = select(t.pushes).where(t.pushes.c.state == PushState.PENDING.value).order_by(t.pushes.c.id)
_PENDING_OF_APP = Prepared(_PENDING.where(t.pushes.c.app_id == bindparam("app")))
_CHOSEN = t.pushes.c.id.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
_ACCEPT = Prepared(update(t.pushes).where(_CHOSEN).values(state=PushState.ACCEPTED.value))
_DEPLOYING = Prepared(select(t.pushes).where(_CHOSEN, t.pushes.c.deploys).order_by(t.pushes.c.id))


def journal(
    tx: Transaction,
    app_id: int,
    updates: list[tuple[RefUpdate, bool]],
    who: str,
    *,
    web_process: str,
    receive_process: str,
    options: BuildOptions = NO_OPTIONS,
) -> list[int]:
    """Record updates that git is about to make; return their ids.

    Args:
        updates: each with whether it deploys.
        options: of the build that follows.
        web_process, receive_process: each `pid:starttime`; when both are gone the reconciler settles the
            rows by looking at the ref.
    """
    common = {
        "app_id": app_id,
        "who": who,
        "state": PushState.PENDING.value,
        "created_at": now(),
        "options": asdict(options),
        "web_process": web_process,
        "receive_process": receive_process,
    }
    return [
        _JOURNAL.do(tx, {"ref": u.ref, "old": u.old, "new": u.new, "deploys": deploys, **common})
        for u, deploys in updates
    ]


def accept(tx: Transaction, push_ids: Sequence[int]) -> list[Build]:
    """Mark pushes accepted and queue the builds of those that deploy; the same builds when called twice.

    What is queued already gives way to the newest.
    """
    chosen = {"ids": json.dumps(list(push_ids))}
    _ACCEPT.do(tx, chosen)
    return [_queued(tx, _push(row)) for row in _DEPLOYING.rows(tx, chosen)]


def reject(tx: Transaction, push_ids: Sequence[int]) -> None:
    """Mark pushes, where they are pending, as without effect, and give up builds that wait for them.

    What was fetched may be pushed again.
    """
    pending = (t.pushes.c.id.in_(push_ids), t.pushes.c.state == PushState.PENDING.value)
    tx.execute(update(t.pushes).where(*pending).values(state=PushState.REJECTED.value))
    waiting = (t.builds.c.push_id.in_(push_ids), t.builds.c.state == BuildState.WAITING.value)
    given_up = {"state": BuildState.CANCELED.value, "error": "The ref did not move.", "finished_at": now()}
    tx.execute(update(t.builds).where(*waiting).values(given_up))
    fetched = (t.builds.c.push_id.in_(push_ids), t.builds.c.state == BuildState.FETCHING.value)
    tx.execute(update(t.builds).where(*fetched).values(push_id=None, commit=""))


def get_push(tx: Transaction, push_id: int) -> Push | None:
    """Find by id."""
    row = tx.execute(select(t.pushes).where(t.pushes.c.id == push_id)).one_or_none()
    return None if row is None else _push(row)


def pending(tx: Transaction, app_id: int | None = None) -> list[Push]:
    """Pushes that are neither accepted nor rejected, oldest first."""
    rows = tx.execute(_PENDING) if app_id is None else _PENDING_OF_APP.rows(tx, {"app": app_id})
    return [_push(row) for row in rows]


def newest(tx: Transaction, app_id: int, ref: str) -> Push | None:
    """The newest push of a ref that was not rejected."""
    chosen = select(t.pushes).where(
        t.pushes.c.app_id == app_id, t.pushes.c.ref == ref, t.pushes.c.state != PushState.REJECTED.value
    )
    row = tx.execute(chosen.order_by(t.pushes.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _push(row)


def was_followed(tx: Transaction, push: Push) -> bool:
    """Whether a later accepted push moved the ref away from where this one put it."""
    chosen = select(t.pushes.c.id).where(
        t.pushes.c.app_id == push.app_id,
        t.pushes.c.ref == push.update.ref,
        t.pushes.c.old == push.update.new,
        t.pushes.c.id > push.id,
        t.pushes.c.state == PushState.ACCEPTED.value,
    )
    return tx.execute(chosen.limit(1)).one_or_none() is not None


def _queued(tx: Transaction, push: Push) -> Build:
    found = build_of_push(tx, push.id)
    if found is not None and found.state not in (BuildState.WAITING, BuildState.FETCHING):
        return found
    if found is not None:
        enqueue(tx, found.id)
        if found.state is BuildState.FETCHING:
            statuses.note_build(tx, push.app_id, found.number, push.update.new)
        return supersede_queued(tx, get_build(tx, found.id))
    queued = add_build(
        tx,
        push.app_id,
        push.update.new,
        source="push",
        who=push.who,
        push_id=push.id,
        options=push.options,
    )
    return supersede_queued(tx, queued)


def _push(row: AnyRow) -> Push:
    return Push(
        id=row.id,
        app_id=row.app_id,
        update=RefUpdate(row.ref, row.old, row.new),
        who=row.who,
        state=PushState(row.state),
        deploys=bool(row.deploys),
        web_process=row.web_process,
        receive_process=row.receive_process,
        created_at=row.created_at,
        options=BuildOptions(**row.options),
    )
