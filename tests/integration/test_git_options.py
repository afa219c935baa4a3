"""`git push -o …` by a real git: what is asked for is done, said, or refused with what there is."""

import re

import pytest

from stratum.model import BuildOptions, ReleaseState, Right, Target
from stratum.store import builds, environments, formation, releases
from tests.gitweb import FakeBuilder, run_git, served
from tests.rawgit import CAPABILITIES, first_push, post
from tests.repos import commit, git

pytestmark = pytest.mark.integration

REJECTED = re.compile(r"! \[remote rejected\] (\S+) -> \S+ \((.+)\)")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def push(web, source, app, *options: str, ref: str = "master"):
    return run_git(source, "push", *(f"--push-option={option}" for option in options), web.url(app), ref)


def test_unknown_option_is_refused_with_the_list_and_nothing_moves(web):
    app, source = web.new_app(), web.source("unknown")

    pushed = push(web, source, app, "ci.skip")

    assert pushed.code == 1
    assert REJECTED.findall(pushed.said) == [
        ("master", "The push option 'ci.skip' cannot be used: it is not known")
    ]
    assert (
        " !     There are: plan, detach, gate=build, no-cache, color, scale=TARGET=NUMBER, "
        'reason="TEXT".' in pushed.remote
    )
    assert (web.ref(app), web.objects(app), web.builds(app)) == ("", [], [])


def test_build_gets_what_was_asked_of_it(web):
    app, source = web.new_app(), web.source("asked", {"Procfile": "web: a\nworker: b\n"})

    pushed = push(web, source, app, "no-cache", "color", "scale=worker=3", "reason=the fix for #12")

    assert pushed.code == 0, pushed.said
    assert [build.options for build in web.builds(app)] == [
        BuildOptions(no_cache=True, color=True, scale={"worker": 3}, reason="the fix for #12")
    ]


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("scale=mailer=1", "'mailer' is no target of the pushed Procfile; its targets are: web"),
        ("scale=web=101", "101 is no scale for web: a whole number from 0 to 100 is"),
        ("scale=web=-2", "web cannot go from 1 by -2: a scale is from 0 to 100"),
        ("scale=web", "The push option 'scale=web' cannot be used: each target is named once"),
        ("reason=", "The push option 'reason=' cannot be used: it takes 1 to 200 printable characters"),
    ],
)
def test_option_that_cannot_be_is_refused(web, option, reason):
    app, source = web.new_app(), web.source(f"cannot-{option}")

    pushed = push(web, source, app, option)

    ((_, said),) = REJECTED.findall(pushed.said)
    assert (pushed.code, said.startswith(reason)) == (1, True), said
    assert web.ref(app) == ""


def test_scales_beyond_what_an_app_may_have_are_refused(web):
    app, source = web.new_app(), web.source("beyond", {"Procfile": "web: a\nworker: b\n"})
    with web.db.write() as tx:
        environments.set_settings(tx, app.id, {"max_processes": 3})

    refused = push(web, source, app, "scale=worker=3")
    taken = push(web, source, app, "scale=worker=2")

    ((_, said),) = REJECTED.findall(refused.said)
    assert said == f"{app.label} would have 4 processes, and may have 3"
    assert taken.code == 0


def test_a_new_target_that_is_to_begin_with_more_than_any_may_have_is_refused(web):
    """An old one is not: what app.json says of it is not done, and its code may be urgent."""
    app_json = '{"formation": {"web": {"quantity": 101}}}'
    app, source = web.new_app(), web.source("many", {"Procfile": "web: a\n", "app.json": app_json})

    refused = push(web, source, app)
    with web.db.write() as tx:
        formation.set_scales(tx, app.id, {"web": 1})
    taken = push(web, source, app)

    said = "app.json: formation.web.quantity: 101 is not allowed. Give a whole number from 0 to 100."
    assert (refused.code, taken.code) == (1, 0)
    assert any(said in line for line in refused.remote), refused.said


def test_detached_push_returns_when_the_build_is_queued(web):
    app, source = web.new_app(), web.source("detached")

    pushed = push(web, source, app, "detach")

    assert pushed.code == 0
    assert pushed.remote[-2:] == [
        "-----> Build #1 is queued",
        f"       To follow it: stratum -E MyProdEnv -A {app.name} builds follow 1",
    ]
    assert web.ref(app) == git(source, "rev-parse", "HEAD")


def test_options_of_a_push_that_does_not_deploy_are_said_to_have_no_effect(web):
    app, source = web.new_app(), web.source("stored")

    pushed = push(web, source, app, "no-cache", ref="master:topic")

    assert pushed.code == 0
    assert "       No ref of this push deploys, so its options have no effect." in pushed.remote


# -- plan
def released(web, app, *targets: str, scale: dict[str, int]) -> None:
    """Record a live release, as builder and applier would."""
    with web.db.write() as tx:
        build = builds.list_builds(tx, app.id)[0]
        made = releases.add_release(
            tx,
            app.id,
            slug="a" * 64,
            commit=build.commit,
            targets=tuple(Target(name, f"run {name}") for name in targets),
            cause="push",
            who="admin",
            build_id=build.id,
        )
        formation.set_scales(tx, app.id, scale)
        releases.set_release_state(tx, made.id, ReleaseState.LIVE)


def test_plan_of_the_first_push_says_what_would_start_and_changes_nothing(web):
    app, source = web.new_app(), web.source("plan-first", {"Procfile": "web: a\nworker: b\n"})
    tip = git(source, "rev-parse", "HEAD")

    pushed = push(web, source, app, "plan")

    assert pushed.code == 1
    assert REJECTED.findall(pushed.said) == [("master", "planned, nothing changed")]
    assert pushed.remote == [
        f"-----> Plan: {tip[:7]} would be the first release of {app.name}",
        "       web.1 added",
        "       worker: not started; stratum worker worker would start it",
        "-----> Scale: web 0 → 1",
        "-----> Variables: none; a push changes none",
        "-----> Ports: web.1 would get a new one",
        "-----> Planned, nothing changed",
    ]
    assert (web.ref(app), web.objects(app), web.builds(app), web.pending(app)) == ("", [], [], [])


def test_plan_says_what_would_be_added_removed_and_restarted(web):
    app, source = web.new_app(), web.source("plan-next")
    push(web, source, app)
    released(web, app, "web", "worker", "clock", scale={"web": 1, "worker": 3, "clock": 1, "mailer": 2})
    before = web.ref(app)
    commit(source, {"Procfile": "web: other\nworker: run worker\nmailer: m\n"})

    pushed = push(web, source, app, "plan", "scale=worker=2")

    assert pushed.remote[1:] == [
        "       web.1 restarted; the new one starts beside the old, which serves until the switch",
        "       worker.1 to worker.2 restarted; the old one stops before the new one starts",
        "       worker.3 removed",
        "       mailer.1 to mailer.2 added",
        "       clock.1 removed: the Procfile has no clock any more; its scale is remembered",
        "-----> Scale: worker 3 → 2",
        "-----> Command of web: run web → other",
        "-----> Variables: none; a push changes none",
        "-----> Ports: web.1 would get a new one",
        "-----> Planned, nothing changed",
    ]
    assert (pushed.code, web.ref(app), len(web.builds(app))) == (1, before, 1)


def test_plan_of_what_does_not_deploy_says_so_and_stores_nothing(web):
    app, source = web.new_app(), web.source("plan-topic")

    pushed = run_git(source, "push", "-o", "plan", web.url(app), "master:topic")

    assert (pushed.code, web.ref(app, "refs/heads/topic"), web.objects(app)) == (1, "", [])
    assert pushed.remote[:2] == [
        "-----> Plan: nothing that runs would change, as no ref of this push deploys",
        "-----> Planned, nothing changed",
    ]
    assert "! [remote rejected] master -> topic (planned, nothing changed)" in pushed.said


def test_plan_of_a_bad_procfile_says_what_is_wrong_with_it(web):
    app, source = web.new_app(), web.source("plan-bad", {"Procfile": "web\n"})

    pushed = push(web, source, app, "plan")

    assert pushed.code == 1
    assert "Procfile:1:4" in pushed.said


# -- who may
def test_who_may_push_but_not_deploy_is_told(web):
    app, source = web.new_app(), web.source("pusher")
    url = web.url(app, web.token("pusher", app, Right.PUSH))

    refused = run_git(source, "push", url, "master")
    stored = run_git(source, "push", url, "master:topic")

    assert refused.code == 1
    assert f"(your token may push to {app.label}, but not to master, which deploys)" in refused.said
    assert stored.code == 0


# -- protection
def protect(web, app) -> None:
    from sqlalchemy import update

    from stratum.store.tables import apps

    with web.db.write() as tx:
        tx.execute(update(apps).where(apps.c.id == app.id).values(protected=True))


def test_protected_branch_only_moves_forward(web):
    app, source = web.new_app(), web.source("protected")
    first = git(source, "rev-parse", "HEAD")
    push(web, source, app)
    protect(web, app)
    tip = commit(source, {"more": "1"})

    forward = push(web, source, app)
    back = run_git(source, "push", "--force", web.url(app), f"{first}:master")

    assert forward.code == 0
    assert back.code == 1
    assert "only moves forward here, and this push leaves out commits that it has" in back.said
    assert web.ref(app) == tip


# -- raw
@pytest.mark.parametrize(("amount", "status"), [(1, 200), (20, 413)])
def test_options_of_a_raw_client_of_any_size_do_no_harm(web, amount, status):
    app, source = web.new_app(), web.source(f"raw-{amount}")
    body = first_push(source, caps=f"{CAPABILITIES} push-options")
    head, _, pack = body.partition(b"0000PACK")
    options = b"".join(b"%04x%s" % (4 + 60_000, b"x" * 60_000) for _ in range(amount))

    answer = post(web, app, head + b"0000" + options + b"0000PACK" + pack)

    assert answer.status == status
    if status == 200:
        assert b"ng refs/heads/master The push option 'xxx" in answer.report
    assert run_git(source, "ls-remote", web.url(app)).said == ""
