"""Apps that answer no request: neither a process nor a site does, and what of them says why."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select

from stratum.model import BuildState, RolloutState
from stratum.store import tables as t
from stratum.store.database import Transaction

_WEB = "web"
_BUILDING = [state.value for state in BuildState if not state.is_terminal]
_ROLLING_OUT = [RolloutState.QUEUED.value, RolloutState.RUNNING.value]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Such an app.

    Attributes:
        released: something of it has run.
        deploying: nothing has, and a build or a rollout of it waits or is under way.
        has_web: its current release has a target `web`.
        paused: that target is.
    """

    released: bool
    deploying: bool
    has_web: bool
    paused: bool


def _of(table: Table, states: list[str]) -> ColumnElement[bool]:
    return exists().where(table.c.app_id == t.apps.c.id, table.c.state.in_(states))


_WEB_SCALE = and_(t.formation.c.app_id == t.apps.c.id, t.formation.c.target == _WEB)
_ROUTED = exists().where(t.ports.c.app_id == t.apps.c.id, t.ports.c.routed)
_SERVED = exists().where(t.sites.c.app_id == t.apps.c.id, t.sites.c.version != 0)
_DEPLOYING = and_(
    t.apps.c.current_release_id.is_(None), or_(_of(t.builds, _BUILDING), _of(t.rollouts, _ROLLING_OUT))
)
_ALL = (
    select(
        t.apps.c.id,
        t.apps.c.current_release_id,
        t.releases.c.targets,
        t.formation.c.paused,
        _DEPLOYING.label("deploying"),
    )
    .select_from(
        t.apps.join(t.releases, t.releases.c.id == t.apps.c.current_release_id, isouter=True).join(
            t.formation, _WEB_SCALE, isouter=True
        )
    )
    .where(~_ROUTED, ~_SERVED)
)


def quiet_apps(tx: Transaction) -> dict[int, Quiet]:
    """App id → what is known of it, for all apps that answer no request."""
    return {
        row.id: Quiet(
            released=row.current_release_id is not None,
            deploying=bool(row.deploying),
            has_web=any(name == _WEB for name, _ in row.targets or ()),
            paused=bool(row.paused),
        )
        for row in tx.execute(_ALL)
    }
