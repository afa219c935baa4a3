"""Which commits of an app must stay in its repository, whatever its branches do."""

from sqlalchemy import bindparam, func, or_, select

from stratum.model import BuildState, ReleaseState
from stratum.store import tables as t
from stratum.store.builds import is_taken
from stratum.store.database import Transaction

NEWEST = 50  # builds of an app whose commits stay, whatever became of them

_MINE = t.builds.c.app_id == bindparam("app")
_UNFINISHED = [state.value for state in BuildState if not state.is_terminal]
_RELEASED = select(t.releases.c.build_id).where(
    t.releases.c.app_id == bindparam("app"),
    t.releases.c.build_id.is_not(None),
    t.releases.c.state != ReleaseState.FAILED.value,
)
_NEWEST = select(func.max(t.builds.c.number)).where(_MINE).scalar_subquery()
_JOINED = t.builds.join(t.pushes, t.pushes.c.id == t.builds.c.push_id, isouter=True)
_KEPT = (
    select(t.builds.c.number, t.builds.c.commit)
    .select_from(_JOINED)
    .where(_MINE, is_taken())
    .where(
        or_(
            t.builds.c.state.in_(_UNFINISHED),
            t.builds.c.number > _NEWEST - NEWEST,
            t.builds.c.id.in_(_RELEASED),
        )
    )
)


def kept_commits(tx: Transaction, app_id: int) -> dict[int, str]:
    """Build number → commit, of the builds whose commit may be asked for again.

    Those that have not ended, those with a release that runs, ran or may yet run (so that it can be
    gone back to and built again), and the newest ones; of those whose commit the repository has.
    """
    return {row.number: row.commit for row in tx.execute(_KEPT, {"app": app_id})}
