"""Apps of which nothing lives: every process that the router sends requests to is crash-looping."""

from stratum.model import Crash
from stratum.store import crashes, formation
from stratum.store.clock import now


def test_an_app_has_crashed_when_all_processes_that_are_asked_crash(db, app):
    one, other, old = (f"MyProdEnv.app02.v2.web.{number}" for number in (1, 2, 3))
    with db.write() as tx:
        for number, name in enumerate((one, other, old)):
            formation.give_port(tx, app.id, name, 20001 + number)
        crashes.note(tx, [Crash(app.id, one, now(), 3, 1, now())])
        assert crashes.crashed_apps(tx) == set(), "nothing is sent to any"
        formation.set_routed(tx, app.id, [one, other])
        assert crashes.crashed_apps(tx) == set(), "one of them lives"
        crashes.note(tx, [Crash(app.id, other, now(), 3, 1, now())])
        assert crashes.crashed_apps(tx) == {app.id}
        crashes.forget(tx, [one])
        assert crashes.crashed_apps(tx) == set()
