"""Reminding of queued work, with the store real and everything else left out."""

import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from runner import recover, silence
from runner.recover import Recovery
from stratum.model import (
    App,
    Build,
    BuildState,
    DeliveryState,
    NewDelivery,
    ReleaseState,
    Rollout,
    RolloutState,
)
from stratum.ownership import process_name
from stratum.settings import Settings
from stratum.store import Database, builds, deliveries, environments, formation, releases, rollouts, tables
from stratum.store import clock as store_clock
from stratum.verbs import webhooks as verbs
from stratum.webhooks import Provider
from tests.databases import new_database
from tests.fakes import FakeNudges
from tests.there import there


@dataclass
class Site:
    database: Database
    app: App
    parts: Any
    nudges: FakeNudges
    recovery: Recovery


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    new_database(tmp_path / "db")
    database = Database.open(tmp_path / "db")
    with database.write() as tx:
        app = environments.add_app(tx, environments.add_environment(tx, "Env", "x", start_all=False), "app")
    layout = SimpleNamespace(build_log=lambda app_id, number: tmp_path / f"{app_id}-{number}.log")
    parts = SimpleNamespace(
        database=database,
        instance=SimpleNamespace(layout=layout, settings=Settings(keep_releases=1, keep_builds=3)),
        build_lock=lambda app_id: tmp_path / "build.lock",
        apply_lock=lambda app_id: tmp_path / "apply.lock",
    )
    monkeypatch.setattr(recover, "FRESH_S", 0.0)
    nudges = FakeNudges()
    yield Site(database, app, parts, nudges, Recovery(parts, nudges))  # type: ignore[arg-type]
    database.close()


def claim_build(site: Site, owner: str) -> Build:
    with site.database.write() as tx:
        claimed = builds.claim_next(tx, site.app.id, owner)
    assert claimed
    return claimed


def test_a_build_lost_too_often_has_failed(site: Site, tmp_path: Path) -> None:
    with site.database.write() as tx:
        build = builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
    for _ in range(builds.MAX_ATTEMPTS):
        claim_build(site, "1:1")
        site.recovery.run()
    with site.database.read() as tx:
        ended = builds.get_build(tx, build.id)
    assert (ended.state, ended.error) == (BuildState.FAILED, "its builder was lost 3 times")
    assert (tmp_path / "1-1.log").read_text() == (
        " !     The builder was lost; building again.\n" * 2
        + " !     Build failed: its builder was lost 3 times.\n"
        + " !     Push again; the server's log may say more. Nothing of it was started.\n"
    )


def test_a_gated_build_given_up_while_its_builder_was_lost_is_canceled(site: Site, tmp_path: Path) -> None:
    with site.database.write() as tx:
        build = builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me", gate="1:1")
    claimed = claim_build(site, "1:1")
    with site.database.write() as tx:
        builds.cancel_gated(tx, claimed, "The pusher has gone.")
    site.recovery.run()
    with site.database.read() as tx:
        assert builds.get_build(tx, build.id).state is BuildState.CANCELED
    assert (tmp_path / "1-1.log").read_text() == " !     Build canceled: The pusher has gone.\n"


@pytest.mark.parametrize(("was_live", "state", "scale"), [(False, "failed", 1), (True, "succeeded", 3)])
def test_a_rollout_lost_too_often_is_given_up(site: Site, was_live: bool, state: str, scale: int) -> None:
    with site.database.write() as tx:
        formation.set_scales(tx, site.app.id, {"worker": 3})
        before = {"worker": 1}
        rollout = rollouts.add_rollout(tx, site.app.id, cause="scale", who="me", formation_before=before)
    for _ in range(rollouts.MAX_ATTEMPTS):
        with site.database.write() as tx:
            claimed = rollouts.claim_next(tx, site.app.id, "1:1")
            assert claimed
            if was_live:
                rollouts.record(tx, claimed, RolloutState.LIVE, [])
        site.recovery.run()
    with site.database.read() as tx:
        ended = rollouts.get_rollout(tx, rollout.id)
        assert formation.get_formation(tx, site.app.id).scale("worker") == scale
    assert (ended.state, ended.error) == (state, "its applier was lost 5 times.")


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on nothing, to be named as the owner of something."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Our own clock; the wall clock jumps by a day at each look at it, to and fro."""
    at = [1000.0]
    days = itertools.cycle([timedelta(days=-1), timedelta(days=1)])
    monkeypatch.setattr(silence, "time", SimpleNamespace(monotonic=lambda: at[0]))
    monkeypatch.setattr(recover, "time", SimpleNamespace(monotonic=lambda: at[0]))
    monkeypatch.setattr(store_clock, "now", lambda: datetime.now(UTC) + next(days))
    return at


def claim(site: Site, kind: str, owner: str) -> Build | Rollout:
    with site.database.write() as tx:
        if kind == "build":
            builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
        else:
            rollouts.add_rollout(tx, site.app.id, cause="scale", who="me")
    with site.database.write() as tx:
        store: Any = builds if kind == "build" else rollouts
        held: Build | Rollout | None = store.claim_next(tx, site.app.id, owner)
    assert held
    return held


def renew(site: Site, held: Build | Rollout) -> bool:
    with site.database.write() as tx:
        return builds.renew(tx, held) if isinstance(held, Build) else rollouts.renew(tx, held)


@pytest.mark.parametrize("kind", ["build", "rollout"])
def test_who_has_been_silent_for_too_long_loses_its_work_and_is_ended(
    site: Site, holder: "subprocess.Popen[bytes]", clock: list[float], kind: str
) -> None:
    held = claim(site, kind, process_name(holder.pid))
    holder.send_signal(signal.SIGSTOP)
    while is_held(site, held):
        clock[0] += 2
        site.recovery.run()
    assert holder.wait(timeout=30) == -signal.SIGKILL
    lease_s = builds.LEASE_S if kind == "build" else rollouts.LEASE_S
    assert lease_s <= clock[0] - 1000 <= lease_s + 4
    assert not renew(site, held)


def is_held(site: Site, held: Build | Rollout) -> bool:
    with site.database.read() as tx:
        now = builds.get_build(tx, held.id) if isinstance(held, Build) else rollouts.get_rollout(tx, held.id)
    return now.fence == held.fence


@pytest.mark.parametrize("kind", ["build", "rollout"])
def test_whoever_goes_on_renewing_keeps_its_work_whatever_the_wall_clock_shows(
    site: Site, holder: "subprocess.Popen[bytes]", clock: list[float], kind: str
) -> None:
    held = claim(site, kind, process_name(holder.pid))
    for _ in range(60):
        site.recovery.run()
        clock[0] += 2
        assert renew(site, held)
    assert holder.poll() is None


def test_a_pause_of_ours_is_no_silence_of_others(
    site: Site, holder: "subprocess.Popen[bytes]", clock: list[float]
) -> None:
    """The whole machine stood still: we must not be the first to judge."""
    held = claim(site, "build", process_name(holder.pid))
    site.recovery.run()
    clock[0] += 3600
    site.recovery.run()
    assert renew(site, held)
    assert holder.poll() is None


def test_what_is_queued_is_reminded_of_whatever_the_wall_clock_shows(site: Site, clock: list[float]) -> None:
    with site.database.write() as tx:
        builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
        tx.execute(update(tables.builds).values(created_at=datetime.now(UTC) + timedelta(days=9)))
    for _ in range(3):
        site.recovery.run()
        clock[0] += 2
    assert site.nudges.builds


def test_one_that_was_given_up_is_canceled_however_often_its_builder_was_lost(site: Site) -> None:
    with site.database.write() as tx:
        build = builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
    for _ in range(builds.MAX_ATTEMPTS - 1):
        claim_build(site, "1:1")
        site.recovery.run()
    claimed = claim_build(site, "1:1")
    with site.database.write() as tx:
        builds.cancel(tx, claimed, "me asked for it.")
    site.recovery.run()
    with site.database.read() as tx:
        assert builds.get_build(tx, build.id).state is BuildState.CANCELED


def test_reminders_come_ever_more_rarely_once_they_are_taken(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.database.write() as tx:
        rollouts.add_rollout(tx, site.app.id, cause="scale", who="me")
    sent = []
    for second in range(40):
        monkeypatch.setattr(recover, "time", SimpleNamespace(monotonic=partial(float, second)))
        before = len(site.nudges.rollouts)
        site.recovery.run()
        if len(site.nudges.rollouts) > before:
            sent.append(second)
    assert sent == [0, 2, 6, 14, 30]


def test_an_app_with_more_releases_than_it_needs_is_tidied_now_and_then(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.database.write() as tx:
        for slug in ("1", "2", "3"):
            made = releases.add_release(
                tx, site.app.id, slug=slug, commit="c" * 40, targets=(), cause="", who=""
            )
            releases.set_release_state(tx, made.id, ReleaseState.RETIRED)
        made = next(releases.newest_first(tx, site.app.id))
        environments.set_current_release(tx, site.app.id, made.id)
    for second in range(0, 70, 10):
        monkeypatch.setattr(recover, "time", SimpleNamespace(monotonic=partial(float, second)))
        site.recovery.run()
    assert site.nudges.builds == [site.app.id] * 3


def test_what_a_killed_builder_has_made_for_nobody_goes_without_another_build(site: Site) -> None:
    with site.database.write() as tx:
        other = environments.add_app(tx, site.app.environment, "other")
        builds.add_build(tx, other.id, "c" * 40, source="push", who="me")
        builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
        claimed = there(builds.claim_next(tx, site.app.id, "nobody"))
        assert builds.note_slug(tx, claimed, "a" * 64, ())
        assert builds.drop(tx, claimed, "given up")
        assert builds.finish(tx, there(builds.claim_next(tx, other.id, "nobody")), BuildState.FAILED)

    site.recovery.run()

    assert site.nudges.builds == [site.app.id]


def queued_delivery(site: Site) -> int:
    wanted = verbs.Wanted(Provider.GITHUB, "https://git.example.com/a.git", b"sealed")
    new = NewDelivery("d-1", "push", {}, 0, DeliveryState.QUEUED, "", branch="main")
    with site.database.write() as tx:
        made = verbs.create(tx, site.app, wanted, who="me")
        return deliveries.record(tx, site.app.id, made.id, new)


def test_old_builds_go_with_their_logs(site: Site, tmp_path: Path) -> None:
    for number in range(1, 6):
        with site.database.write() as tx:
            builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
        held = claim_build(site, "1:1")
        with site.database.write() as tx:
            builds.finish(tx, held, BuildState.FAILED, error="no")
        if number != 2:  # whose removal was cut off
            (tmp_path / f"{site.app.id}-{number}.log").write_text("log\n")

    site.recovery.run()

    with site.database.read() as tx:
        assert [build.number for build in builds.list_builds(tx, site.app.id)] == [5, 4, 3]
    assert sorted(path.name for path in tmp_path.glob("*.log")) == [
        f"{site.app.id}-{n}.log" for n in (3, 4, 5)
    ]


def test_what_a_web_hook_has_delivered_is_reminded_of_until_it_has_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may have lost the nudge, or the fetcher may have been killed."""
    number = queued_delivery(site)
    site.recovery.run()
    assert site.nudges.fetches == [site.app.id]
    with site.database.write() as tx:
        deliveries.put_off(tx, number, "nobody answers", datetime.now(UTC) + timedelta(hours=1))
    monkeypatch.setattr(recover, "time", SimpleNamespace(monotonic=partial(float, 10**9)))
    site.recovery.run()
    assert site.nudges.fetches == [site.app.id], "it is to wait"


def test_only_what_waits_when_this_begins_is_reminded_of_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever queues something later nudges, too; at the start that may have been long ago."""
    monkeypatch.setattr(recover, "FRESH_S", 1.0)
    with site.database.write() as tx:
        builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
    site.recovery.run()
    assert (site.nudges.builds, site.nudges.rollouts) == ([site.app.id], [])

    with site.database.write() as tx:
        rollouts.add_rollout(tx, site.app.id, cause="scale", who="me")
    site.recovery.run()
    assert site.nudges.rollouts == []
    site.recovery._reminders["rollout", site.app.id].pause_s = 0.0
    site.recovery.run()
    assert site.nudges.rollouts == [site.app.id]


def test_it_is_told_whether_anything_is_awaited(site: Site) -> None:
    awaited = []
    site.recovery.run()
    awaited.append(site.recovery.is_awaited)
    with site.database.write() as tx:
        builds.add_build(tx, site.app.id, "c" * 40, source="push", who="me")
    site.recovery.run()
    awaited.append(site.recovery.is_awaited)
    claim_build(site, process_name(os.getpid()))
    site.recovery.run()
    awaited.append(site.recovery.is_awaited)
    assert awaited == [False, True, True]
