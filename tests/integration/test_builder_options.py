"""What `git push -o` asks of a build."""

import json

import pytest

from stratum.model import BuildOptions, BuildState
from stratum.store import builds, environments, formation, rollouts
from tests.integration.test_builder import spy
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: x\nworker: y\n"}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param)
    yield made
    made.remove()


@pytest.fixture
def app(yard: Yard):
    made = yard.app(WEB)
    yard.build(made)
    return made


def scales(yard: Yard, app):
    with yard.shop.db.read() as tx:
        return formation.get_formation(tx, app.id).scales


def before(yard: Yard, build):
    with yard.shop.db.read() as tx:
        rollout = rollouts.rollout_of_build(tx, build.id)
    assert rollout is not None
    return rollout.formation_before


def test_without_the_cache_nothing_is_taken_from_it_nor_left_in_it(yard: Yard, app):
    yard.push(app, {"requirements.txt": "six\n"}, BuildOptions(no_cache=True))

    without = yard.build(app)

    assert without.state is BuildState.SUCCEEDED
    assert "-----> Building without the cache\n" in yard.log(without)
    assert list(yard.layout.cache(app.id).iterdir()) == []
    yard.push(app, {})
    usual = yard.build(app)
    assert "without" not in yard.log(usual)
    assert list(yard.layout.cache(app.id).iterdir()) != []


def test_what_was_asked_for_goes_before_the_apps_variables(yard: Yard, app):
    names = ("FORCE_COLOR", "CLICOLOR_FORCE")
    yard.set_variables(app, FORCE_COLOR="0", CLICOLOR_FORCE="0")
    package = {"requirements.txt": "./spy\n", **spy(*names)}
    yard.push(app, package, BuildOptions(no_cache=True, color=True))

    assert "SEEN ['1', '1']" in yard.log(yard.build(app))


def test_colours_are_kept_only_when_asked_for(yard: Yard, app):
    yard.push(app, {"requirements.txt": "six==99.0\n"}, BuildOptions(color=True))
    asked = yard.build(app)
    yard.push(app, {}, BuildOptions())
    usual = yard.build(app)

    assert "\x1b[" in yard.log(asked)
    assert "\x1b" not in asked.error
    assert "\x1b" not in yard.log(asked).partition(" !     ")[2]
    assert "\x1b" not in yard.log(usual)


def test_scales_are_wished_with_the_release(yard: Yard, app):
    yard.push(app, {}, BuildOptions(scale={"worker": 3, "web": 1, "gone": 2}))

    build = yard.build(app)

    assert scales(yard, app) == {"web": 1, "worker": 3}
    assert before(yard, build) == {"worker": 0}


def test_scales_are_changed_from_what_is_wished_by_then(yard: Yard, app):
    yard.push(app, {}, BuildOptions(scale={"worker": "+2", "web": "-3", "gone": "+1"}))
    with yard.shop.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 4, "web": 1})

    build = yard.build(app)

    assert scales(yard, app) == {"web": 0, "worker": 6}
    assert before(yard, build) == {"worker": 4, "web": 1}


def test_a_new_target_that_fails_falls_back_to_its_first_scale(yard: Yard):
    app = yard.app({"Procfile": "worker: y\n"})
    yard.build(app)
    yard.push(app, WEB, BuildOptions(scale={"web": 4}))

    build = yard.build(app)

    assert scales(yard, app) == {"web": 4, "worker": 0}
    assert before(yard, build) == {"web": 1}


def test_a_new_target_begins_as_app_json_says_and_an_old_one_stays_as_it_is(yard: Yard, app):
    """What there is no room for comes paused, however much was asked for."""
    limit(yard, app, 5)
    wanted = {name: {"quantity": number} for name, number in (("web", 9), ("clock", 2), ("mailer", 900))}
    files = {"Procfile": "web: x\nclock: z\nmailer: m\n", "app.json": json.dumps({"formation": wanted})}
    yard.push(app, files, BuildOptions())

    yard.build(app)

    with yard.shop.db.read() as tx:
        wished = formation.get_formation(tx, app.id)
    assert wished.scales == {"web": 1, "worker": 0, "clock": 2, "mailer": 900}
    assert wished.paused == {"mailer"}


def test_what_joins_an_app_all_of_which_is_paused_is_paused(yard: Yard, app):
    with yard.shop.db.write() as tx:
        formation.set_paused(tx, app.id, ["web", "worker"], paused=True)
    yard.push(app, {"Procfile": "web: x\nworker: y\nclock: z\n"}, BuildOptions(scale={"worker": 3}))

    yard.build(app)

    with yard.shop.db.read() as tx:
        wished = formation.get_formation(tx, app.id)
    assert wished.scales == {"web": 1, "worker": 3, "clock": 0}
    assert wished.paused == {"web", "worker", "clock"}


def test_scales_beyond_what_an_app_may_have_fail_the_build(yard: Yard, app):
    limit(yard, app, 3)
    yard.push(app, {}, BuildOptions(scale={"worker": 3}))

    build = yard.build(app)

    assert build.state is BuildState.FAILED
    assert f"{app.label} would have 4 processes, and may have 3." in build.error
    assert scales(yard, app) == {"web": 1, "worker": 0}
    assert len(yard.releases(app)) == 1


def test_what_a_push_brings_back_without_room_for_it_is_paused(yard: Yard, app):
    with yard.shop.db.write() as tx:
        formation.set_scales(tx, app.id, {"web": 2, "clock": 2})
    limit(yard, app, 3)
    yard.push(app, {"Procfile": "web: x\nworker: y\nclock: z\n"})

    yard.build(app)

    with yard.shop.db.read() as tx:
        wished = formation.get_formation(tx, app.id)
    assert wished.paused == {"clock"}
    assert wished.remembered("clock") == 2


def limit(yard: Yard, app, most: int) -> None:
    with yard.shop.db.write() as tx:
        environments.set_settings(tx, app.id, {"max_processes": most})
        environments.set_current_release(tx, app.id, yard.releases(app)[0].id)


def test_the_reason_is_the_releases_cause(yard: Yard, app):
    yard.push(app, {}, BuildOptions(reason="stop the leak"))

    build = yard.build(app)

    assert yard.releases(app)[0].cause == f"push {build.commit[:7]}: stop the leak"


def test_a_build_of_a_commit_that_is_gone_says_what_to_do(yard: Yard, app):
    with yard.shop.db.write() as tx:
        builds.add_build(tx, app.id, "1" * 40, source="retry", who="me")

    log = yard.log(yard.build(app))

    assert f"There is no commit '{'1' * 40}' here" in log
    assert "Push it to the repository again." in log
