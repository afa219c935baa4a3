"""Kill -9 of each part at each named point of a push: no acknowledged push is lost.

`make test` stops a push once at every point and kills one part there; the parts take turns over the
points. `make soak` kills every part at every point, many rounds, with redis wiped in half of them.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from itertools import cycle
from pathlib import Path

import pytest

from stratum.faults import POINTS
from tests.served import Served
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

WEB = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open("text").read().encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
APP = {"Procfile": "web: python3 web.py\nworker: sleep 100000\n", "web.py": WEB, "text": "0"}
VICTIMS = ("self", "_redis", "_web", "_work", "_router", "supervisord")
TERMINAL = {"succeeded", "failed", "canceled", "superseded"}


class Trial:
    """One instance with one app, whose pushes are stopped at fault points."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.faults = served.folder / "faults"
        self.faults.mkdir()
        self.faults.chmod(0o777)
        served.settings["STRATUM_FAULTS_DIR"] = str(self.faults)
        served.up()
        served.login()
        self.repo = served.app("app", APP)
        served.push(self.repo)
        served.stratum("worker", "worker", cwd=self.repo)
        self.round = 0

    def stop_a_push_at(self, point: str, victim: str, *, wipe: bool) -> None:
        """Push, kill the victim when the push has reached the point, let it go on; check the truth."""
        self.round += 1
        commit = self.served.commit(self.repo, text=str(self.round))
        for left in self.faults.iterdir():  # only now: the last round's waiter must see its `.go`
            left.unlink()
        (self.faults / point).touch()
        push = subprocess.Popen(
            ["git", "push", "catalyze", "master"],
            cwd=self.repo,
            env=self.served.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        reached = self.faults / f"{point}.reached.pid"
        try:
            wait_until(reached.exists, timeout=60)
        except AssertionError:
            push.kill()
            pytest.fail(f"the push never came to {point}:\n{push.communicate()[0]}\n{self.state()}")
        self.kill(victim, int(reached.read_text()), wipe=wipe)
        (self.faults / f"{point}.go").touch()
        said = push.communicate(timeout=120)[0]
        self.check(commit, said, acknowledged=push.returncode == 0)

    def kill(self, victim: str, waiting: int, *, wipe: bool) -> None:
        if wipe:
            self.wipe_redis()
        if victim == "self":
            kill(waiting)
        elif victim == "supervisord":
            self.served.kill_supervisord()
            self.served.up()
        else:
            for pid in self.served.pids_of(victim):
                kill(pid)

    def wipe_redis(self) -> None:
        """Take redis's files away and kill it: it starts again empty."""
        for file in (self.served.data / "redis").rglob("*"):
            if file.is_file():
                file.unlink()
        for pid in self.served.pids_of("_redis"):
            kill(pid)

    def check(self, commit: str, said: str, *, acknowledged: bool) -> None:
        """One build record with one terminal state, the newest acknowledged push runs, no process twice."""
        told = f"{said}\n{self.served.service_logs()}"
        wait_until(lambda: answers(self.served), timeout=30)
        listed = self.served.run("git", "ls-remote", "catalyze", "master", cwd=self.repo).stdout
        moved = listed.startswith(commit)
        assert moved or not acknowledged, f"told ok, but the ref has not moved:\n{told}"
        if not moved:
            self.served.push(self.repo)
        wait_until(lambda: self.builds_of(commit) == ["succeeded"] or None, timeout=60)
        try:
            wait_until(self.settled, timeout=60)
        except AssertionError:
            pytest.fail(f"the newest release does not run\n{self.state()}\n{told}")
        assert self.served.get("app") == (200, str(self.round)), told
        self.check_processes()

    def builds_of(self, commit: str) -> list[object]:
        return [row["status"] for row in self.served.rows("builds", cwd=self.repo) if row["commit"] == commit]

    def settled(self) -> bool:
        """Whether exactly the newest release runs."""
        ps = self.served.rows("ps", cwd=self.repo)
        newest = self.served.rows("releases", cwd=self.repo)[0]
        names = sorted(f"{row['target']}.{row['index']}" for row in ps if row["state"] == "running")
        releases = {row["release"] for row in ps}
        return names == ["web.1", "worker.1"] and releases == {f"v{newest['version']}"}

    def state(self) -> str:
        """What a person needs to find out why."""
        views = [
            self.served.stratum(command, cwd=self.repo, check=False)
            for command in ("ps", "releases", "builds")
        ]
        log = self.served.stratum("builds", "follow", cwd=self.repo, check=False)
        return "\n".join([*views, log])

    def check_processes(self) -> None:
        ps = self.served.rows("ps", cwd=self.repo)
        wished = {int(str(row["pid"])) for row in ps}
        running = {pid for pid in session_leaders() if self.is_ours(pid)}
        assert running == wished

    def is_ours(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return str(self.served.data).encode() in environ and b"STRATUM_PROCESS=" in environ


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def session_leaders() -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if stat.rpartition(")")[2].split()[3] == folder.name:
                yield int(folder.name)


@pytest.fixture(scope="module")
def trial():
    served = Served.in_new_folder(STRATUM_STOP_GRACE_S="3", STRATUM_DRAIN_S="1")
    yield Trial(served)
    served.end()


@pytest.mark.parametrize(("point", "victim"), list(zip(POINTS, cycle(VICTIMS), strict=False)))
def test_a_push_survives_a_kill(trial, point, victim):
    trial.stop_a_push_at(point, victim, wipe=victim == "_redis")


@pytest.mark.parametrize("victim", VICTIMS)
def test_everything_comes_back_without_a_push(trial, victim):
    """Killed while nothing happens: the apps keep running or come back, and nothing is built."""
    builds = len(trial.served.rows("builds", cwd=trial.repo))
    pid = trial.served.pids_of("_work")[-1]
    trial.kill(victim, pid, wipe=victim == "_redis")

    wait_until(lambda: answers(trial.served), timeout=30)
    wait_until(trial.settled, timeout=30)
    assert trial.served.get("app") == (200, str(trial.round))
    assert len(trial.served.rows("builds", cwd=trial.repo)) == builds
    trial.check_processes()


def answers(served: Served) -> bool:
    try:
        return (
            served.get("app")[0] == HTTPStatus.OK
            and not served.run("stratum", "whoami", check=False).returncode
        )
    except OSError:
        return False


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak_kills_every_part_at_every_point(trial):
    for number in range(int(os.environ.get("SOAK_ROUNDS", "20"))):
        for point in POINTS:
            for victim in VICTIMS:
                trial.stop_a_push_at(point, victim, wipe=number % 2 == 1)
