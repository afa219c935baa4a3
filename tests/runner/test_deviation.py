"""Whose processes are whose, also after a rename. Pure."""

from dataclasses import replace
from datetime import UTC, datetime

from runner.deviation import Wished, apps_of, deviating, orphaned
from stratum.model import App, Contents, Environment, Formation, Release, ReleaseState, Target
from stratum.states import ProcessStatus, State

NOW = datetime(2026, 11, 1, tzinfo=UTC)
APP = App(2, "shop", Environment(1, "MyProdEnv", "production", False, NOW), "master", 9, False, NOW)


def release(version, name):
    state, targets = ReleaseState.LIVE, (Target("web", "x"),)
    return Release(9, 2, version, None, "c", "s", 0, targets, "push", "me", state, NOW, name)


def wished(current, names=("shop", "first"), *, busy=False):
    return [Wished(APP, names, current, Formation({"web": 1}), busy, 1)]


def actual(*names):
    return {name: ProcessStatus(name, 7, State.RUNNING, NOW, 0, None) for name in names}


def test_what_runs_under_the_former_name_is_right_while_its_release_is_current():
    there = actual("MyProdEnv.first.v1.web.1")

    assert deviating(wished(release(1, "first")), there) == []
    assert orphaned(wished(release(1, "first")), there) == []


def test_what_is_left_under_the_former_name_is_the_apps_own_to_stop():
    there = actual("MyProdEnv.first.v1.web.1", "MyProdEnv.shop.v2.web.1")

    assert deviating(wished(release(2, "shop")), there) == [APP]
    assert deviating(wished(release(2, "shop"), busy=True), there) == []
    assert orphaned(wished(release(2, "shop"), busy=True), there) == []


def test_a_name_that_the_app_has_lost_is_none_of_its_own():
    there = actual("MyProdEnv.first.v1.web.1", "MyProdEnv.shop.v2.web.1")

    assert deviating(wished(release(2, "shop"), ("shop",)), there) == []
    assert orphaned(wished(release(2, "shop"), ("shop",)), there) == ["MyProdEnv.first.v1.web.1"]


def test_a_site_of_another_release_than_the_current_one_is_put_right():
    targets, contents = (), Contents(site="dist")
    current = replace(release(2, "shop"), targets=targets, contents=contents)

    def deviates(release, served):
        return bool(deviating([Wished(APP, ("shop",), release, Formation(), False, 0, served)], actual()))

    assert [deviates(current, served) for served in (0, 1, 2)] == [True, True, False]
    assert [deviates(replace(current, contents=Contents()), served) for served in (0, 2)] == [False, True]


def test_processes_lead_to_their_apps_also_under_a_former_name():
    known = wished(release(2, "shop"))

    assert apps_of(["MyProdEnv.first.v1.web.1", "MyProdEnv.other.v1.web.1"], known) == [APP]
    assert apps_of(["MyProdEnv.other.v1.web.1"], known) == apps_of([], known) == []
