"""Web hooks on a whole instance: router, queue, the fetcher of `_work`, and what is killed meanwhile."""

import json
import os
import signal
import urllib.request
from contextlib import suppress

import pytest

from stratum.errors import ServerUnavailable
from tests.deliveries import encoded, headers, push
from tests.served import Served
from tests.sources import Source, source
from tests.sshd import needs_sshd, sshd
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FILES = {"Procfile": "worker: exec sleep 1000\n"}


@pytest.fixture(scope="module")
def served():
    served = Served.in_new_folder(STRATUM_FETCH_HOSTS="127.0.0.1")
    try:
        served.up()
        served.login()
        yield served
    finally:
        served.end()


def deliver(served: Served, path: str, secret: str, ident: str) -> tuple[int, int]:
    """Deliver; return the status, and the number of the build."""
    data = encoded(push("github"))
    request = urllib.request.Request(f"{served.url}{path}", data, headers("github", data, secret, ident))
    with urllib.request.urlopen(request, timeout=60) as answer:
        said = json.load(answer)
        assert said["verdict"] == "queued"
        return int(answer.status), int(said["build"])


def kill(served: Served, *programs: str) -> None:
    for pid in [pid for program in programs for pid in served.pids_of(program)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def run_one(served: Served, elsewhere: Source) -> None:
    served.remote.create_environment("MyProdEnv", "production", start_all=False)
    served.remote.create_app("MyProdEnv", "app02")
    app = served.remote.app("MyProdEnv", "app02")
    made = app.webhooks.create({"provider": "github", "clone_url": elsewhere.url})

    def is_live(commit: str) -> bool:
        with suppress(ServerUnavailable):  # while the web process is started again
            return any(one["commit"] == commit and one["current"] for one in app.releases())
        return False

    def verdicts() -> list[str]:
        return [row["verdict"] for row in app.webhooks.deliveries()]

    first = elsewhere.push({"a.txt": "one"})
    assert deliver(served, made["path"], made["secret"], "first") == (202, 1)
    wait_until(lambda: is_live(first), timeout=60)
    second = elsewhere.push({"a.txt": "two"})
    kill(served, "_work", "_redis")
    assert deliver(served, made["path"], made["secret"], "second") == (202, 2)
    kill(served, "_work", "_redis", "_web")
    wait_until(lambda: is_live(second), timeout=120)  # a fetch that failed meanwhile is tried after a pause
    # The build may go live before the fetcher has written down that it pushed.
    wait_until(lambda: verdicts() == ["pushed", "pushed"], timeout=60)
    assert [(row["number"], row["commit"]) for row in app.builds()] == [(2, second), (1, first)]


def test_what_was_answered_202_is_deployed_whatever_is_killed(served, tmp_path):
    with source(tmp_path / "s", FILES) as elsewhere:
        run_one(served, elsewhere)


@needs_sshd
def test_a_source_is_fetched_by_ssh_by_the_services_account(served, tmp_path):
    """Where it is fenced, that has no name."""
    served.remote.create_environment("MySshEnv", "production", start_all=False)
    served.remote.create_app("MySshEnv", "app02")
    app = served.remote.app("MySshEnv", "app02")
    with sshd(tmp_path, FILES) as elsewhere:
        made = app.webhooks.create({"provider": "github", "clone_url": elsewhere.url})
        elsewhere.allow(made["deploy_keys"][0]["key"])
        tip = elsewhere.push({"a.txt": "one"})

        assert deliver(served, made["path"], made["secret"], "first")[0] == 202
        wait_until(lambda: [row["commit"] for row in app.releases() if row["current"]] == [tip], timeout=60)
