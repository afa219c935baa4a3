"""Apps that answer no request, and why: one query for all of them."""

from stratum.model import Target
from stratum.store import builds, environments, formation, releases, sites
from stratum.store.quiet import Quiet, quiet_apps
from stratum.store.sites import Served

NOTHING = Quiet(released=False, deploying=False, has_web=False, paused=False)


def release(tx, app, *targets):
    made = releases.add_release(
        tx,
        app.id,
        slug="a" * 64,
        commit="c" * 40,
        targets=tuple(Target(name, "run") for name in targets),
        cause="push",
        who="test",
    )
    environments.set_current_release(tx, app.id, made.id)


def test_an_app_is_quiet_until_requests_go_to_a_process_of_it(db, app):
    with db.write() as tx:
        assert quiet_apps(tx) == {app.id: NOTHING}
        builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
        assert quiet_apps(tx)[app.id].deploying
        release(tx, app, "web", "worker")
        assert quiet_apps(tx) == {app.id: Quiet(released=True, deploying=False, has_web=True, paused=False)}
        formation.give_port(tx, app.id, "E.app.v1.web.1", 20001)
        assert app.id in quiet_apps(tx), "it has a port, but nothing is sent there"
        formation.set_routed(tx, app.id, ["E.app.v1.web.1"])
        assert quiet_apps(tx) == {}


def test_an_app_without_web_is_quiet_unless_it_has_a_site(db, app):
    with db.write() as tx:
        release(tx, app, "worker", "webhooks")
        assert quiet_apps(tx)[app.id] == Quiet(released=True, deploying=False, has_web=False, paused=False)
        sites.set_served(tx, app.id, Served(1, app.name, {}))
        assert quiet_apps(tx) == {}
        sites.set_served(tx, app.id, None)
        assert app.id in quiet_apps(tx)
