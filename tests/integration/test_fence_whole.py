"""A push whose build is hostile, on whole instances: as root and as an ordinary user."""

import os
import secrets
import subprocess
from collections.abc import Iterator

import pytest

from tests.served import Served
from tests.waiting import found as found_below

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ROOT = os.getuid() == 0


UNFENCED_TOO = [pytest.param(False, marks=pytest.mark.skipif(not ROOT, reason="needs root")), True]


@pytest.fixture(scope="module", params=UNFENCED_TOO)
def own(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A Stratum of the tests' own, started by root or by an ordinary user."""
    made = Served.in_new_folder(STRATUM_STOP_GRACE_S="3")
    if request.param and ROOT:
        made.start_as_user()
    made.up()
    made.login()
    yield made
    made.end()


def test_a_hostile_build_gets_to_nothing_but_the_registry(own: Served):
    mark = str(secrets.randbelow(10**6) + 10**6)
    victim = own.app("victim", {"Procfile": "web: python3 -m http.server $PORT\n"})
    own.push(victim)
    repo = own.app("hostile", "build_is_hostile")
    own.stratum("vars", "set", f"MARK={mark}", f"SELF={own.url.replace('localhost', '127.0.0.1')}/", cwd=repo)

    said = own.push(repo, check=False)

    found = [line.partition("remote:")[2].strip(" !") for line in said.splitlines()]
    assert "0 files: nothing" in found, said
    assert own.starter or "1 writes: nothing" in found  # unfenced, folders in its own /tmp are its own
    assert not [path for path in found_below(own.data, "**/x") if (own.data / path).is_file()]
    assert "2 sockets: nothing" in found
    assert "3 ports: 3128" in found, said
    assert "4 processes: nothing" in found
    (asked,) = {line for line in found if line.startswith("5 hosts: ")}
    assert asked.startswith(
        "5 hosts: https://pypi.org/simple/six/=200 http://example.org/=403 http://169.254"
    )
    assert asked.endswith(f":{own.port}/=<urlopen error [Errno 111] Connection refused>")
    refusal = "No way out to example.org:80: builds reach package registries only."
    assert any(line.startswith(refusal) for line in found)
    assert subprocess.run(["pgrep", "-f", mark], check=False).returncode == 1
    assert own.get("victim")[0] == 200


def test_status_tells_what_builds_have_of_their_own(own: Served):
    assert "Builds have their own: files, ipc, network, processes." in own.stratum("status")


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_in_a_container_that_refuses_namespaces_builds_run_and_status_says_what_they_lack():
    contained = Served.in_new_folder(STRATUM_STOP_GRACE_S="3")
    contained.starter = ["setpriv", "--bounding-set", "-sys_admin", "--"]
    try:
        told = contained.up().stderr
        contained.login()
        repo = contained.app("web", {"Procfile": "web: python3 -m http.server $PORT\n"})
        contained.push(repo)

        assert "Builds lack their own files, ipc, network, processes: see `stratum status`." in told
        assert "Builds lack their own network: unshare: Operation not permitted." in contained.stratum(
            "status"
        )
        assert contained.get("web")[0] == 200
    finally:
        contained.end()
