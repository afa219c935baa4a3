"""More release phases and startup checks than there may be at once: the others wait, and hold up no app."""

import json
from pathlib import Path

import pytest

from stratum.queue import MOST_PHASES, MOST_WAITING
from tests.killing import SERVER
from tests.served import Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WAITS = "-----> Waiting: 6 release phases, startup checks, rounds or slow stops of other apps are under way"
STARTED = "-----> worker.1 started"


def under_way(served: Served) -> list[str]:
    conf = str(served.data / "run/supervisord.conf")
    said = served.run("supervisorctl", "-c", conf, "status", check=False).stdout
    return [line for line in said.splitlines() if ".slow" in line and "RUNNING" in line]


def logs(served: Served) -> list[str]:
    return [path.read_text() for path in (served.data / "logs/builds").rglob("*.log")]


def test_however_many_there_are_another_app_is_rolled_out_and_scaled(own: Served) -> None:
    own.settings["STRATUM_APPLIERS"] = "1"
    own.up()
    own.login()
    go = Path(f"/tmp/{own.folder.name}.go")
    wait = f"while [ ! -e {go} ]; do sleep 0.1; done"
    phased = {"Procfile": f"release: {wait}\nworker: sleep 1000\n"}
    check = {"command": ["bash", "-c", wait], "timeout": 300, "attempts": 1}
    app_json = json.dumps({"healthchecks": {"worker": [check]}})
    checked = {"Procfile": "worker: sleep 1000\n", "app.json": app_json}
    other = own.app("other", {"web.py": SERVER, "text": "one", "Procfile": "web: python3 web.py\n"})
    slow = [own.app(f"slow{n}", (phased, checked)[n % 2]) for n in range(MOST_WAITING + 1)]
    for repo in slow:
        own.run("git", "push", "-o", "detach", "-o", "scale=worker=1", "catalyze", "master", cwd=repo)
    wait_until(lambda: len(under_way(own)) == MOST_PHASES, timeout=120)
    try:
        own.push(other)

        assert own.get("other") == (200, "one")
        own.stratum("scale", "web=2", cwd=other)
        wait_until(lambda: [row["state"] for row in own.rows("ps", cwd=other)] == ["running"] * 2)
        assert len(under_way(own)) == MOST_PHASES
        wait_until(lambda: sum(WAITS in log for log in logs(own)) == len(slow) - MOST_PHASES, 60)
    finally:
        go.touch()
    wait_until(lambda: sum(STARTED in log for log in logs(own)) == len(slow), timeout=120)
    go.unlink()
