"""Pushes to a whole instance, stopped at fault points for a part to be killed there, and the truth after."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest

from hooks.care.processes import at_work
from hooks.sweep import sweep
from stratum.errors import ServerUnavailable
from stratum.instance import Identity
from stratum.layout import Layout
from tests.served import Served
from tests.waiting import found, wait_until

SERVER = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open("text").read().encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
APP = {"Procfile": "web: python3 web.py\nworker: sleep 100000\n", "web.py": SERVER, "text": "0"}
WEB = ("self", "git", "master")  # of the web process
OURS = ("self", "master", "_redis", "_work", "_router", "supervisord")
# What a killed git leaves; refs/heads/*.lock would refuse every later push.
LEFT = re.compile(r"objects/(pack/)?tmp_[^/]*|objects/pack/(\.tmp-[^/]*|[^/]*\.keep)|.*\.lock")
OK, REJECTED, NOTHING = "ok", "rejected", "nothing"
WITHOUT_GIT = ("receive.admitted", "receive.reported", "receive.followed")
MOVING = "receive.answered"  # git may be killed between the move of the objects and that of the ref


@dataclass(frozen=True)
class Round:
    """One push and one kill.

    Attributes:
        part: `self` is who waits at the point, `git` all of git's processes, `master` gunicorn's;
            `_redis+_work` is both at once.
        wipe: whether redis is emptied and killed, too.
        pause_s: between the kill and the moment when who waits at the point goes on.
    """

    point: str
    part: str
    wipe: bool = False
    options: tuple[str, ...] = ()
    pause_s: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a pusher was told, and of what."""

    point: str
    commit: str
    told: str
    shown: str


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
        identity = Identity.read(served.data)
        assert identity is not None
        self.layout = Layout(served.data.resolve(), identity.id)
        self.repo = served.app("app", APP)
        self.app = served.remote.app("MyProdEnv", "app")
        served.push(self.repo)
        served.stratum("worker", "worker", cwd=self.repo)
        self.number = 0

    def run(self, a_round: Round) -> str:
        """Push, kill when the push has reached the point, let it go on; check the truth.

        Returns:
            What the pusher was told: OK, REJECTED or NOTHING.
        """
        try:
            return self._run(a_round)
        except BaseException as error:
            error.add_note(self.state())
            raise

    def _run(self, a_round: Round) -> str:
        self.number += 1
        commit = self.served.commit(self.repo, text=str(self.number))
        for left in self.faults.iterdir():  # only now: the last round's waiter must see its `.go`
            left.unlink()
        (self.faults / a_round.point).touch()
        options = [f"--push-option={option}" for option in a_round.options]
        push = subprocess.Popen(
            ["git", "push", *options, "catalyze", "master"],
            cwd=self.repo,
            env=self.served.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with ending(push):
            self._interfere(a_round, push)
            said = push.communicate(timeout=120)[0]
        told = told_by(said)
        assert (told == OK) or push.returncode, f"git is content, but was told {told}:\n{said}"
        self._check(Outcome(a_round.point, commit, told, said))
        return told

    def _interfere(self, a_round: Round, push: "subprocess.Popen[str]") -> None:
        reached = self.faults / f"{a_round.point}.reached.pid"
        try:
            wait_until(reached.exists, timeout=60)
        except AssertionError:
            push.kill()
            pytest.fail(f"the push never came to {a_round.point}:\n{push.communicate()[0]}")
        if a_round.wipe:
            self._wipe_redis()
        self.kill(a_round.part, int(reached.read_text()))
        time.sleep(a_round.pause_s)
        (self.faults / f"{a_round.point}.go").touch()

    def kill(self, part: str, waiting: int) -> None:
        """Kill -9 a part.

        Args:
            waiting: the process that waits at the point.
        """
        if part == "self":
            kill(waiting)
        elif part == "supervisord":
            self.served.kill_supervisord()
            self.served.up()
        elif part == "git":
            for worker in at_work(self.layout.repos):
                kill(worker.pid)
        elif part == "reconciler":  # the last that the master of `_work` has forked
            kill(max(children(self.served.pids_of("_work")[0])))
        elif part == "master":
            kill(self.served.pids_of("_web")[0])
        else:
            for pid in [pid for name in part.split("+") for pid in self.served.pids_of(name)]:
                kill(pid)

    def _wipe_redis(self) -> None:
        """Take redis's files away and kill it: it starts again empty."""
        for file in (self.served.data / "redis").rglob("*"):
            if file.is_file():
                file.unlink(missing_ok=True)
        self.kill("_redis", 0)

    # -- the truth
    def _check(self, outcome: Outcome) -> None:
        """One build record with one terminal state, the newest push runs, and nothing is left."""
        wait_until(lambda: answers(self.served), timeout=30)
        wait_until(lambda: not at_work(self.layout.repos), timeout=30)
        moved = self.served.run("git", "ls-remote", "catalyze", "master", cwd=self.repo).stdout
        commit, told, shown = outcome.commit, outcome.told, outcome.shown
        is_there = moved.startswith(commit)
        assert is_there or told != OK, f"told ok, but the ref has not moved:\n{shown}"
        assert not is_there or told != REJECTED, f"told rejected, but the ref has moved:\n{shown}"
        if not is_there:
            self._check_no_trace(outcome)
            self.served.push(self.repo)
        wait_until(lambda: self._lasting_builds(commit) == ["succeeded"], timeout=60)
        wait_until(self.settled, timeout=60)
        assert self.served.get("app") == (200, str(self.number)), shown
        self.check_processes()
        self._check_no_file()

    def _check_no_trace(self, outcome: Outcome) -> None:
        """Whatever was built for a push that did not happen is given up, and what it sent is not there."""
        wait_until(lambda: not self._lasting_builds(outcome.commit), timeout=30)
        check_no_object(self.layout, self.layout.repo(1), outcome)

    def _check_no_file(self) -> None:
        """After a sweep nothing is left of pushes that were cut."""
        wait_until(self._is_swept, timeout=60)
        wait_until(lambda: not found(self.layout.spools, "*/*"), timeout=60)

    def _is_swept(self) -> bool:
        sweep(self.layout, lock_age_s=0.0)
        busy, left = at_work(self.layout.repos), left_in(self.layout.repo(1))
        assert not left or busy, f"left after a sweep: {left}"  # else upkeep has just begun
        return not left

    def _lasting_builds(self, commit: str) -> list[object]:
        """States of a commit's builds that were not given up."""
        states = [row["status"] for row in self.app.builds() if row["commit"] == commit]
        return [state for state in states if state != "canceled"]

    def settled(self) -> bool:
        """Whether exactly the newest release runs."""
        ps, newest = self.app.processes(), self.app.releases()[0]
        names = sorted(f"{row['target']}.{row['index']}" for row in ps if row["state"] == "running")
        releases = {row["release"] for row in ps}
        return names == ["web.1", "worker.1"] and releases == {f"v{newest['version']}"}

    def state(self) -> str:
        """What a person needs to find out why."""
        views = [
            self.served.stratum(command, cwd=self.repo, check=False)
            for command in ("ps", "releases", "builds")
        ]
        at_work_there = "\n".join(map(str, at_work(self.layout.repos)))
        status = ["supervisorctl", "-c", str(self.layout.supervisord_conf), "status"]
        services = self.served.run(*status, check=False).stdout
        return "\n".join([*views, services, at_work_there, self.served.service_logs()])

    def check_processes(self) -> None:
        """No process twice, and none besides."""
        wished = {row["pid"] for row in self.app.processes()}
        besides = self._running() - wished
        assert not besides, f"besides those wished there are {besides}"
        # What has just been started has its mark only once its launcher is through.
        wait_until(lambda: self._running() == wished, timeout=30)
        wait_until(lambda: not self._orphans(), timeout=30)

    def _running(self) -> set[object]:
        return {pid for pid in session_leaders() if self._is_ours(pid, b"STRATUM_PROCESS=")}

    def _orphans(self) -> list[int]:
        """List what a supervisord that was killed has left: it has the parent that supervisord has."""
        supervisord = self.served.supervisord_pid()
        ours = [pid for pid in session_leaders() if pid != supervisord and self._is_ours(pid)]
        return [pid for pid in ours if parent(pid) == parent(supervisord)]

    def _is_ours(self, pid: int, mark: bytes = b"") -> bool:
        told = arguments(pid, "environ") + arguments(pid, "cmdline")  # redis covers its environment
        return str(self.served.data).encode() in told and mark in told


def check_no_object(layout: Layout, repo: Path, outcome: Outcome) -> None:
    """See that nothing is there of a push that did not happen; what was cut may leave it to the sweep."""
    if outcome.told != REJECTED:
        sweep(layout, lock_age_s=0.0)
    argv = ["git", f"--git-dir={repo}", "cat-file", "-e", outcome.commit]
    is_there = not subprocess.run(argv, capture_output=True, check=False).returncode
    may_be_there = outcome.told == NOTHING and outcome.point == MOVING  # until the upkeep after two weeks
    assert not is_there or may_be_there, outcome.shown


def left_in(repo: Path) -> list[Path]:
    """What only a killed git leaves."""
    paths = [Path(folder, name) for folder, *named in os.walk(repo) for names in named for name in names]
    return [path for path in paths if LEFT.fullmatch(str(path.relative_to(repo)))]


def is_with_git(point: str) -> bool:
    """Whether a git is at work when a push has come to a point."""
    return point.startswith("receive.") and point not in WITHOUT_GIT


@contextmanager
def ending(push: "subprocess.Popen[str]") -> Iterator[None]:
    """See that a push has ended after the block."""
    with push:
        try:
            yield
        finally:
            if push.poll() is None:
                push.kill()


def told_by(said: str) -> str:
    """What a pusher was told of its one ref, by the table that git prints at the end."""
    rows = [line for line in said.splitlines() if re.search(r"\S+ -> \S+( \(.*\))?$", line)]
    rows = [line for line in rows if not line.startswith("remote:")]
    if any("rejected]" in line for line in rows):
        return REJECTED
    return OK if any(not line.startswith(" !") for line in rows) else NOTHING


def answers(served: Served) -> bool:
    """Whether the app and the API answer."""
    try:
        return served.get("app")[0] == HTTPStatus.OK and bool(served.remote.whoami())
    except (OSError, ServerUnavailable):
        return False


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def arguments(pid: int, kind: str) -> bytes:
    """Return what a process was started with, or has put in its place; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/{kind}").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    """Return a process's parent; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def session_leaders() -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            if stat.rpartition(")")[2].split()[3] == folder.name:
                yield int(folder.name)
