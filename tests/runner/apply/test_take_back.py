"""What a rollout that has failed puts back, and what later ones have wished meanwhile."""

import pytest

from runner.apply.take_back import put_back
from stratum.store import Database, environments, formation, rollouts
from stratum.store.migrate import migrate


@pytest.fixture
def db(tmp_path):
    migrate(tmp_path / "stratum.db")
    found = Database.open(tmp_path / "stratum.db")
    yield found
    found.close()


@pytest.fixture
def app(db):
    with db.write() as tx:
        environment = environments.add_environment(tx, "MyProdEnv", "production", start_all=False)
        return environments.add_app(tx, environment, "app02")


def queued(db, app, **wish):
    with db.write() as tx:
        return rollouts.add_rollout(tx, app.id, cause="test", who="me", **wish)


def failed(db, rollout):
    with db.write() as tx:
        put_back(tx, rollouts.get_rollout(tx, rollout.id))
        return formation.get_formation(tx, rollout.app_id)


def wish(db, app, paused=(), **scales):
    with db.write() as tx:
        formation.set_scales(tx, app.id, scales)
        formation.set_paused(tx, app.id, list(paused), paused=True)


def test_a_failed_resume_pauses_again(db, app):
    wish(db, app, worker=3)
    now = failed(db, queued(db, app, resumed=["worker"]))
    assert (now.paused, now.remembered("worker")) == ({"worker"}, 3)


def test_what_was_paused_meanwhile_stays_so_with_the_scale_put_back(db, app):
    up = queued(db, app, formation_before={"worker": 3})
    wish(db, app, paused=["worker"], worker=5)
    queued(db, app)

    now = failed(db, up)

    assert (now.paused, now.remembered("worker"), now.scale("worker")) == ({"worker"}, 3, 0)


def test_what_a_later_rollout_resumes_once_more_is_its_to_pause(db, app):
    wish(db, app, worker=3)
    first = queued(db, app, resumed=["worker", "web"])
    second = queued(db, app, resumed=["worker"])

    assert failed(db, first).paused == {"web"}
    assert failed(db, second).paused == {"web", "worker"}
