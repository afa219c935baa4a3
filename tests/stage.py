"""A stage for rollouts: real supervisord, plugin and door, with slugs made by hand; on wish a real Caddy.

As root everything is fenced, and the test itself plays the service; else all is the one user's.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from runner import jobs
from runner.apply.parts import Parts
from runner.engines.supervisord.engine import Supervisord
from runner.engines.supervisord.rpc import Sections
from stratum import secrets
from stratum.errors import SupervisorUnavailable
from stratum.fence import BASE_STEP, Fence
from stratum.instance import Identity, Instance
from stratum.layout import Layout
from stratum.model import App, Outcome, Release, Rollout, Target
from stratum.settings import Settings
from stratum.states import ProcessStatus
from stratum.store import environments, releases, rollouts
from stratum.supervisor import Supervisor
from stratum.up import binaries, folders, supervisord
from stratum.up.programs import Tools
from tests.databases import new_database
from tests.served import free_port, worker_number
from tests.waiting import asked, wait_until

ROOT = Path(__file__).parent.parent
# Two runs at a time must not end each other's processes, which are told by their accounts.
FIRST_PORT, PORTS_EACH = 30_000, 500  # above those of tests.served, below the kernel's own; apart by process
UID_BASE = 1_910_000_000 + os.getpid() % 1000 * BASE_STEP

# Says on every request which release and pid answers; `slow` takes its time.
WEB = """\
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(1)
        if self.path == "/headers":
            text = str(self.headers)
        else:
            text = f"{os.environ['STRATUM_RELEASE']} {os.getpid()}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SHARED = "${HOME%/releases/*}/shared/$STRATUM_APP"  # a place of all releases of an app
RUN_WEB = "exec python3 -S web.py"
DUMP_ENV = "cat /proc/self/environ > $HOME/environ.$STRATUM_TARGET; exec sleep 1000"


@dataclass
class Stage:
    """One instance without its web process and queue."""

    parts: Parts
    _daemon: "subprocess.Popen[bytes] | None" = None
    nudged: list[tuple[str, int]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def instance(self) -> Instance:
        return self.parts.instance

    @property
    def layout(self) -> Layout:
        return self.parts.instance.layout

    @property
    def sections(self) -> Sections:
        return Sections(self.layout.supervisord_socket)

    def app(self, name: str = "app02", environment: str = "MyProdEnv") -> App:
        with self.parts.database.write() as tx:
            home = environments.find_environment(tx, environment) or environments.add_environment(
                tx, environment, "production", start_all=False
            )
            app = environments.add_app(tx, home, name)
        self.parts.door.prepare(app.id)  # type: ignore[attr-defined]
        return app

    def new_app(self) -> App:
        """Make an app whose name nobody has had."""
        return self.app(f"app-{next(self._numbers)}")

    def release(
        self,
        app: App,
        targets: Mapping[str, str],
        *,
        scales: Mapping[str, int] | None = None,
        build_id: int | None = None,
        slug: str = "",
    ) -> tuple[Release, Rollout]:
        """Record a release and queue its rollout, as a builder does.

        Args:
            slug: digest of one that `slug` has made.
        """
        slug = slug or self.slug(app)
        lines = tuple(Target(name, command) for name, command in targets.items())
        from stratum.store import formation

        with self.parts.database.write() as tx:
            made = releases.add_release(
                tx, app.id, slug=slug, commit="c" * 40, targets=lines, cause="push", who="test"
            )
            if scales:
                formation.set_scales(tx, app.id, scales)
            queued = rollouts.add_rollout(
                tx, app.id, cause="push", who="test", release_id=made.id, build_id=build_id
            )
        return made, queued

    def shared(self, app: App) -> Path:
        """What `SHARED` names."""
        return self.layout.data / "shared" / app.name

    def scale(self, app: App, **scales: int) -> Rollout:
        """Wish scales, as the API does."""
        from stratum.store import formation

        with self.parts.database.write() as tx:
            before = formation.set_scales(tx, app.id, scales)
            return rollouts.add_rollout(tx, app.id, cause="scale", who="test", formation_before=before)

    def apply(self, app: App, rollout: Rollout) -> Rollout:
        """Do all that is queued, and return how a rollout ended."""
        jobs.apply_queued(self.parts, app.id)
        return self.rollout(rollout)

    def deploy(self, app: App, targets: Mapping[str, str], **scales: int) -> Rollout:
        return self.apply(app, self.release(app, targets, scales=scales)[1])

    def patient(self, alive_after_s: float = 30.0) -> "Stage":
        """The same where a process has half a minute to die in, however late it begins on a busy machine."""
        return self.having(alive_after_s=alive_after_s)

    def having(self, **settings: float) -> "Stage":
        """The same with other settings."""
        instance = replace(self.instance, settings=replace(self.instance.settings, **settings))  # type: ignore[arg-type]
        assert isinstance(self.parts.engine, Supervisord)
        engine = replace(self.parts.engine, instance=instance)
        return replace(self, parts=replace(self.parts, instance=instance, engine=engine))

    def rollout(self, rollout: Rollout) -> Rollout:
        with self.parts.database.read() as tx:
            return rollouts.get_rollout(tx, rollout.id)

    def found(self, app: App) -> App:
        with self.parts.database.read() as tx:
            again = environments.get_app(tx, app.id)
        assert again is not None
        return again

    def version(self, app: App) -> int:
        """The current release."""
        with self.parts.database.read() as tx:
            current = releases.current_releases(tx).get(app.id)
        return current.version if current else 0

    def statuses(self) -> dict[str, ProcessStatus]:
        return {status.name: status for status in self.parts.engine.status()}

    def pids(self) -> dict[str, int | None]:
        return {name: status.pid for name, status in self.statuses().items()}

    def pids_of(self, app: App) -> dict[str, int | None]:
        """Those of one app: `v1.web.1` → pid."""
        begin = f"{app.environment.name}.{app.name}."
        return {name.removeprefix(begin): pid for name, pid in self.pids().items() if name.startswith(begin)}

    def get(self, app: App, path: str = "/", **headers: str) -> tuple[int, str]:
        """Ask the app through the router."""
        return asked(lambda: self.get_once(app, path, **headers))

    def get_once(self, app: App, path: str = "/", **headers: str) -> tuple[int, str]:
        """Ask the app through the router, where no request may fail."""
        request = urllib.request.Request(f"http://{self.instance.listen}{path}")
        request.add_header("Host", app.host("localhost"))
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ctl(self, *arguments: str) -> str:
        """Run supervisorctl as an operator would."""
        conf = str(self.layout.supervisord_conf)
        argv = [sys.executable, "-m", "supervisor.supervisorctl", "-c", conf, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/").stdout

    def applier(self, app: App, faults: Path | None = None) -> "subprocess.Popen[bytes]":
        """Run the job in a process of its own."""
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.instance.settings.environ()}
        if faults:
            env["STRATUM_FAULTS_DIR"] = str(faults)
        code = f"from runner.jobs import run_rollouts; run_rollouts({app.id})"
        return subprocess.Popen([sys.executable, "-c", code], env=env, cwd="/")

    def start(self, *, router: bool) -> None:
        conf, tools = self.layout.supervisord_conf, _tools()
        conf.write_text(_only(supervisord.render(self.instance, tools), {"_router"} if router else set()))
        self.layout.apps_conf.write_text("")
        if router:
            self.parts.router.write()  # type: ignore[attr-defined]
        argv = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(conf)]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        log = (self.layout.service_logs / "supervisord.out").open("ab")
        with log:
            self._daemon = subprocess.Popen(
                argv, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._is_up, 60)
        if router:
            wait_until(self.layout.router_socket.exists, 60)

    def kill(self) -> None:
        """Kill -9 supervisord."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()

    def stop(self) -> None:
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.wait(60)
        self.parts.door.end_all_strays()  # type: ignore[attr-defined]

    def _is_up(self) -> bool:
        assert self._daemon is not None
        if self._daemon.poll() is not None:
            raise AssertionError((self.layout.service_logs / "supervisord.out").read_text())
        try:
            return Supervisor(self.layout.supervisord_socket).state() == "RUNNING"
        except SupervisorUnavailable:
            return False

    def slug(self, app: App, digest: str = "a" * 64, **files: str) -> str:
        """Make a slug of `web.py` and some files, and return its digest.

        Args:
            files: name → text; in a name two underscores are a dot, three a slash.
        """
        slug = self.layout.slug(app.id, digest)
        if not slug.exists():
            slug.mkdir()
            for name, text in {"web__py": WEB, **files}.items():
                path = slug / name.replace("___", "/").replace("__", ".")
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
            for path in (slug, *slug.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)
                if self.instance.fence.fenced:
                    os.chown(path, *[self.instance.fence.build_uid(app.id)] * 2)
        return digest


def marked(stage: Stage, name: str = "") -> list[int]:
    """Every living process that carries the mark of one of the stage's sections."""
    mark = f"STRATUM_PROCESS={stage.layout.instance_id}/{name}".encode()
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if mark in _environ(folder)]


def outcomes(rollout: Rollout) -> dict[str, Outcome]:
    """What a rollout has done with each process: `v1.web.1` → outcome."""
    return {line.name.split(".", 2)[2]: line.outcome for line in rollout.report}


@contextmanager
def staged(*, router: bool = False, **settings: object) -> Iterator[Stage]:
    """Start a stage; nothing of it is left afterwards.

    Args:
        router: whether there is a Caddy; else nobody is told of routes.
    """
    data = Path(tempfile.mkdtemp(prefix="st-", dir="/tmp"))
    data.chmod(0o755)
    fenced = os.getuid() == 0
    base = UID_BASE if fenced else os.getuid()
    identity = Identity(
        f"test{os.getpid():x}{data.name[3:].lower()}", fenced, base, f"127.0.0.1:{free_port()}"
    )
    identity.write(data)
    first = FIRST_PORT + worker_number() * PORTS_EACH
    defaults: dict[str, object] = {
        "web_start_timeout_s": 30.0,  # which a busy machine may take; who waits for its end has less
        "stop_grace_s": 3,
        "drain_s": 5.0,
        "port_first": first,
        "port_last": first + PORTS_EACH - 1,
    }
    chosen = Settings(data=data, **{**defaults, **settings})  # type: ignore[arg-type]
    instance = Instance(chosen, Layout(data, identity.id), Fence(fenced, base), identity.listen)
    folders.make(instance)
    (data / "shared").mkdir()
    (data / "shared").chmod(0o777)
    secrets.make_key(instance.layout.config_key)
    new_database(instance.layout.database)
    stage = Stage(Parts.of(instance))
    if not router:
        stage.parts.router.route = lambda *_, **__: None  # type: ignore[method-assign]
    try:
        stage.start(router=router)
        yield stage
    finally:
        stage.stop()
        stage.parts.database.close()
        _remove(data)
        shutil.rmtree(instance.layout.descriptions)


def _tools() -> Tools:
    setpriv = Path(shutil.which("setpriv") or "setpriv")
    return Tools(Path(sys.executable), setpriv, None, binaries.caddy())


def _only(conf: str, programs: set[str]) -> str:
    """Leave out the services that a test does without."""
    sections = re.split(r"(?m)^(?=\[)", conf)
    return "".join(
        text
        for text in sections
        if not text.startswith("[program:") or text[len("[program:") :].partition("]")[0] in programs
    )


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def _remove(folder: Path) -> None:
    """Remove a data folder; unfenced its slugs are closed to their owner, too."""
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=True)
    shutil.rmtree(folder)
