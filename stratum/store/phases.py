"""Rollouts that may take long: who has to wait with its own for those of others, and calling one off.

It is release phases, startup checks, rounds and stop sequences that may. A rollout that only waits for one
takes nothing from others but memory, so there may be many, not any number.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from stratum import stopping
from stratum.model import RELEASE_PHASE, Phase, RolloutState
from stratum.store import tables as t
from stratum.store.database import Transaction
from stratum.surge import ALL

LONG_STOP_S = 60  # as long as a web process without checks may take to start

_current = t.releases.alias("current")
_UNFINISHED = (
    select(
        t.rollouts.c.app_id,
        t.rollouts.c.build_id,
        t.rollouts.c.state,
        t.rollouts.c.error,
        t.releases.c.targets,
        t.releases.c.phase,
        t.apps.c.destroying,
        t.releases.c.contents,
        _current.c.contents.label("current_contents"),
    )
    .select_from(
        t.rollouts.join(t.apps, t.apps.c.id == t.rollouts.c.app_id)
        .join(t.releases, t.releases.c.id == t.rollouts.c.release_id, isouter=True)
        .join(_current, _current.c.id == t.apps.c.current_release_id, isouter=True)
    )
    .where(
        t.rollouts.c.state.in_(
            [RolloutState.QUEUED.value, RolloutState.RUNNING.value, RolloutState.LIVE.value]
        )
    )
    .order_by(t.rollouts.c.id)
)


@dataclass(frozen=True, slots=True)
class _Next:
    """The rollout that is an app's next, or under way; with what `_UNFINISHED` selects."""

    app_id: int
    build_id: int | None
    state: str
    error: str
    targets: Sequence[tuple[str, str]]
    phase: str | None  # None: it is of no release of its own
    destroying: bool
    contents: Mapping[str, Any] | None
    current_contents: Mapping[str, Any] | None

    @property
    def has_trial_ahead(self) -> bool:
        """Whether a release phase, checks or rounds of its app have not ended, as far as app.json says."""
        if self.has_phase_ahead:
            return True
        settings = _settings(self.contents or self.current_contents)
        has_checks = any(one["checks"] for one in settings)
        return not self.is_live and (has_checks or any(map(_takes_rounds, _settings(self.contents))))

    @property
    def may_take_rounds(self) -> bool:
        """Whether it brings another release, and is not through with that."""
        return self.contents is not None and not self.is_live

    @property
    def is_live(self) -> bool:
        """Whether it has only to stop what is old."""
        return self.state == RolloutState.LIVE.value

    @property
    def may_take_long(self) -> bool:
        """Whether it has, or what it stops may take its time, as far as app.json says."""
        return self.has_trial_ahead or any(map(_stops_slowly, _settings(self.current_contents)))

    @property
    def has_phase_ahead(self) -> bool:
        """Whether its release phase has not ended."""
        if self.phase not in (Phase.NONE.value, Phase.RUNNING.value):
            return False
        return any(name == RELEASE_PHASE and command for name, command in self.targets)

    @property
    def has_place(self) -> bool:
        """Whether it is under way: from when its rollout is claimed, though it begins a little later."""
        return self.state != RolloutState.QUEUED.value or self.phase == Phase.RUNNING.value


def waiting(tx: Transaction, most: int) -> Mapping[int, int | None]:
    """The apps whose next rollout has to wait, since `most` that may take long are under way or before it.

    One whose applier was lost is under way still. An app that is being destroyed waits for none, nor
    does what was called off.

    Returns:
        App id → id of the build that the rollout belongs to, if it does to one.
    """
    heads: dict[int, _Next] = {}
    for row in tx.execute(_UNFINISHED):
        heads.setdefault(row.app_id, _Next(*row))
    slow, by_rounds = _told(tx, _stops_slowly), _told(tx, _takes_rounds)
    ahead = [
        one
        for one in heads.values()
        if one.may_take_long or one.app_id in slow or (one.may_take_rounds and one.app_id in by_rounds)
    ]
    begun = [one for one in ahead if one.has_place]
    queued = [one for one in ahead if not one.has_place and not one.destroying and not one.error]
    return {one.app_id: one.build_id for one in queued[max(0, most - len(begun)) :]}


def call_off(tx: Transaction, build_id: int, reason: str) -> bool:
    """Have the release phase, checks or rounds of what a build has made end, and its release fail.

    Its applier finds the reason as the error of the rollout, which has not ended.

    Returns:
        Whether there is one that has not succeeded yet.
    """
    unfinished = (RolloutState.QUEUED.value, RolloutState.RUNNING.value)
    mine = (t.rollouts.c.build_id == build_id, t.rollouts.c.state.in_(unfinished))
    row = tx.execute(_UNFINISHED.where(*mine)).one_or_none()
    if row is None:
        return False
    found = _Next(*row)
    takes_rounds = found.may_take_rounds and found.app_id in _told(tx, _takes_rounds)
    if not found.has_trial_ahead and not takes_rounds:
        return False
    tx.execute(update(t.rollouts).where(*mine, t.rollouts.c.error == "").values(error=reason))
    return True


def _told(tx: Transaction, is_so: Callable[[Mapping[str, Any]], bool]) -> set[int]:
    """Ids of the apps of which the API was told something of a target."""
    rows = tx.execute(select(t.target_settings.c.app_id, t.target_settings.c.settings))
    return {row.app_id for row in rows if is_so(row.settings)}


def _takes_rounds(settings: Mapping[str, Any]) -> bool:
    return settings.get("max_surge", "") not in ("", ALL)


def _stops_slowly(settings: Mapping[str, Any]) -> bool:
    said: str = settings.get("stop_sequence", "")
    return said != "" and stopping.longest_s(stopping.parse(said)) > LONG_STOP_S


def _settings(contents: Mapping[str, Any] | None) -> Collection[Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = (contents or {}).get("settings", {})
    return found.values()
