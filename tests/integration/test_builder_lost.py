"""Builds go on, or end, whatever of the whole server is stopped or killed while they run."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from stratum.layout import Layout
from stratum.model import BuildState
from stratum.store import Database, builds
from tests.served import Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SOON_S = 60.0  # on a machine with nothing else to do it takes from 1 to 10 s


@pytest.fixture
def building(served: Served, request):
    """An app whose build has begun and waits; the file that lets it go on."""
    name = f"app{request.node.callspec.indices['lost']}"
    repo = served.app(name, "build_waits")
    served.stratum("vars", "set", f"WAIT_FOR=go-{name}", cwd=repo)
    served.run("git", "push", "--push-option=detach", "catalyze", "master", cwd=repo)
    caches = served.data / "cache"
    wait_until(lambda: list(caches.glob(f"*/go-{name}.reached")), timeout=SOON_S)
    (reached,) = caches.glob(f"*/go-{name}.reached")
    reached.unlink()
    return repo, reached.with_suffix("")


def stop_all(served: Served) -> None:
    for pid in served.pids_of("_work"):
        os.kill(pid, signal.SIGSTOP)


def stop_master(served: Served) -> None:
    os.kill(served.pids_of("_work")[0], signal.SIGSTOP)


def kill_master(served: Served) -> None:
    os.kill(served.pids_of("_work")[0], signal.SIGKILL)


def kill_fork(served: Served) -> None:
    """The process that builds: a child of a child of the master."""
    os.kill(_builder(served), signal.SIGKILL)


def stop_fork(served: Served) -> None:
    os.kill(_builder(served), signal.SIGSTOP)


def stop_foreman(served: Served) -> None:
    fork = _builder(served)
    foreman = int(Path(f"/proc/{fork}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(foreman, signal.SIGSTOP)
    os.kill(fork, signal.SIGKILL)


def _builder(served: Served) -> int:
    """Who has claimed the build: others of the forks wait for the next one."""
    database = Database.open(Layout(served.data.resolve(), "").database)
    try:
        with database.read() as tx:
            (build,) = builds.in_state(tx, BuildState.RUNNING)
    finally:
        database.close()
    return int(build.owner.partition(":")[0])


def kill_door(served: Served) -> None:
    """What runs the build's steps, where it has an account of its own: the builder itself lives on."""
    for pid in served.pids_of("_door"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


LOST = [kill_fork, stop_fork, stop_foreman, stop_master, kill_master, stop_all]
if os.geteuid() == 0:  # an ordinary user's server has no door
    LOST.append(kill_door)


@pytest.mark.parametrize("lost", LOST)
def test_a_build_that_loses_its_builder_is_built_again(served: Served, building, lost):
    repo, go = building
    master = served.pids_of("_work")[0]

    lost(served)

    try:
        if lost is stop_master:  # its children do their work; only nobody would start them again
            go.touch()
        else:
            wait_until(
                go.with_name(f"{go.name}.reached").exists, timeout=SOON_S
            )  # the second attempt waits there
            go.touch()
        app = served.remote.app("MyProdEnv", repo.name.removeprefix("repo-"))
        wait_until(lambda: app.builds()[0]["status"] == "failed", timeout=SOON_S)
    except AssertionError:
        pytest.fail(served.stratum("builds", "show", "1", cwd=repo) + served.service_logs())
    [build] = served.rows("builds", "show", "1", cwd=repo)
    assert build["attempt"] == (1 if lost is stop_master else 2)
    served.commit(repo, requirements__txt="")
    served.push(repo)
    assert served.rows("builds", cwd=repo)[0]["status"] == "succeeded"
    if lost is stop_master:  # it is ended in the end, and that must not meet the next build
        wait_until(lambda: not Path(f"/proc/{master}").exists(), timeout=SOON_S)
