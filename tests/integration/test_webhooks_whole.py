"""Web hooks on a whole instance: router, queue, the fetcher of `_work`, and what is killed meanwhile."""

import json
import os
import signal
import urllib.request
from contextlib import suppress

import pytest

from stratum.errors import ServerUnavailable
from tests.deliveries import encoded, headers, push
from tests.pulls import PULLS, Pull, pull_headers, push_pull
from tests.served import Served
from tests.sources import Source, source
from tests.sshd import needs_sshd, sshd
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FILES = {"Procfile": "worker: exec sleep 1000\n"}
SHOWS_ENVIRONMENT = """\
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SITE = {"Procfile": "web: exec python3 -S web.py\n", "web.py": SHOWS_ENVIRONMENT}


@pytest.fixture(scope="module")
def served():
    served = Served.in_new_folder(STRATUM_FETCH_HOSTS="127.0.0.1")
    try:
        served.up()
        served.login()
        served.remote.create_environment("MyProdEnv", "production", start_all=False)
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
    log = b"".join(app.build_log(1, follow=True)).decode().splitlines()
    assert log[:2] == [f"-----> Fetching master from {elsewhere.url}", f"-----> Fetched {first}"]
    assert any("v1" in line for line in log[2:]), log


def tell(served: Served, made: dict[str, object], pull: Pull) -> None:
    data, secret = encoded(PULLS["github"](pull)), str(made["secret"])
    sent = pull_headers("github", pull, data, secret, f"{pull.number}-{pull.minute}")
    request = urllib.request.Request(f"{served.url}{made['path']}", data, sent)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == (202 if pull.is_open else 200)


def shown(served: Served, app: str) -> dict[str, str]:
    """The environment of what answers for an app; empty while nothing does."""
    status, said = served.get(app)
    return json.loads(said) if status == 200 else {}


def is_gone(served: Served, name: str) -> bool:
    return name not in [app["name"] for app in served.remote.apps("MyProdEnv")]


def test_a_pull_request_answers_at_an_address_of_its_own_until_it_is_closed(served, tmp_path):
    served.remote.create_app("MyProdEnv", "shop")
    parent = served.remote.app("MyProdEnv", "shop")
    parent.edit_variables({"DATABASE_URL": "s3cret", "LANGUAGE": "eo"})
    parent.reviews.change({"enabled": True, "variables": ["LANGUAGE"]})
    with source(tmp_path / "r", SITE) as elsewhere:
        (elsewhere.folder / "octo").symlink_to(elsewhere.folder)
        url = elsewhere.url.replace("/app.git", "/octo/app.git")
        made = parent.webhooks.create({"provider": "github", "clone_url": url})
        first = push_pull(elsewhere, Pull(), {"a.txt": "one"})
        tell(served, made, first)
        wait_until(lambda: shown(served, "shop-pr-7").get("STRATUM_COMMIT") == first.commit, timeout=120)
        found = shown(served, "shop-pr-7")
        second = push_pull(elsewhere, first.then("pushed"), {"a.txt": "two"})
        tell(served, made, second)
        wait_until(lambda: shown(served, "shop-pr-7").get("STRATUM_COMMIT") == second.commit, timeout=120)
        own = max(int(path.stem) for path in served.data.glob("repos/*.git"))
        tell(served, made, second.then("closed"))
        wait_until(lambda: is_gone(served, "shop-pr-7"), timeout=120)

    assert (found["STRATUM_PARENT_APP"], found["STRATUM_PULL_REQUEST"]) == ("shop", "7")
    assert (found["LANGUAGE"], found["STRATUM_APP"]) == ("eo", "shop-pr-7")
    assert "s3cret" not in json.dumps(found)
    assert served.get("shop-pr-7")[0] == 404
    assert parent.releases() == []
    assert [row["status"] for row in parent.reviews.show()["pull_requests"]] == ["closed"]
    assert [
        *served.data.glob(f"*/{own}"),
        *served.data.glob(f"*/{own}.git"),
        *served.data.glob(f"*/*/{own}"),
    ] == []


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
