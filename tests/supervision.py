"""A real supervisord with our plugin, in a temporary folder that other uids can reach."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from runner.engines.supervisord.description import Description, encode
from runner.engines.supervisord.rpc import Sections, Wanted
from stratum.errors import SupervisorUnavailable
from stratum.states import ProcessStatus
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
NOBODY = 65534
UID_BASE = 1_900_000_000
SERVICE_UID = UID_BASE + 1
UID_LOW, UID_HIGH = UID_BASE + 100, UID_BASE + 299

_CONFIGURATION = """\
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
minfds=4096
[unix_http_server]
file={folder}/supervisord.sock
[supervisorctl]
serverurl=unix://{folder}/supervisord.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:stratum]
supervisor.rpcinterface_factory=runner.engines.supervisord.plugin:make
instance_id=testing
descriptions={folder}/descriptions
app_logs={folder}/logs
apps_conf={folder}/apps.conf
stop_grace_s=1
{fence}
[program:_web]
command=sleep 1000
autostart=false
[include]
files=apps.conf
"""


class Supervised:
    """A running supervisord and the folders its plugin was told of."""

    def __init__(self, folder: Path, fenced: bool) -> None:
        self.folder, self.fenced = folder, fenced
        self.conf = folder / "supervisord.conf"
        self.rpc = Sections(folder / "supervisord.sock", timeout_s=20)
        self.owner = SERVICE_UID if fenced else (os.getuid() or NOBODY)
        self.python_path = str(ROOT)
        self.output: IO[bytes] | None = None  # where supervisord's own goes; None: to the test's
        self._process: subprocess.Popen[bytes] | None = None

    def app_uid(self, app_id: int) -> int:
        return UID_LOW + 2 * app_id if self.fenced else self.owner

    def start(self) -> None:
        fence = f"uid_low={UID_LOW}\nuid_high={UID_HIGH}\nservice_gid={SERVICE_UID}" if self.fenced else ""
        self.conf.write_text(_CONFIGURATION.format(folder=self.folder, fence=fence))
        (self.folder / "apps.conf").touch()
        argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.conf)]
        if not self.fenced and os.getuid() == 0:
            argv = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *argv]
        argv = ["prlimit", "--nofile=1024:", *argv]  # the usual soft limit
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": self.python_path, "LC_ALL": "C.UTF-8"}
        self._process = subprocess.Popen(
            argv,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )
        wait_until(self.is_up, 60)

    def is_up(self) -> bool:
        try:
            return self.rpc.state() == "RUNNING"
        except SupervisorUnavailable:
            return False

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End supervisord by a signal, wait for it, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(60)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill(signal.SIGTERM)

    def describe(
        self, wanted: Wanted, command: str, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> None:
        description = Description(
            command=command,
            directory=directory,
            home=str(self.folder),
            max_open_files=512,
            environment={"PATH": "/usr/bin:/bin", **(environment or {})},
        )
        path = self.folder / "descriptions" / name_of(wanted)
        path.touch(mode=0o600)
        path.write_bytes(encode(description))
        os.chown(path, self.owner, self.owner)

    def run(self, wanted: Wanted, command: str, environment: Mapping[str, str] | None = None) -> int:
        """Start one process and return its pid."""
        self.describe(wanted, command, environment)
        (started,) = self.rpc.add([wanted])
        assert started.pid, started.error
        return started.pid

    def status(self, wanted: Wanted) -> ProcessStatus:
        (status,) = self.rpc.status([name_of(wanted)])
        return status

    def ended(self, wanted: Wanted) -> ProcessStatus:
        """Wait for the first end of a process."""
        wait_until(lambda: self.status(wanted).exit_status is not None)
        return self.status(wanted)

    def stopped(self, wanted: Wanted) -> ProcessStatus:
        """Stop a process and wait until it has."""
        self.rpc.stop([name_of(wanted)])
        wait_until(lambda: self.status(wanted).has_ended)
        return self.status(wanted)

    def descriptors(self) -> int:
        """Count what supervisord has open, but for the connections of this test."""
        assert self._process is not None
        open_files = 0
        for link in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # one of ours, closed meanwhile
                open_files += not str(link.readlink()).startswith("socket:")
        return open_files

    def most_files(self) -> int:
        """How many files supervisord may have open."""
        assert self._process is not None
        limits = Path(f"/proc/{self._process.pid}/limits").read_text()
        return int(limits.partition("Max open files")[2].split()[0])

    def log(self, wanted: Wanted) -> Path:
        return self.folder / "logs" / str(wanted.app_id) / f"{name_of(wanted)}.log"

    def ctl(self, *arguments: str) -> str:
        """Run supervisorctl as an operator would, and return what it says."""
        argv = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.conf), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/").stdout


def name_of(wanted: Wanted) -> str:
    return f"{wanted.environment}.{wanted.app}.v{wanted.version}.{wanted.target}.{wanted.index}"


def marked(wanted: Wanted) -> list[int]:
    """Every living process that carries the mark of one section, whoever its parent is."""
    mark = f"STRATUM_PROCESS=testing/{name_of(wanted)}".encode()
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if mark in _environment(folder)]


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


@contextmanager
def supervised(fenced: bool) -> Iterator[Supervised]:
    """Start a supervisord, fenced as root or as an ordinary user (root becomes nobody for it)."""
    folder = Path(tempfile.mkdtemp(prefix="stratum-supervision-", dir="/tmp"))
    folder.chmod(0o755)
    server = Supervised(folder, fenced)
    try:
        for name in ("descriptions", "logs"):
            (folder / name).mkdir(mode=0o755)
        if not fenced:
            for path in (folder, *folder.iterdir()):
                os.chown(path, server.owner, server.owner)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
