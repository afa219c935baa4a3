"""Pushes that come faster than builds, on a whole instance: the newest runs, and nothing else is built."""

import subprocess

import pytest

from tests.integration.test_main_job import APP
from tests.served import Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def served():
    served = Served.in_new_folder()
    faults = served.folder / "faults"
    faults.mkdir()
    faults.chmod(0o777)
    served.settings["STRATUM_FAULTS_DIR"] = str(faults)
    try:
        served.up()
        served.login()
        yield served
    finally:
        served.end()


def test_only_the_first_and_the_newest_of_four_pushes_are_built(served):
    repo = served.app("busy", APP)
    faults = served.folder / "faults"
    (faults / "build.claimed").touch()
    served.run("git", "push", "-o", "detach", "catalyze", "master", cwd=repo)
    wait_until((faults / "build.claimed.reached.pid").exists)
    served.commit(repo, text="second")
    served.run("git", "push", "-o", "detach", "-o", "scale=worker=2", "catalyze", "master", cwd=repo)
    served.commit(repo, text="third")
    argv = ["git", "push", "catalyze", "master"]
    with subprocess.Popen(
        argv, cwd=repo, env=served.environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as third:
        assert third.stderr is not None
        said = ""
        while "#3 waits: 1 build before it" not in said:
            line = third.stderr.readline()
            assert line, said
            said += line
        served.commit(repo, text="fourth")
        served.run("git", "push", "-o", "detach", "catalyze", "master", cwd=repo)
        rest = third.stderr.read()
        assert third.wait(60) == 0
    assert (
        "remote: -----> Superseded by #4, a newer push: stratum -E MyProdEnv -A busy builds follow 4" in rest
    )

    (faults / "build.claimed.go").touch()
    served.stratum("builds", "follow", "4", cwd=repo)

    rows = {row["number"]: row for row in served.rows("builds", cwd=repo)}
    states = {number: (row["status"], row["superseded_by"]) for number, row in rows.items()}
    assert states == {
        1: ("succeeded", None),
        2: ("superseded", 3),
        3: ("superseded", 4),
        4: ("succeeded", None),
    }
    assert served.get("busy") == (200, "fourth")
    running = [row["target"] for row in served.rows("ps", cwd=repo)]
    assert sorted(running) == ["web", "worker", "worker"], "the scale of the second push was acknowledged"
    said = served.stratum("builds", "follow", "2", cwd=repo)
    assert (
        said == "Build 2 was superseded by #3, a newer push: stratum -E MyProdEnv -A busy builds follow 3\n"
    )
