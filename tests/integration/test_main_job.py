"""The main job, as a person does it: real git, command line, HTTP, on a whole instance."""

import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.served import BIN
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WEB = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (open("text").read() + os.environ.get("GREETING", "")).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
LOOP = "while true; do echo tick; sleep 0.2; done"
APP = {"Procfile": f"web: python3 web.py\nworker: {LOOP}\n", "web.py": WEB, "text": "one"}


@pytest.fixture(scope="module")
def pushed(served):
    """An app with web and worker, pushed once."""
    repo = served.app("main", APP)
    return repo, served.push(repo)


def rows(served, repo):
    return {f"{row['target']}.{row['index']}": row for row in served.rows("ps", cwd=repo)}


def test_a_push_ends_when_the_web_process_answers(served, pushed):
    repo, said = pushed
    commit = subprocess.check_output(["git", "rev-parse", "--short=7", "HEAD"], cwd=repo, text=True).strip()
    lines = [
        line.removeprefix("remote: ").rstrip() for line in said.splitlines() if line.startswith("remote:")
    ]

    assert lines[0] == f"-----> Receiving main from {commit}"
    assert lines[1] == "       To follow it again: stratum -E MyProdEnv -A main builds follow 1"
    assert "-----> Procfile: web, worker" in lines
    assert "-----> Released v1" in lines
    assert re.fullmatch(r"-----> web\.1 up on port \d+ \(pid \d+\) after \d+\.\d s", lines[-2])
    assert lines[-1].strip() == f"http://main.myprodenv.localhost:{served.port}"
    assert served.get("main") == (200, "one")


def test_only_web_runs_until_a_target_is_launched_as_a_worker(served, pushed):
    repo, _ = pushed
    assert set(rows(served, repo)) == {"web.1"}

    said = served.stratum("-E", "MyProdEnv-main", "worker", "worker")
    again = served.stratum("-E", "MyProdEnv-main", "worker", "worker")

    pid = rows(served, repo)["worker.1"]["pid"]
    assert f"worker.1 started (pid {pid})" in said
    assert "already running" in again
    assert "nothing changed" in again
    assert rows(served, repo)["worker.1"]["pid"] == pid


def test_scaling_leaves_other_pids_alone(served, pushed):
    repo, _ = pushed
    served.stratum("worker", "worker", cwd=repo)
    before = rows(served, repo)

    served.stratum("scale", "worker=3", cwd=repo)
    three = rows(served, repo)
    served.stratum("scale", "worker=1", cwd=repo)
    one = rows(served, repo)

    assert set(three) == {"web.1", "worker.1", "worker.2", "worker.3"}
    assert set(one) == {"web.1", "worker.1"}
    assert {name: row["pid"] for name, row in one.items()} == {
        name: row["pid"] for name, row in before.items()
    }


def test_a_second_push_rolls_out_without_a_failed_request_and_keeps_the_scale(served, pushed):
    repo, _ = pushed
    served.stratum("scale", "worker=2", cwd=repo)
    served.commit(repo, text="two")
    push = subprocess.Popen(
        ["git", "push", "catalyze", "master"],
        cwd=repo,
        env=served.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    answers = []
    while push.poll() is None:
        answers.append(served.get_once("main"))
    answers.append(served.get_once("main"))

    assert push.returncode == 0
    assert {status for status, _ in answers} == {200}
    assert answers[-1] == (200, "two")
    assert [text for _, text in answers] == sorted(text for _, text in answers), (
        "never back to the old release"
    )
    wait_until(lambda: {row["release"] for row in rows(served, repo).values()} == {"v2"})
    assert set(rows(served, repo)) == {"web.1", "worker.1", "worker.2"}


def test_a_variable_makes_a_release_that_has_it(served, pushed):
    repo, _ = pushed
    served.stratum("vars", "set", "GREETING= hello", cwd=repo)

    assert served.get("main")[1].endswith(" hello")
    newest = served.rows("releases", cwd=repo)[0]
    assert "GREETING" in str(newest["cause"])
    served.stratum("vars", "unset", "GREETING", cwd=repo)
    assert not served.get("main")[1].endswith(" hello")


def test_a_rollback_runs_the_former_code(served, pushed):
    repo, _ = pushed
    first = served.rows("releases", cwd=repo)[-1]

    served.stratum("rollback", str(first["version"]), cwd=repo)

    assert served.get("main") == (200, "one")
    newest = served.rows("releases", cwd=repo)[0]
    assert newest["commit"] == first["commit"]


def test_a_crashed_process_comes_back(served, pushed):
    repo, _ = pushed
    served.stratum("worker", "worker", cwd=repo)
    before = rows(served, repo)["worker.1"]
    os.kill(int(str(before["pid"])), 9)

    wait_until(lambda: rows(served, repo).get("worker.1", {}).get("pid") not in {None, 0, before["pid"]})
    assert int(str(rows(served, repo)["worker.1"]["restarts"])) >= 1


def test_logs_follow_a_process_by_target(served, pushed):
    repo, _ = pushed
    served.stratum("worker", "worker", cwd=repo)
    follower = subprocess.Popen(
        [BIN / "stratum", "logs", "-f", "-t", "worker"],
        cwd=repo,
        env=served.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    lines = [follower.stdout.readline() for _ in range(5)]
    follower.terminate()
    follower.wait()
    follower.stdout.close()

    assert all(re.fullmatch(r"worker\.\d+ \| tick\n", line) for line in lines), lines


def test_an_operator_reads_everything_with_plain_supervisorctl(served, pushed):
    conf = str(served.data / "run/supervisord.conf")
    status = served.run("supervisorctl", "-c", conf, "status").stdout
    name = re.search(r"MyProdEnv\.main\.v\d+\.web\.1", status)

    assert name, status
    assert re.search(rf"{re.escape(name[0])}\s+RUNNING", status)
    served.run("supervisorctl", "-c", conf, "tail", name[0])


def test_what_an_operator_stops_is_started_again_and_a_restart_is_respected(served, pushed):
    repo, _ = pushed
    served.stratum("worker", "worker", cwd=repo)
    row = rows(served, repo)["worker.1"]
    name, conf = str(row["name"]), str(served.data / "run/supervisord.conf")

    served.run("supervisorctl", "-c", conf, "restart", name)
    restarted = rows(served, repo)["worker.1"]["pid"]
    served.run("supervisorctl", "-c", conf, "stop", name)
    wait_until(
        lambda: rows(served, repo)["worker.1"]["pid"] not in {None, 0, restarted, row["pid"]}, timeout=60
    )

    assert restarted not in {None, 0, row["pid"]}


def test_another_branch_is_stored_and_does_not_deploy(served, pushed):
    repo, _ = pushed
    builds = len(served.rows("builds", cwd=repo))

    said = served.push(repo, "master:refs/heads/topic")

    assert "does not deploy" in said
    tip = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repo, text=True)[:12]
    assert f"git push catalyze {tip}:master" in said
    assert len(served.rows("builds", cwd=repo)) == builds


def test_the_branch_that_the_app_names_deploys(served):
    repo = served.app("branched", APP)
    served.stratum("apps", "set", "branched", "--deploy-branch", "release", "-E", "MyProdEnv")

    assert "does not deploy: branched deploys release" in served.push(repo)
    served.push(repo, "master:release")

    assert served.get("branched") == (200, "one")


def test_data_printing_commands_speak_json(served, pushed):
    repo, _ = pushed
    served.stratum("worker", "worker", cwd=repo)
    wanted = {
        "ps": {"name", "target", "index", "pid", "port", "release", "state", "since", "restarts"},
        "builds": {"number", "status", "commit", "source"},
        "releases": {"version", "commit", "status", "cause", "created_at"},
    }
    for command, keys in wanted.items():
        found = served.rows(command, cwd=repo)
        assert found, command
        assert keys <= found[0].keys(), command
    for words in (["environments", "list"], ["apps", "list"], ["vars"], ["status"], ["whoami"]):
        parsed = json.loads(served.run("stratum", *words, "--json", cwd=repo).stdout)
        assert isinstance(parsed, list), words


def test_redeploy_builds_the_same_commit_again(served, pushed):
    repo, _ = pushed
    before = served.rows("builds", cwd=repo)[0]

    served.stratum("redeploy", cwd=repo)

    after = served.rows("builds", cwd=repo)[0]
    assert after["number"] == int(str(before["number"])) + 1
    assert after["source"] == "redeploy"
    assert after["status"] == "succeeded"


def test_destroying_an_app_takes_processes_route_and_data_away(served):
    repo = served.app("doomed", APP)
    served.push(repo)
    pid = int(str(rows(served, repo)["web.1"]["pid"]))
    slugs = [path for path in (served.data / "slugs").glob("*/*") if (path / "text").exists()]

    refused = served.run(
        "stratum", "apps", "destroy", "doomed", "-E", "MyProdEnv", check=False, stdin="dooomed\n"
    )
    assert refused.returncode == 1
    assert served.get("doomed")[0] == 200
    served.stratum("apps", "destroy", "doomed", "-E", "MyProdEnv", stdin="doomed\n")

    assert not Path(f"/proc/{pid}").exists()
    assert served.get("doomed")[0] == 404
    assert "doomed" not in served.stratum("apps", "list", "-E", "MyProdEnv")
    assert len([path for path in slugs if path.exists()]) == len(slugs) - 1


def test_an_environment_may_start_all_targets(served):
    served.stratum("environments", "create", "AllEnv", "--stage", "development", "--start-all")
    files = {**APP, "Procfile_development": f"web: python3 web.py\nscheduler: {LOOP}\nworker: {LOOP}\n"}
    repo = served.app("everything", files, environment="AllEnv")

    said = served.push(repo)

    assert "Procfile_development" in said
    assert set(rows(served, repo)) == {"web.1", "scheduler.1", "worker.1"}


def test_time_passes_in_ps(served, pushed):
    repo, _ = pushed
    row = rows(served, repo)["web.1"]

    assert str(row["since"]).startswith(time.strftime("%Y-", time.gmtime()))


def test_a_restart_of_our_own_services_drops_no_request_to_an_app(served, pushed):
    conf, ended, answers = str(served.data / "run/supervisord.conf"), threading.Event(), []

    def visit():
        while not ended.is_set():
            answers.append(served.get_once("main")[0])

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        served.run("supervisorctl", "-c", conf, "restart", "_web", "_work")
        wait_until(lambda: served.run("stratum", "whoami", check=False).returncode == 0, timeout=60)
    finally:
        ended.set()
        visitor.join()

    assert len(answers) > 10
    assert set(answers) == {200}
