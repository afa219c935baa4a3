"""The release phase as people meet it: in a push, with `vars`, by `logs`, and where it is no process."""

import subprocess
from itertools import takewhile
from pathlib import Path

import pytest

from tests.killing import SERVER, ending
from tests.served import Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

RELEASE = (
    "release: echo to $MODE; while [ -e wait ] && [ ! -e /tmp/{go} ]; do sleep 0.02; done; [ $MODE != bad ]"
)
APP = {"web.py": SERVER, "text": "one"}


@pytest.fixture
def repo(served: Served, tmp_path: Path) -> Path:
    name = f"phased-{tmp_path.name[-12:].replace('_', '-')}".lower()
    procfile = f"{RELEASE.format(go=name)}\nweb: python3 web.py\n"
    made = served.app(name, {**APP, "Procfile": procfile})
    served.stratum("vars", "set", "MODE=good", cwd=made)
    return made


def name_of(repo: Path) -> str:
    return repo.name.removeprefix("repo-")


def test_a_push_shows_it_live_and_what_ran_serves_meanwhile(served: Served, repo: Path) -> None:
    served.push(repo)
    served.commit(repo, text="two", wait="")
    go = Path(f"/tmp/{name_of(repo)}")
    push = subprocess.Popen(
        ["git", "push", "catalyze", "master"],
        cwd=repo,
        env=served.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ending(push):
        assert push.stderr is not None
        said = list(takewhile(lambda line: "to good" not in line, push.stderr))
        assert served.get(name_of(repo)) == (200, "one")
        rows = served.rows("ps", cwd=repo)
        assert [row["target"] for row in rows if row["release"] == "v2"] == ["release"]
        go.touch()
        rest = push.stderr.read()
    go.unlink()
    assert push.returncode == 0, rest

    assert any("-----> Release phase: echo to $MODE; " in line for line in said)
    assert "-----> Release phase succeeded after " in rest
    assert served.get(name_of(repo)) == (200, "two")
    assert [row["target"] for row in served.rows("ps", cwd=repo)] == ["web"]


def test_canceling_its_build_ends_it_and_what_ran_goes_on(served: Served, repo: Path) -> None:
    served.push(repo)
    served.commit(repo, text="two", wait="")
    served.run("git", "push", "-o", "detach", "catalyze", "master", cwd=repo)
    wait_until(
        lambda: ("v2", "release") in [(row["release"], row["target"]) for row in served.rows("ps", cwd=repo)]
    )

    said = served.stratum("builds", "cancel", "2", cwd=repo)

    assert said == "v2 is called off: its release phase or startup checks are being ended.\n"
    followed = served.run("stratum", "builds", "follow", "2", cwd=repo, check=False)
    assert followed.returncode == 1
    assert "The release phase was ended: canceled by admin." in followed.stdout
    assert "v1 keeps running." in followed.stdout
    assert served.get(name_of(repo)) == (200, "one")
    assert [row["target"] for row in served.rows("ps", cwd=repo)] == ["web"]
    again = served.stratum("builds", "cancel", "2", cwd=repo, check=False)
    assert "v2 of build 2 has failed already." in again
    assert "Build canceled:" not in followed.stdout


def test_a_gated_push_is_taken_before_it_runs(served: Served, repo: Path) -> None:
    served.push(repo)
    served.stratum("vars", "set", "MODE=bad", cwd=repo, check=False)
    served.commit(repo, Procfile="release: exit 7\nweb: python3 web.py\n")

    done = served.run("git", "push", "-o", "gate=build", "catalyze", "master", cwd=repo, check=False)

    head = served.run("git", "rev-parse", "HEAD", cwd=repo).stdout.strip()
    assert served.run("git", "ls-remote", "catalyze", "master", cwd=repo).stdout.startswith(head)
    assert done.returncode == 0
    assert "The release phase failed: exit status 7" in done.stderr
    assert "v1 keeps running." in done.stderr
    assert served.get(name_of(repo)) == (200, "one")


def test_variables_that_it_refuses_are_out_of_force_and_its_output_can_be_read(
    served: Served, repo: Path
) -> None:
    served.push(repo)

    refused = served.run("stratum", "vars", "set", "MODE=bad", cwd=repo, check=False)

    assert refused.returncode == 1
    assert "release.1 failed: exit status 1" in refused.stdout + refused.stderr
    assert "MODE=good" in served.stratum("vars", "list", cwd=repo)
    assert served.stratum("logs", "-t", "release", cwd=repo) == "release.1 | to bad\n"
    assert "release.1 ran for " in served.stratum("vars", "set", "MODE=better", cwd=repo)
    wait_until(lambda: served.stratum("logs", "-t", "release", cwd=repo) == "release.1 | to better\n")


def test_it_can_be_neither_scaled_nor_launched_and_a_plan_tells_of_it(served: Served, repo: Path) -> None:
    plan = served.run("git", "push", "-o", "plan", "catalyze", "master", cwd=repo, check=False).stderr
    assert "release would run once, before anything starts or stops: echo to $MODE" in plan
    assert "release: not started" not in plan
    refused = served.run("git", "push", "-o", "scale=release=1", "catalyze", "master", cwd=repo, check=False)
    assert "release is no process" in refused.stderr

    served.push(repo)

    for argv in (("scale", "release=2"), ("worker", "release")):
        said = served.stratum(*argv, cwd=repo, check=False)
        assert "release is no process: its command runs once with each release" in said


def test_slow_ones_hold_up_no_other_app(served: Served, repo: Path) -> None:
    """However many rollouts may run at once: what only waits is none of them."""
    go = Path(f"/tmp/{name_of(repo)}")
    procfile = f"release: while [ ! -e {go} ]; do sleep 0.05; done\nworker: sleep 1000\n"
    slow = [served.app(f"slow-{n}", {"Procfile": procfile}) for n in range(3)]
    for one in slow:
        served.run("git", "push", "-o", "detach", "catalyze", "master", cwd=one)
    wait_until(lambda: all(in_phase(served, one) for one in slow), timeout=60)

    served.push(repo)

    assert served.get(name_of(repo)) == (200, "one")
    assert all(in_phase(served, one) for one in slow)
    go.touch()
    wait_until(lambda: not any(in_phase(served, one) for one in slow), timeout=60)
    go.unlink()


def in_phase(served: Served, repo: Path) -> bool:
    return [row["target"] for row in served.rows("ps", cwd=repo)] == ["release"]
