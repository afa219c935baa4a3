"""News of apps: written in the very transaction that makes it true, and read from where a reader was.

Whoever tells it on moves its own mark in the transaction in which it notes what to tell: so nothing is lost,
and nothing told on twice, whichever part of ours is killed when. What git servers are told of commits
(`stratum.store.statuses`) is due from the same moment.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Row, delete, func, insert, select

from stratum.model import Build, BuildState, Crash, News, NewsKind, Rollout, RolloutState
from stratum.processes import crash_text
from stratum.store import statuses
from stratum.store import tables as t
from stratum.store.clock import now
from stratum.store.database import Transaction

KEPT = 1000  # rows that have been read

_ENDS = {
    RolloutState.LIVE: NewsKind.RELEASE_LIVE,
    RolloutState.SUCCEEDED: NewsKind.RELEASE_LIVE,
    RolloutState.FAILED: NewsKind.RELEASE_FAILED,
}


def tell_build(tx: Transaction, build: Build) -> None:
    """Note how a build has ended; nothing while it has not, or where there was nothing to build."""
    if build.state.is_terminal and build.state is not BuildState.SKIPPED:
        said: dict[str, object] = {
            "number": build.number,
            "status": build.state.value,
            "commit": build.commit,
            "source": build.source,
            "reason": build.options.reason,
            "who": build.who,
            "error": build.error,
            "superseded_by": build.superseded_by,
        }
        _tell(tx, build.app_id, NewsKind(f"build.{build.state}"), f"build {build.id}", {"build": said})
        statuses.touch(tx, build.app_id, build.number)


def tell_rollout(tx: Transaction, rollout: Rollout, state: RolloutState, error: str) -> None:
    """Note that a release went live, or failed; other rollouts are told to whoever asked for them."""
    if rollout.release_id is None or state not in _ENDS:
        return
    row = tx.execute(select(t.releases).where(t.releases.c.id == rollout.release_id)).one_or_none()
    if row is None:
        return
    release = {"version": row.version, "commit": row.commit, "cause": row.cause, "who": row.who}
    said, build = {"number": rollout.number, "error": error}, _number(tx, rollout.build_id)
    data: dict[str, object] = {"release": release, "rollout": said, "build": build}
    _tell(tx, rollout.app_id, _ENDS[state], f"rollout {rollout.id}", data)
    if build is not None:
        statuses.touch(tx, rollout.app_id, build)
    if _ENDS[state] is NewsKind.RELEASE_LIVE:
        statuses.touch_deployments(tx, rollout.app_id, row.commit)


def tell_crash(tx: Transaction, crash: Crash) -> None:
    """Note that a process is crash-looping: once for all ends in a row."""
    version, target, index = crash.process.rsplit(".", 3)[1:]
    data = {
        "process": {"name": crash.process, "release": version, "target": target, "index": int(index)},
        "crash": {
            "since": crash.since.isoformat(),
            "count": crash.count,
            "exit_status": crash.exit_status,
            "message": crash_text(crash),
        },
    }
    subject = f"{crash.process} {crash.since.isoformat()}"
    _tell(tx, crash.app_id, NewsKind.CRASH_LOOPING, subject, data)


def is_unread(tx: Transaction, reader: str) -> bool:
    """Whether there is anything that a reader has not read."""
    newest = tx.scalar(select(func.max(t.news.c.id))) or 0
    return newest > _mark(tx, reader)


def unread(tx: Transaction, reader: str, most: int) -> list[News]:
    """Return what a reader has not read yet, oldest first."""
    chosen = select(t.news).where(t.news.c.id > _mark(tx, reader)).order_by(t.news.c.id).limit(most)
    return [_news(row) for row in tx.execute(chosen)]


def mark_read(tx: Transaction, reader: str, last: News) -> None:
    """Note that a reader has read all up to this, and drop what is old."""
    tx.execute(delete(t.news_readers).where(t.news_readers.c.name == reader))
    tx.execute(insert(t.news_readers).values(name=reader, news_id=last.id))
    everybody_has = select(func.min(t.news_readers.c.news_id)).scalar_subquery()
    tx.execute(delete(t.news).where(t.news.c.id <= everybody_has - KEPT))


def _tell(tx: Transaction, app_id: int, kind: NewsKind, subject: str, data: Mapping[str, object]) -> None:
    row = {"app_id": app_id, "kind": kind.value, "subject": subject, "data": dict(data), "at": now()}
    tx.execute(insert(t.news).prefix_with("OR IGNORE").values(row))


def _number(tx: Transaction, build_id: int | None) -> int | None:
    if build_id is None:
        return None
    found: int | None = tx.scalar(select(t.builds.c.number).where(t.builds.c.id == build_id))
    return found


def _mark(tx: Transaction, reader: str) -> int:
    return tx.scalar(select(t.news_readers.c.news_id).where(t.news_readers.c.name == reader)) or 0


def _news(row: Row[tuple[object, ...]]) -> News:
    at: datetime = row.at
    return News(row.id, row.app_id, NewsKind(row.kind), at, row.data)
