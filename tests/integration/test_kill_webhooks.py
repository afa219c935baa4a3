"""Kill -9 between a delivery and its build: what was answered 202 is built, once."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from threading import Thread

import pytest

from stratum.faults import DELIVERY_POINTS
from stratum.model import DeliveryState
from tests.gitweb import GitWeb
from tests.integration.test_webhooks import way, web
from tests.repos import git
from tests.road import Road
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
FETCHER = "import sys; from hooks.webhooks import jobs; jobs.run_fetches(int(sys.argv[1]))"
FETCHING = [point for point in DELIVERY_POINTS if point.startswith("fetch.")]


def fetcher(road: Road) -> "subprocess.Popen[bytes]":
    """A fetcher's fork, in a process of its own."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "STRATUM_DATA": str(road.web.instance.layout.data),
        "STRATUM_FAULTS_DIR": str(road.web.faults),
        "STRATUM_FETCH_HOSTS": "127.0.0.1",
    }
    return subprocess.Popen([sys.executable, "-c", FETCHER, str(road.app.id)], env=environ)


def check_built_once(road: Road, tip: str) -> None:
    with fetcher(road) as process:
        assert process.wait(120) == 0
    done = road.newest()
    assert done.state is DeliveryState.PUSHED
    assert [(build.number, build.commit) for build in road.web.builds(road.app)] == [(done.build, tip)]
    assert git(road.web.repo(road.app), "rev-parse", "refs/heads/master") == tip
    assert not road.web.instance.layout.fetch(road.app.id).exists()


@pytest.mark.parametrize("point", FETCHING)
def test_a_fetcher_that_is_killed_loses_nothing_and_does_nothing_twice(way: Road, point: str):
    way.hook()
    tip = way.source.push({"a.txt": point})
    assert way.deliver()[0] == 202
    way.web.arm(point)
    with fetcher(way) as process:
        os.kill(way.web.reached(point), signal.SIGKILL)
        process.wait(60)

    check_built_once(way, tip)


@pytest.mark.parametrize("point", ["receive.journaled", "receive.moved", "receive.accepted"])
def test_a_web_process_that_is_killed_in_a_fetchers_push_is_pushed_to_again(way: Road, point: str):
    way.hook()
    tip = way.source.push({"a.txt": point})
    way.deliver()
    way.web.arm(point)
    with fetcher(way) as process:
        killed = way.web.reached(point)
        os.kill(killed, signal.SIGKILL)
        process.wait(120)
    wait_until(lambda: is_served(way.web) and not way.web.pending(way.app), timeout=60)
    if way.newest().state is DeliveryState.QUEUED:
        way.put_off_no_longer()

    check_built_once(way, tip)


def test_a_web_process_that_is_killed_before_it_answers_has_the_delivery_on_the_disk(way: Road):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    way.web.arm("delivery.recorded")
    answers: list[object] = []
    sender = Thread(target=lambda: answers.append(delivered(way)))
    sender.start()
    os.kill(way.web.reached("delivery.recorded"), signal.SIGKILL)
    sender.join(60)
    wait_until(lambda: is_served(way.web), timeout=60)

    assert answers == [None]
    assert delivered(way, "delivery-1") == (200, "repeated")
    check_built_once(way, tip)


def delivered(road: Road, ident: str = "") -> tuple[int, str] | None:
    """Deliver; None when the connection was lost."""
    try:
        status, said = road.deliver(ident=ident)
    except (urllib.error.URLError, HTTPException, OSError):
        return None
    return status, said["verdict"]


def is_served(web: GitWeb) -> bool:
    """Whether gunicorn's master has made a new process."""
    try:
        return run_whoami(web)
    except (urllib.error.URLError, HTTPException, OSError):
        return False


def run_whoami(web: GitWeb) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{web.port}/api/whoami", headers={"Authorization": f"Bearer {web.secret}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bool(answer.status == 200)
