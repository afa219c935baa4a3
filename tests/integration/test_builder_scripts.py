"""Hook scripts before a build, on the real builder."""

import threading

import pytest

from stratum.model import BuildState
from stratum.store import builds
from tests.hookscripts import write_script
from tests.waiting import wait_until
from tests.yard import Yard

pytestmark = pytest.mark.integration

WEB = {"Procfile": "web: python3 -m http.server $PORT\n"}


@pytest.fixture
def yard():
    made = Yard.make(build_timeout_s=60)
    yield made
    made.remove()


def test_one_that_fails_stops_the_build_and_the_pusher_reads_why(yard):
    hooks = yard.layout.hook_scripts
    write_script(
        hooks, "pre-build/10-tells", 'echo "$STRATUM_EVENT $STRATUM_APP #$STRATUM_BUILD by $STRATUM_WHO"'
    )
    freeze = write_script(hooks, "pre-build/20-freeze", "echo No deploys on Fridays.; exit 1")
    write_script(hooks, "pre-build/30-never", "echo never")
    app = yard.app(WEB)

    build = yard.build(app)

    assert (build.state, yard.releases(app)) == (BuildState.FAILED, [])
    log = yard.log(build)
    assert (
        "-----> Hook scripts of the server: pre-build/10-tells, pre-build/20-freeze, pre-build/30-never"
        in log
    )
    assert f"       pre-build app #1 by {build.who}\n       No deploys on Fridays.\n" in log
    assert " !     Hook script pre-build/20-freeze failed" in log
    assert " !     It ended with exit code 1 after" in log
    assert "never" not in log.replace("30-never", "")
    assert build.error.startswith("Hook script pre-build/20-freeze failed: It ended with exit code 1")
    assert yard.scratch(app) == []
    assert "pre-build/20-freeze" in (yard.layout.hook_logs / "pre-build.log").read_text()

    freeze.chmod(0o644)
    assert (yard.push(app, {"more": ""}), yard.build(app).state)[1] is BuildState.SUCCEEDED


def test_one_that_anybody_could_have_written_is_not_run_and_stops_the_build(yard, tmp_path):
    write_script(yard.layout.hook_scripts, "pre-build/10-open", f"touch {tmp_path}/ran").chmod(0o777)
    app = yard.app(WEB)

    build = yard.build(app)

    assert build.state is BuildState.FAILED
    assert "can be written to by others" in build.error
    assert not (tmp_path / "ran").exists()


def test_a_build_that_is_canceled_meanwhile_ends_with_the_script(yard, tmp_path):
    write_script(yard.layout.hook_scripts, "pre-build/10-slow", f"touch {tmp_path}/begun; exec sleep 1000")
    app = yard.app(WEB)
    building = threading.Thread(target=yard.build, args=(app,))
    building.start()
    wait_until((tmp_path / "begun").exists, 60)
    with yard.shop.db.write() as tx:
        builds.cancel(tx, yard.builds(app)[0], "tester asked for it.")
    building.join()

    assert yard.builds(app)[0].state is BuildState.CANCELED
