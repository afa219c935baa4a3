"""How quickly the API answers beside 200 pushes that follow their builds, against no such push.

Each round measures three times, in turns: nobody follows; 200 follow builds that say nothing; 200
follow builds that print a line a second. All of it goes through Caddy. The builders are stopped, so
that nothing else is measured: builds are marked as running, and lines come from the benchmark.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks import instances, stats
from benchmarks.errors import require
from benchmarks.tables import table, verdict
from stratum.layout import Layout
from stratum.store import Database, builds, environments
from tests.rawgit import first_push
from tests.repos import make_repo
from tests.served import Served

BAR = 2.0
ROUNDS = 8
PUSHES = 200
ENVIRONMENT = "Live"
RATE = 40  # requests a second
PHASE_S = 8.0
SETTLE_S = 2.0
PHASES = ("nobody follows", "silent", "a line a second")


@dataclass(frozen=True, slots=True)
class Asked:
    """What requests of one phase took, in ms."""

    p50: float
    p99: float


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        load = Load.prepared(served)
        with load.following(talk=False):  # the pushes themselves; from now on they are repeated
            load.begin_builds()
        found: dict[str, list[Asked]] = {phase: [] for phase in PHASES}
        for number in range(rounds or ROUNDS):
            for phase in PHASES if number % 2 else PHASES[::-1]:
                found[phase].append(load.measured(phase))
        threads, memory_mib = load.web()
    return f"{_section(found)}\n\nThe web process had {threads} threads and {memory_mib:.0f} MiB afterwards."


def _section(found: dict[str, list[Asked]]) -> str:
    idle = [one.p99 for one in found[PHASES[0]]]
    rows = []
    for phase in PHASES:
        p50, p99 = ([getattr(one, name) for one in found[phase]] for name in ("p50", "p99"))
        ratio = "1" if phase == PHASES[0] else stats.ratio(p99, idle).shown()
        rows.append((phase, _shown(p50), _shown(p99), ratio))
    head = (f"{PUSHES} live pushes, n = {len(idle)} rounds", "p50, ms", "p99, ms", "ratio of p99 [95 %]")
    verdicts = [
        verdict(f"p99, {phase}", stats.ratio([one.p99 for one in found[phase]], idle), BAR)
        for phase in PHASES[1:]
    ]
    return "\n\n".join((table(head, rows), "\n".join(verdicts)))


def _shown(values: list[float]) -> str:
    return f"{median(values):.1f} [{min(values):.1f}–{max(values):.1f}]"


@dataclass(frozen=True, slots=True)
class Load:
    """Apps whose builds are followed by live pushes."""

    served: Served
    secret: str
    apps: dict[str, int]  # name → id
    body: Path

    @classmethod
    def prepared(cls, served: Served) -> "Load":
        """Make the apps, and stop the builders."""
        secret = (served.data / "admin.token").read_text().strip()
        served.stratum("environments", "create", ENVIRONMENT)
        names = [f"live{number:03}" for number in range(PUSHES)]
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        for name in names:
            # A new one each: a new app is a load of the router, which closes connections at rest.
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
            wanted = json.dumps({"name": name, "environment": ENVIRONMENT})
            connection.request("POST", "/api/apps", wanted, headers)
            answer = connection.getresponse()
            require(answer.status < 300, f"making {name}", answer.read().decode())
            connection.close()
        body = served.folder / "push"
        body.write_bytes(first_push(make_repo(served.folder / "pushed", {"Procfile": "web: sleep 1000\n"})))
        config = str(served.data / "run/supervisord.conf")
        served.run("supervisorctl", "-c", config, "stop", "_work")
        database = Database.open(_layout(served).database)
        with database.read() as tx:
            found = [environments.find_app(tx, ENVIRONMENT, name) for name in names]
        database.close()
        return cls(served, secret, {app.name: app.id for app in found if app is not None}, body)

    def begin_builds(self) -> None:
        """Mark all as running."""
        database = Database.open(_layout(self.served).database)
        with database.write() as tx:
            begun = [builds.claim_next(tx, app_id, "bench") for app_id in self.apps.values()]
        database.close()
        require(None not in begun, "each app has a queued build")

    def measured(self, phase: str) -> Asked:
        """Measure one phase."""
        if phase == PHASES[0]:
            time.sleep(SETTLE_S)
            return self._asked()
        with self.following(talk=phase != "silent"):
            time.sleep(SETTLE_S)
            return self._asked()

    @contextmanager
    def following(self, *, talk: bool) -> Iterator[None]:
        """Have all pushes followed, by another process."""
        logs = _layout(self.served)
        targets = [
            (f"/{ENVIRONMENT}/{name}.git/git-receive-pack", str(logs.build_log(app_id, 1)))
            for name, app_id in self.apps.items()
        ]
        argv = [sys.executable, "-m", "benchmarks.pushers"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        wanted = {"port": self.served.port, "secret": self.secret, "body": str(self.body), "talk": talk}
        process.stdin.write(json.dumps({**wanted, "targets": targets}) + "\n")
        process.stdin.flush()
        said = process.stdout.readline()
        try:
            require(said == "open\n", "all pushes are followed", said)
            yield
        finally:
            complaint, _ = process.communicate()
        require(not complaint, "all pushes are followed to the end of the phase", complaint)

    def _asked(self) -> Asked:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.secret}"}
        took = []
        due = time.perf_counter()
        for _ in range(int(PHASE_S * RATE)):
            time.sleep(max(0.0, due - time.perf_counter()))
            due += 1 / RATE
            sent = time.perf_counter()
            connection.request("GET", f"/api/apps/{ENVIRONMENT}/live000/builds", headers=headers)
            answer = connection.getresponse()
            answer.read()
            took.append((time.perf_counter() - sent) * 1000)
            require(answer.status == 200, "the API answers")
        connection.close()
        return Asked(median(took), quantiles(took, n=100)[98])

    def web(self) -> tuple[int, float]:
        """Threads of the web process, and its memory (PSS)."""
        pid = self.served.pids_of("_web")[-1]
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        pss = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return len(list(Path(f"/proc/{pid}/task").iterdir())), pss / 1024


def _layout(served: Served) -> Layout:
    return Layout(served.data, "")
