"""Push options on a whole instance: the builder, the applier and supervisord do what was asked."""

import os
import signal
import subprocess

import pytest

from tests.integration.test_main_job import APP
from tests.repos import git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

BAD = {"requirements__txt": "no-such-package-of-anybody==99.99\n"}


def push(served, repo, *options: str, check: bool = True) -> tuple[int, str]:
    given = [f"--push-option={option}" for option in options]
    done = served.run("git", "push", *given, "catalyze", "master", cwd=repo, check=check)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def pushed(served):
    repo = served.app("options", APP)
    push(served, repo, "gate=build", "scale=worker=2", 'reason=first of "all"')
    return repo


def running(served, repo) -> dict[str, object]:
    rows = served.rows("ps", cwd=repo)
    return {f"{row['target']}.{row['index']}": row["pid"] for row in rows if row["state"] == "running"}


def test_first_push_through_the_gate_runs_with_its_scale_and_says_why(served, pushed):
    assert set(running(served, pushed)) == {"web.1", "worker.1", "worker.2"}
    assert served.get("options") == (200, "one")
    (release,) = served.rows("releases", cwd=pushed)
    assert 'first of "all"' in str(release["cause"])
    assert [row["status"] for row in served.rows("builds", cwd=pushed)] == ["succeeded"]


def test_plan_changes_nothing_that_runs(served, pushed):
    before = running(served, pushed)
    served.commit(pushed, Procfile="web: python3 web.py\nclock: sleep 1000\n")

    code, said = push(served, pushed, "plan", check=False)

    assert code == 1
    assert "web.1 restarted" in said
    assert "worker.1 to worker.2 removed" in said
    assert "clock: not started" in said
    assert "(planned, nothing changed)" in said
    assert running(served, pushed) == before
    assert len(served.rows("builds", cwd=pushed)) == 1
    git(pushed, "reset", "--hard", "HEAD^")


def test_gate_refuses_what_does_not_build_and_the_old_runs_on(served, pushed):
    before, tip = running(served, pushed), git(pushed, "rev-parse", "HEAD")
    served.commit(pushed, **BAD)

    code, said = push(served, pushed, "gate=build", check=False)

    assert code == 1
    assert "! [remote rejected] master -> master (build #2 failed: Installing requirements.txt failed" in said
    assert "no-such-package-of-anybody" in said
    assert served.run("git", "ls-remote", "catalyze", "master", cwd=pushed).stdout.split()[0] == tip
    assert running(served, pushed) == before
    git(pushed, "reset", "--hard", "HEAD^")


def test_detached_push_is_followed_by_the_command_it_names(served, pushed):
    served.commit(pushed, text="two")

    code, said = push(served, pushed, "detach")

    (number,) = [line.split()[-1] for line in said.splitlines() if "builds follow" in line]
    followed = served.stratum("-E", "MyProdEnv", "-A", "options", "builds", "follow", number)
    assert code == 0
    assert "web.1 up" in followed
    assert served.get("options") == (200, "two")


def test_gated_push_whose_web_process_is_killed_moves_no_ref_and_releases_nothing(served, pushed):
    tip = git(pushed, "rev-parse", "HEAD")
    builds, releases = (len(served.rows(what, cwd=pushed)) for what in ("builds", "releases"))
    slow = {"Procfile": APP["Procfile"], "requirements__txt": "./slow\n"}
    (pushed / "slow").mkdir()
    (pushed / "slow/pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slow"\nversion = "1"\n'
    )
    (pushed / "slow/backend.py").write_text("import time\ntime.sleep(15)\n")
    served.commit(pushed, **slow)
    process = subprocess.Popen(
        ["git", "push", "--push-option=gate=build", "catalyze", "master"],
        cwd=pushed,
        env=served.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: served.rows("builds", cwd=pushed)[0]["status"] == "running", timeout=30)
    process.kill()
    process.wait()
    for pid in served.pids_of("_web"):
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: served.run("stratum", "whoami", check=False).returncode == 0, timeout=30)
    listed = served.run("git", "ls-remote", "catalyze", "master", cwd=pushed).stdout.split()[0]
    assert listed == tip
    wait_until(lambda: served.rows("builds", cwd=pushed)[0]["status"] in ("canceled", "failed"), timeout=60)
    assert len(served.rows("releases", cwd=pushed)) == releases
    assert len(served.rows("builds", cwd=pushed)) == builds + 1
