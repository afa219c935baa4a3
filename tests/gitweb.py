"""The web process alone, as gunicorn serves it, with a builder whose every step the test decides."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stratum.buildlog import Log
from stratum.fence import Fence
from stratum.instance import Identity, Instance
from stratum.layout import Layout
from stratum.model import App, Build, BuildState, Grant, Push, PushState, Right, Target
from stratum.settings import Settings
from stratum.store import Database, builds, environments, pushes, rollouts, tokens
from tests.databases import new_database
from tests.repos import git, make_repo
from tests.served import free_port
from tests.waiting import wait_until

PROCFILE = {"Procfile": "web: python app.py\n"}
_CLIENT = {
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Pushed:
    """How a git ended: its exit code and all that it showed."""

    code: int
    said: str

    @property
    def remote(self) -> list[str]:
        """What the server said, line by line."""
        lines = [line.rstrip() for line in self.said.replace("\r", "\n").splitlines()]
        return [line.removeprefix("remote: ") for line in lines if line.startswith("remote: ")]


@dataclass
class GitWeb:
    """A data folder, its database, and a gunicorn on a port of its own."""

    folder: Path
    instance: Instance
    db: Database
    secret: str  # of an administrator
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    before: tuple[str, ...] = ()  # words that the server is started with
    _server: "subprocess.Popen[bytes] | None" = None
    _apps: int = 0

    @property
    def faults(self) -> Path:
        return self.folder / "faults"

    def start(self) -> None:
        self.faults.mkdir(exist_ok=True)
        argv = [sys.executable, "-m", "gunicorn", "--config", "python:gitserver.gunicorn_conf"]
        unix = f"unix:{self.instance.layout.web_socket}"
        with (self.folder / "web.log").open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *self.before,
                    *argv,
                    "--bind",
                    unix,
                    "--bind",
                    f"127.0.0.1:{self.port}",
                    "gitserver.wsgi:application",
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(Path(__file__).parent.parent),
                    "STRATUM_DATA": str(self.instance.layout.data),
                    "STRATUM_FAULTS_DIR": str(self.faults),
                    **self.settings,
                },
                stderr=log,
                cwd=self.folder,
            )
        wait_until(self.is_listening)

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(60)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()

    def close(self) -> None:
        self.stop()
        self.db.close()

    def is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    # -- what there is
    def new_app(self, environment: str = "MyProdEnv") -> App:
        self._apps += 1
        with self.db.write() as tx:
            found = environments.find_environment(tx, environment)
            if found is None:
                found = environments.add_environment(tx, environment, "production", start_all=False)
            return environments.add_app(tx, found, f"app{self._apps:02}")

    def app(self, app: App) -> App:
        with self.db.read() as tx:
            found = environments.get_app(tx, app.id)
        assert found is not None
        return found

    def token(self, name: str, app: App, right: Right) -> str:
        with self.db.write() as tx:
            grants = (Grant(app.environment.id, app.id, right),)
            return tokens.add_token(tx, name, is_admin=False, grants=grants)

    def url(self, app: App | str, secret: str | None = None) -> str:
        label = app if isinstance(app, str) else app.label
        who = f"token:{self.secret if secret is None else secret}@" if secret != "" else ""
        return f"http://{who}127.0.0.1:{self.port}/{label}.git"

    def builds(self, app: App) -> list[Build]:
        with self.db.read() as tx:
            return builds.list_builds(tx, app.id)[::-1]

    def pending(self, app: App) -> list[Push]:
        with self.db.read() as tx:
            return pushes.pending(tx, app.id)

    def newest(self, app: App, ref: str = "refs/heads/master") -> Push | None:
        with self.db.read() as tx:
            return pushes.newest(tx, app.id, ref)

    def repo(self, app: App) -> Path:
        return self.instance.layout.repo(app.id)

    def ref(self, app: App, ref: str = "refs/heads/master") -> str:
        return git(self.repo(app), "for-each-ref", "--format=%(objectname)", ref)

    def objects(self, app: App) -> list[str]:
        found = os.walk(self.repo(app) / "objects")  # not rglob, which fails on a folder that goes meanwhile
        return sorted(str(Path(folder, name)) for folder, _, names in found for name in names)

    # -- what a person does
    def source(self, name: str, files: dict[str, str] | None = None) -> Path:
        return make_repo(self.folder / "sources" / name, PROCFILE if files is None else files)

    # -- faults
    def arm(self, point: str) -> None:
        for file in self.faults.iterdir():
            file.unlink()
        (self.faults / point).touch()

    def reached(self, point: str) -> int:
        """Wait until a process is at the point; return its pid."""
        file = self.faults / f"{point}.reached.pid"
        wait_until(file.exists)
        return int(file.read_text())

    def go(self, point: str) -> None:
        (self.faults / f"{point}.go").touch()


def run_git(folder: Path, *arguments: str, **environ: str) -> Pushed:
    """Run a client's git to its end."""
    with started_git(folder, *arguments, **environ) as process:
        said, _ = process.communicate(timeout=60)
    return Pushed(process.returncode, said.decode())


@contextmanager
def started_git(folder: Path, *arguments: str, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a client's git in a group of its own; all it shows comes by its stdout."""
    process = subprocess.Popen(
        ["git", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **_CLIENT, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process)
        assert process.stdout is not None
        process.stdout.close()


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a git and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def new_web(folder: Path, **settings: str) -> GitWeb:
    """Make a data folder as `stratum up` would, unfenced, with an administrator."""
    data = folder / "data"
    layout = Layout(data, "0123456789ab")
    for path in (layout.state, layout.locks, layout.repos, layout.build_logs):
        path.mkdir(parents=True)
    (layout.run / "web").mkdir(parents=True)
    Identity("0123456789ab", False, os.getuid(), "127.0.0.1:1").write(data)
    new_database(layout.database)
    db = Database.open(layout.database)
    with db.write() as tx:
        secret = tokens.add_token(tx, "admin", is_admin=True)
    instance = Instance(Settings(data=data), layout, Fence(False, os.getuid()), "127.0.0.1:1")
    return GitWeb(folder, instance, db, secret, settings)


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[GitWeb]:
    """Give a web process that serves."""
    web = new_web(folder, **settings)
    try:
        web.start()
        yield web
    finally:
        web.close()


Work = Callable[[Log], object]


class FakeBuilder:
    """Takes every build at once and ends it as the test says.

    Args:
        work: writes the log; its end is the build's.
    """

    def __init__(self, web: GitWeb, work: Work = lambda log: log.step("Built")) -> None:
        self._web, self._work = web, work
        self._stopped = threading.Event()
        self.state = BuildState.SUCCEEDED
        self.error = ""
        self.rolls_out = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "FakeBuilder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.01):
            with self._web.db.read() as tx:
                queued = builds.in_state(tx, BuildState.QUEUED)
            for build in queued:
                self._build(build.app_id)

    def _build(self, app_id: int) -> None:
        with self._web.db.write() as tx:
            build = builds.claim_next(tx, app_id, "fake")
        if build is None:
            return
        with Log(self._web.instance.layout.build_log(app_id, build.number)) as log:
            self._work(log)
        with self._web.db.write() as tx:
            if build.gate and not build.slug and self.state is BuildState.SUCCEEDED:
                builds.wait(tx, build, "a" * 64, (Target("web", "python app.py"),))
                return
            builds.finish(tx, build, self.state, error=self.error)
            if self.rolls_out:
                rollouts.add_rollout(tx, app_id, cause="push", who="admin", build_id=build.id)


__all__ = ["FakeBuilder", "GitWeb", "PushState", "end", "new_web", "run_git", "served", "started_git"]
