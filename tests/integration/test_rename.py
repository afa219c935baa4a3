"""Renaming an app that runs, on a whole instance."""

import threading

import pytest

from tests.served import BIN

pytestmark = pytest.mark.integration

WEB = """\
import http.server, os, sys
name = os.environ["STRATUM_APP"]
if name == os.environ.get("UNWANTED"):
    sys.exit(3)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = name.encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
APP = {"Procfile": "web: python3 web.py\nworker: sleep 1000\n", "web.py": WEB}


def sections(served):
    said = served.run(
        str(BIN / "supervisorctl"), "-c", str(served.data / "run/supervisord.conf"), "status", check=False
    )
    return sorted(line.split()[0] for line in said.stdout.splitlines() if not line.startswith("_"))


def pids(served, repo, *options):
    return {row["name"]: row["pid"] for row in served.rows("ps", *options, cwd=repo)}


class Visitor:
    """Asks an app by its old and its new name without a pause."""

    def __init__(self, served, old, new):
        self._served, self._names = served, (old, new)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.is_set():
            self.seen.append(tuple(self._served.get(name) for name in self._names))


def test_a_renamed_app_runs_on_until_its_new_processes_answer_by_the_new_name(served):
    repo = served.app("first", APP)
    served.push(repo)
    served.stratum("scale", "worker=1", cwd=repo)
    before = pids(served, repo)
    with Visitor(served, "first", "second") as visitor:
        said = served.run("stratum", "apps", "rename", "first", "second", "-E", "MyProdEnv")

    where = f"http://second.myprodenv.localhost:{served.port}"
    assert said.stderr.splitlines() == [
        f"MyProdEnv/first is now MyProdEnv/second, and at {where} once it runs.",
        f"In its git repositories: git remote set-url catalyze {served.url}/MyProdEnv/second.git",
    ]
    gone = (404, "There is no app at this address.\n")
    assert set(visitor.seen) <= {
        ((200, "first"), gone),
        ((200, "first"), (200, "second")),
        (gone, (200, "second")),
    }
    assert visitor.seen[0] == ((200, "first"), gone)
    assert (served.get("first"), served.get("second")) == (gone, (200, "second"))
    alias = ("-E", "MyProdEnv-first")
    after = pids(served, served.folder, *alias)
    assert sorted(before) == ["MyProdEnv.first.v1.web.1", "MyProdEnv.first.v1.worker.1"]
    assert sorted(after) == ["MyProdEnv.second.v2.web.1", "MyProdEnv.second.v2.worker.1"]
    assert not set(before.values()) & set(after.values())
    assert [name for name in sections(served) if ".first." in name] == []

    refused = served.push(repo, check=False)
    assert "MyProdEnv/first is called MyProdEnv/second now." in refused
    served.run("git", "remote", "set-url", "catalyze", f"{served.url}/MyProdEnv/second.git", cwd=repo)
    served.commit(repo, more="x")
    served.push(repo)
    assert sorted(pids(served, repo)) == ["MyProdEnv.second.v3.web.1", "MyProdEnv.second.v3.worker.1"]
    assert served.get("second") == (200, "second")

    repo = repo.rename(served.folder / "repo-second")
    other = served.app("first", APP)
    served.push(other)
    assert (served.get("first"), served.get("second")) == ((200, "first"), (200, "second"))
    assert sorted(pids(served, other)) == ["MyProdEnv.first.v1.web.1"]
    assert len(pids(served, repo)) == 2


def test_a_rename_that_does_not_come_up_leaves_what_ran(served):
    repo = served.app("third", APP)
    served.push(repo)
    served.stratum("vars", "set", "UNWANTED=fourth", cwd=repo)
    before = pids(served, repo)
    said = served.run("stratum", "apps", "rename", "third", "fourth", "-E", "MyProdEnv", check=False)

    assert said.returncode == 1
    assert "What ran before runs on." in said.stderr
    served.run("git", "remote", "set-url", "catalyze", f"{served.url}/MyProdEnv/fourth.git", cwd=repo)
    assert pids(served, repo) == before
    assert sorted(before) == ["MyProdEnv.third.v2.web.1"]
    assert served.get("third") == (200, "third")
    taken = served.run("stratum", "apps", "create", "third", "-E", "MyProdEnv", check=False)
    assert "its processes still run under that name" in taken.stderr
    served.stratum("scale", "worker=1", cwd=repo)
    assert sorted(pids(served, repo)) == ["MyProdEnv.third.v2.web.1", "MyProdEnv.third.v2.worker.1"]

    served.stratum("vars", "unset", "UNWANTED", cwd=repo)
    assert served.get("fourth") == (200, "fourth")
    assert {name.split(".")[1] for name in pids(served, repo)} == {"fourth"}


def test_an_app_that_was_renamed_can_be_destroyed(served):
    repo = served.app("fifth", APP)
    served.push(repo)
    served.stratum("apps", "rename", "fifth", "sixth", "-E", "MyProdEnv")
    served.stratum("apps", "destroy", "sixth", "-E", "MyProdEnv", "--confirm", "sixth")

    assert [name for name in sections(served) if ".fifth." in name or ".sixth." in name] == []
    assert served.get("sixth")[0] == 404
    assert "no app 'MyProdEnv/fifth'" in served.push(repo, check=False)
