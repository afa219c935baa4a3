"""A whole Stratum for a test: started with `stratum up`, used through the command line, git and HTTP."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import randrange

from stratum.client import Server
from stratum.errors import SupervisorUnavailable
from stratum.supervisor import Supervisor
from tests.repos import commit, make_repo
from tests.waiting import asked, wait_until

BIN = Path(sys.executable).parent
PORTS_EACH = 60
NOBODY = 65534
PLACES = 150
_places = count(randrange(PLACES))  # in turn: those that run at a time have different ones


_given: set[int] = set()


def free_port() -> int:
    """A port that is free now, given to nobody before, and below those of outgoing connections.

    One of those could be taken while the router is killed and starts again (ip(7), ip_local_port_range).
    """
    while True:
        port = randrange(10_000 + worker_number(), 20_000, _workers())  # none of another process's
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


@dataclass
class Served:
    """One instance in a folder that every uid can reach.

    Attributes:
        settings: further STRATUM_… variables of `stratum up`.
        starter: what `stratum up` and `down` are started by, if by anything.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    place: int = field(default_factory=_places.__next__)
    settings: dict[str, str] = field(default_factory=dict)
    starter: list[str] = field(default_factory=list)

    @classmethod
    def in_new_folder(cls, **settings: str) -> "Served":
        folder = Path(tempfile.mkdtemp(prefix="stratum-test-", dir="/tmp"))
        folder.chmod(0o755)
        return cls(folder, settings=settings)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Of a person's shell: a home of its own, our programs on PATH, nothing of Stratum's."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        kept = {
            name: value for name, value in os.environ.items() if name in {"LANG", "TERM", "SSL_CERT_FILE"}
        }
        who = {
            f"GIT_{role}_{what}": "t@example.org"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "COLUMNS": "200"}
        return {**kept, **who, **quiet, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}

    def up(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        first = 20000 + _ports_place(self.place) * PORTS_EACH
        ports = {
            "STRATUM_PORT_FIRST": str(first),
            "STRATUM_PORT_LAST": str(first + PORTS_EACH - 1),
        }
        argv = ["stratum", "up", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}", "--detach"]
        return self.run(*self.starter, *argv, check=check, environ={**ports, **self.settings})

    def down(self) -> subprocess.CompletedProcess[str]:
        return self.run(*self.starter, "stratum", "down", "--data", str(self.data))

    def start_as_user(self) -> None:
        """Have root start it as an ordinary user."""
        self.data.mkdir()
        os.chown(self.data, NOBODY, NOBODY)
        self.starter = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]

    def end(self) -> None:
        """Stop it and remove everything."""
        try:
            if (self.data / "instance.json").exists():
                self.down()
        finally:
            # A slug is closed to writing, to its owner too.
            subprocess.run(["chmod", "-R", "u+rwX", self.folder], check=False, stderr=subprocess.DEVNULL)
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self,
        *argv: str,
        cwd: Path | None = None,
        check: bool = True,
        stdin: str = "",
        environ: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would; its output is shown when it fails."""
        done = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env={**self.environ, **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        shown = f"$ {' '.join(argv)}\n{done.stdout}{done.stderr}[exit {done.returncode}]"
        assert done.returncode == 0 or not check, f"{shown}\n{self.service_logs() if not check else ''}"
        return done

    def stratum(self, *arguments: str, cwd: Path | None = None, check: bool = True, stdin: str = "") -> str:
        """Run the command line tool; return what it printed, stdout then stderr."""
        done = self.run("stratum", *arguments, cwd=cwd, check=check, stdin=stdin)
        return done.stdout + done.stderr

    def rows(self, *arguments: str, cwd: Path | None = None) -> list[dict[str, object]]:
        """Run a command with --json."""
        rows: list[dict[str, object]] = json.loads(self.run("stratum", *arguments, "--json", cwd=cwd).stdout)
        return rows

    @property
    def remote(self) -> Server:
        """The API as the administrator asks it, without a command for each question while a test waits."""
        return Server.at(self.url, (self.data / "admin.token").read_text().strip())

    def login(self) -> None:
        self.stratum("login", self.url, stdin=(self.data / "admin.token").read_text())

    def app(self, name: str, source: object, environment: str = "MyProdEnv") -> Path:
        """Create an app and a repository for it, associated and not yet pushed."""
        if environment not in {row["name"] for row in self.remote.environments()}:
            self.remote.create_environment(environment, "production", start_all=False)
        self.remote.create_app(environment, name)
        repo = make_repo(self.folder / f"repo-{name}", source)  # type: ignore[arg-type]
        self.stratum("associate", environment, name, f"{environment}-{name}", cwd=repo)
        return repo

    def push(self, repo: Path, *refs: str, check: bool = True) -> str:
        """Push as a person does; return what git and the server said."""
        done = self.run("git", "push", "catalyze", *(refs or ("master",)), cwd=repo, check=check)
        return done.stderr + done.stdout

    def commit(self, repo: Path, **files: str) -> str:
        """Change files (double underscore: a dot in the name) and commit; return the id."""
        for name, content in files.items():
            (repo / name.replace("__", ".")).write_text(content)
        return commit(repo, {})

    def get(self, app: str, path: str = "/", environment: str = "MyProdEnv") -> tuple[int, str]:
        """Ask an app through the router."""
        return asked(lambda: self.get_once(app, path, environment))

    def get_once(self, app: str, path: str = "/", environment: str = "MyProdEnv") -> tuple[int, str]:
        """Ask an app through the router, where no request may fail."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            host = f"{app}.{environment}.localhost:{self.port}".lower()
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def pids_of(self, program: str) -> list[int]:
        """Pids of one of our services (`_web`, `_work`, `_redis`, `_router`), parents first."""
        pid = wait_until(lambda: self._pid_of(program), timeout=30)  # 0 while it is started again
        return [pid, *_children(pid)]

    def _pid_of(self, program: str) -> int:
        supervisord = Supervisor(self.data / "run/supervisor/supervisord.sock")
        try:
            return int(supervisord.call("supervisor.getProcessInfo", program)["pid"])
        except SupervisorUnavailable:
            return 0

    def supervisord_pid(self) -> int:
        return int((self.data / "run/supervisord.pid").read_text())

    def kill_supervisord(self) -> None:
        pid = self.supervisord_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid))

    def service_logs(self) -> str:
        """The last of each service's log, for a person who looks for the reason."""
        files = sorted((self.data / "logs/services").glob("*"))
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or but to be reaped: whoever is PID 1 may take seconds for that."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _ports_place(number: int) -> int:
    """Choose a place for the ports of apps that no other process of the test run chooses (pytest-xdist)."""
    return number % (PLACES // _workers()) * _workers() + worker_number()


def _workers() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def worker_number() -> int:
    """Number of this process among those of the test run."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _children(pid: int) -> list[int]:
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [grandchild for child in found for grandchild in (child, *_children(child))]
