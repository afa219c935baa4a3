"""Releases with a site, rolled out: no process answers, and processes and sites follow each other."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.reconciler import Reconciler
from runner.recover import Recovery
from stratum.model import (
    App,
    Check,
    CheckKind,
    Contents,
    Outcome,
    ReleaseState,
    Rollout,
    RolloutState,
    Target,
    TargetSettings,
)
from stratum.ownership import this_process
from stratum.site import PLAIN, Site, parse, render, table
from stratum.store import builds, formation, phases, releases, rollouts
from stratum.store.sites import Served
from tests.doors import as_uid
from tests.fakes import FakeNudges
from tests.stage import RUN_WEB, Stage

pytestmark = pytest.mark.integration

# What has checks may be canceled until it is live, also where its target has no process.
CALLED_OFF_UNTIL_LIVE = {"aside": TargetSettings((Check(CheckKind.UPTIME, uptime_s=1),))}


def site(
    stage: Stage, app: App, page: str, targets: Mapping[str, str] = {}, *, slug_file: bytes | None = None
) -> Rollout:
    """Record a release with a site and queue its rollout, as a builder does."""
    with stage.parts.database.write() as tx:
        version = len(list(releases.newest_first(tx, app.id))) + 1
        digest = f"{version:064x}"
        lines = tuple(Target(name, command) for name, command in targets.items())
        made = releases.add_release(
            tx,
            app.id,
            slug=digest,
            commit="c" * 40,
            targets=lines,
            cause="push",
            who="test",
            contents=Contents(site="dist", settings=CALLED_OFF_UNTIL_LIVE),
        )
        formation.set_scales(tx, app.id, dict.fromkeys(targets, 1))
        build = builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
        queued = rollouts.add_rollout(
            tx, app.id, cause="push", who="test", release_id=made.id, build_id=build.id
        )
    _build(stage, app, digest, page, slug_file or render(Site("dist", PLAIN)))
    return queued


def _build(stage: Stage, app: App, digest: str, page: str, slug_file: bytes) -> None:
    slug, uid = stage.layout.slug(app.id, digest), stage.instance.fence.build_uid(app.id)
    slug.mkdir()
    os.chown(slug, uid, uid)
    handle = os.open(slug, os.O_RDONLY)

    def work() -> None:
        os.umask(0o022)
        os.chdir(handle)
        Path("dist").mkdir()
        Path("dist/index.html").write_text(page)
        Path(".site.json").write_bytes(slug_file)

    as_uid(uid, work)
    os.close(handle)
    slug.chmod(0o755)


def test_a_site_has_no_web_process_and_is_live_with_what_else_its_procfile_has(stage: Stage) -> None:
    app = stage.app("site")
    done = stage.apply(app, site(stage, app, "one", {"worker": "exec sleep 1000"}))

    assert done.state is RolloutState.SUCCEEDED, done.error
    assert [(line.target, line.outcome) for line in done.report] == [("worker", Outcome.STARTED)]
    assert stage.get(app) == (200, "one")
    assert [name for name in stage.pids() if ".site." in name] == ["MyProdEnv.site.v1.worker.1"]


def test_what_is_canceled_at_the_last_moment_does_not_go_live_though_it_has_no_process(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage.app("nearly")
    stage.apply(app, site(stage, app, "one"))
    queued = site(stage, app, "two")
    route = stage.parts.router.route

    def switch(*given: Any, **also: Any) -> None:
        monkeypatch.setattr(stage.parts.router, "route", route)
        route(*given, **also)
        with stage.parts.database.write() as tx:
            assert phases.call_off(tx, queued.build_id or 0, "canceled by me")

    monkeypatch.setattr(stage.parts.router, "route", switch)
    done = stage.apply(app, queued)

    assert (done.state, done.error) == (RolloutState.FAILED, "The release was ended: canceled by me.")
    assert done.report == ()
    assert stage.get(app) == (200, "one")


def test_a_later_release_replaces_an_earlier_one_and_two_are_kept(stage: Stage) -> None:
    app = stage.app("later")
    for page in ("one", "two", "three"):
        stage.apply(app, site(stage, app, page))
        assert stage.get(app) == (200, page)

    parent = stage.layout.site(app.id, 1).parent
    names = as_uid(stage.instance.fence.router_uid, lambda: sorted(path.name for path in parent.iterdir()))
    assert names == ["v2", "v2.rules", "v3", "v3.rules"]


def test_processes_and_sites_follow_each_other_without_a_failed_request(stage: Stage) -> None:
    app = stage.app("changing")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    found, ended = [], threading.Event()

    def poll() -> None:
        while not ended.is_set():
            found.append(stage.get_once(app))

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        for page in ("one", "two"):
            assert stage.apply(app, site(stage, app, page)).state is RolloutState.SUCCEEDED
            assert stage.get(app) == (200, page)
            assert [name for name in stage.pids() if ".changing." in name] == []
            assert stage.deploy(app, {"web": RUN_WEB}).state is RolloutState.SUCCEEDED
            assert stage.get(app)[1].startswith("v")
    finally:
        ended.set()
        poller.join(60)
    assert {status for status, _ in found} == {200}


def test_a_site_that_cannot_be_served_leaves_the_one_before(stage: Stage) -> None:
    app = stage.app("broken")
    stage.apply(app, site(stage, app, "one"))
    bad = b'{"root": "elsewhere"}'

    done = stage.apply(app, site(stage, app, "two", slug_file=bad))

    assert done.state is RolloutState.FAILED
    assert "its site cannot be copied" in done.error
    assert stage.get(app) == (200, "one")
    with stage.parts.database.read() as tx:
        states = [one.state for one in list(releases.newest_first(tx, app.id))]
    assert states == [ReleaseState.FAILED, ReleaseState.LIVE]


def test_what_was_left_on_its_way_is_put_right_by_the_reconciler(stage: Stage) -> None:
    app = stage.app("left")
    stage.apply(app, site(stage, app, "one"))
    site(stage, app, "two")
    with (
        stage.parts.database.write() as tx
    ):  # as an applier leaves it that is killed five times after the switch
        two = rollouts.claim_next(tx, app.id, this_process())
        assert two is not None
        rollouts.record(tx, two, RolloutState.FAILED, (), "gave up")
    asked = stage.parts.door.publish_site(app.id, 2, f"{2:064x}")[0]
    served = Served(2, "left", table(parse(asked.encode()).rules))
    stage.parts.router.route(app, [], site=served)
    assert stage.get(app) == (200, "two")

    Reconciler(stage.parts, Recovery(stage.parts, FakeNudges())).converge()

    assert stage.get(app) == (200, "one")
