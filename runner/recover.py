"""Builds and rollouts whose worker is gone, or that nobody has begun: back into the queue, and nudged."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from runner.apply.give_up import give_up, may_be_given_up
from runner.apply.lease import LeaseLost
from runner.apply.parts import Parts
from runner.apply.places import phases_at_once
from runner.records import prune_builds, prune_rollouts
from runner.reviews import end_reviews
from runner.silence import Silence
from stratum.buildlog import Log
from stratum.model import Build, BuildState, Rollout, RolloutState
from stratum.ownership import end, is_alive, is_free
from stratum.store import builds, deliveries, phases, retention, rollouts

log = logging.getLogger(__name__)

# Whoever queues something nudges at once; only what is older than this may have been forgotten.
FRESH_S = 1.0
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
PRUNE_EVERY_S = 30.0


class Nudger(Protocol):
    """Wakes builders, appliers and fetchers (`stratum.queue.Nudges`)."""

    def build(self, app_id: int) -> bool:
        """Ask a builder to look at an app."""

    def rollout(self, app_id: int) -> bool:
        """Ask an applier to look at an app."""

    def fetch(self, app_id: int) -> bool:
        """Ask a fetcher to look at an app."""


@dataclass(slots=True)
class _Reminder:
    """When the last nudge went out, or what it is for was first seen, and how long to wait for the next."""

    sent: float
    pause_s: float = FIRST_PAUSE_S


@dataclass(slots=True)
class Recovery:
    """Looks at what is queued and what is running, again and again.

    Attributes:
        is_awaited: whether, when it last looked, anything was.
    """

    parts: Parts
    nudger: Nudger
    is_awaited: bool = False
    _silence: Silence = field(default_factory=Silence)
    _reminders: dict[tuple[str, int], _Reminder] = field(default_factory=dict)
    _has_reminded: bool = False
    _pruned_at: float = float("-inf")

    def run(self) -> None:
        """Take back what the dead have left, then remind of what waits."""
        with self.parts.database.read() as tx:
            building = builds.in_state(tx, BuildState.RUNNING)
            rolling = rollouts.in_state(tx, RolloutState.RUNNING, RolloutState.LIVE)
        held: list[Build | Rollout] = [*building, *rolling]
        self.is_awaited = bool(held)
        self._silence.look((_claim(work), work.lease_until) for work in held)
        for build in building:
            if self._is_abandoned(build, self.parts.build_lock(build.app_id), builds.LEASE_S):
                self._take_back_build(build)
        for rollout in rolling:
            if self._is_abandoned(rollout, self.parts.apply_lock(rollout.app_id), rollouts.LEASE_S):
                self._take_back_rollout(rollout)
        self._remind()
        if time.monotonic() - self._pruned_at >= PRUNE_EVERY_S:
            self._have_pruned()

    def _have_pruned(self) -> None:
        """Nudge the builders of apps that keep more than they need: they tidy up, too."""
        self._pruned_at = time.monotonic()
        with self.parts.database.read() as tx:
            due = {
                *retention.apps_with_surplus(tx, self.parts.instance.settings.keep_releases),
                *retention.apps_with_unused(tx),
            }
        for app_id in sorted(due):
            self.nudger.build(app_id)
        prune_builds(self.parts)
        prune_rollouts(self.parts)
        end_reviews(self.parts)

    def _take_back_build(self, build: Build) -> None:
        give_up = build.attempt >= builds.MAX_ATTEMPTS and not build.error  # which is why it is not wanted
        error = f"its builder was lost {build.attempt} times"
        with self.parts.database.write() as tx:
            if give_up:
                changed = builds.finish(tx, build, BuildState.FAILED, error=error)
            else:
                changed = builds.give_back(tx, build)
            if changed:
                self._tell(builds.get_build(tx, build.id))
        if not changed:
            return
        log.warning("took back build %d of app %d from %s", build.number, build.app_id, build.owner)
        end(build.owner)  # one that stands still would keep the app's lock for as long as it does
        self._nudge("build", build.app_id)

    def _tell(self, build: Build) -> None:
        """Say what becomes of a build, before those who follow it can see that."""
        try:
            with Log(self.parts.instance.layout.build_log(build.app_id, build.number)) as lines:
                lines.error(_became(build))
        except OSError as error:
            log.warning("the log of build %d of app %d: %s", build.number, build.app_id, error)

    def _take_back_rollout(self, rollout: Rollout) -> None:
        if may_be_given_up(self.parts, rollout):
            with suppress(LeaseLost):
                give_up(self.parts, rollout, f"its applier was lost {rollout.attempt} times.")
                log.warning("gave rollout %d of app %d up", rollout.number, rollout.app_id)
            self._nudge("rollout", rollout.app_id)
            return
        with self.parts.database.write() as tx:
            changed = rollouts.give_back(tx, rollout)
        if changed:
            log.warning("took back rollout %d of app %d", rollout.number, rollout.app_id)
            end(rollout.owner)
            self._nudge("rollout", rollout.app_id)

    def _remind(self) -> None:
        """Nudge whom a queued thing waits for, unless somebody works for that app, or nobody may yet."""
        with self.parts.database.read() as tx:
            waiting_builds = builds.in_state(tx, BuildState.QUEUED)
            building = {build.app_id for build in builds.in_state(tx, BuildState.RUNNING)}
            waiting = rollouts.in_state(tx, RolloutState.QUEUED)
            under_way = rollouts.in_state(tx, RolloutState.RUNNING, RolloutState.LIVE)
            fetching = deliveries.queued(tx)
            without_place = phases.waiting(tx, phases_at_once(self.parts)).keys()
        rolling = {rollout.app_id for rollout in under_way} | without_place
        wanted = {("build", build.app_id) for build in waiting_builds if build.app_id not in building}
        wanted |= {("rollout", rollout.app_id) for rollout in waiting if rollout.app_id not in rolling}
        wanted |= {("fetch", delivery.app_id) for delivery in fetching}
        self.is_awaited = self.is_awaited or bool(wanted)
        for gone in self._reminders.keys() - wanted:
            del self._reminders[gone]
        # What waits when this begins to look was queued while nobody did.
        grace_s = FRESH_S if self._has_reminded else 0.0
        self._has_reminded = True
        for kind, app_id in sorted(wanted):
            reminder = self._reminders.setdefault((kind, app_id), _Reminder(time.monotonic(), grace_s))
            if time.monotonic() - reminder.sent >= reminder.pause_s:
                self._nudge(kind, app_id)

    def _nudge(self, kind: str, app_id: int) -> None:
        last = self._reminders.get((kind, app_id))
        nudges = {"build": self.nudger.build, "rollout": self.nudger.rollout, "fetch": self.nudger.fetch}
        taken = nudges[kind](app_id)
        pause_s = (
            max(FIRST_PAUSE_S, min(last.pause_s * 2, LONGEST_PAUSE_S)) if last and taken else FIRST_PAUSE_S
        )
        self._reminders[kind, app_id] = _Reminder(time.monotonic(), pause_s)

    def _is_abandoned(self, work: Build | Rollout, lock: Path, lease_s: float) -> bool:
        """Whether the worker is dead, as the kernel tells on this host, or was silent for too long."""
        if self._silence.of(_claim(work)) >= lease_s:
            return True
        return not is_alive(work.owner) and is_free(lock)


def _became(build: Build) -> str:
    """Say what becomes of a build whose builder was lost."""
    if build.state is BuildState.QUEUED:
        return "The builder was lost; building again."
    if build.state in (BuildState.CANCELED, BuildState.SUPERSEDED):
        return f"Build {build.state}: {build.error}"
    advice = "Push again; the server's log may say more. Nothing of it was started."
    return f"Build failed: {build.error}.\n{advice}"


def _claim(work: Build | Rollout) -> tuple[str, int, int]:
    return type(work).__name__, work.id, work.fence
