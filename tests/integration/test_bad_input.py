"""Bad input to a running app on a whole instance: who is told what, and the old release runs on."""

import hashlib
import json

import pytest

pytestmark = pytest.mark.integration

WEB = """\
import hashlib, http.server, json, os
FACTS = {os.fsdecode(name): hashlib.sha256(value).hexdigest() for name, value in os.environb.items()}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(FACTS).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
GOOD = {"Procfile": "web: python3 web.py\nworker: sleep 100000\n", "web.py": WEB}
CRASH = "for i in $(seq 30); do echo line $i; done; echo the database is not there >&2; exit 3"

# What is pushed over the good release, git's exit code, and what the pusher must be able to read.
PUSHES: dict[str, tuple[dict[str, str | None], int, list[str]]] = {
    "no Procfile": ({"Procfile": None}, 1, ["Procfile:1:1", "no such file"]),
    "an empty Procfile": ({"Procfile": ""}, 1, ["Procfile:1:1"]),
    "only comments": ({"Procfile": "# web: x\n"}, 1, ["Procfile:"]),
    "a line without a colon": ({"Procfile": "web python3 web.py\n"}, 1, ["Procfile:1:4", "Put a colon"]),
    "a target twice": ({"Procfile": "web: a\nweb: b\n"}, 1, ["Procfile:2:1", "line 1"]),
    "a bad name": ({"Procfile": "we/b: a\n"}, 1, ["Procfile:1:3"]),
    "a NUL": ({"Procfile": "web: a\0b\n"}, 1, ["Procfile:1:7"]),
    "a Procfile of 1 MB": ({"Procfile": "web: " + "x" * 1_000_000}, 1, ["Procfile", "65536"]),
    "every problem at once": (
        {"Procfile": "web\nworker: a\nworker: b\n"},
        1,
        ["Procfile:1:", "Procfile:3:1"],
    ),
    "a requirement that does not exist": (
        {"requirements.txt": "six==99.0\n"},
        0,
        ["Installing requirements.txt failed (exit code 1)", "six==99.0", "v1 keeps running"],
    ),
    "a command that exits at once": (
        {"Procfile": f"web: {CRASH}\n"},
        0,
        [
            "web.1 did not come up: exit status 3",
            "line 12\n",
            "the database is not there",
            "v1 keeps running",
        ],
    ),
    "a web that never listens": (
        {"Procfile": "web: echo here I sit; sleep 100000\n"},
        0,
        ["web.1 did not come up", "$PORT", "here I sit", "v1 keeps running"],
    ),
}


@pytest.fixture(scope="module")
def running(served):
    repo = served.app("sturdy", GOOD)
    served.push(repo)
    served.stratum("worker", "worker", cwd=repo)
    return repo


def pids(served, repo):
    return {str(row["name"]): row["pid"] for row in served.rows("ps", cwd=repo)}


@pytest.mark.parametrize("fault", PUSHES)
def test_a_bad_push_is_explained_and_the_old_release_runs_on(served, running, fault):
    files, code, told = PUSHES[fault]
    before = pids(served, running)
    for name, content in files.items():
        if content is None:
            (running / name).unlink()
        else:
            (running / name).write_text(content)
    served.commit(running)

    done = served.run("git", "push", "--force", "catalyze", "master", cwd=running, check=False)
    said = "\n".join(line.removeprefix("remote: ").rstrip() for line in done.stderr.splitlines()) + "\n"
    served.run("git", "reset", "--hard", "-q", "HEAD~", cwd=running)

    assert done.returncode == code, said
    for words in told:
        assert words in said, said
    after = pids(served, running)
    webs = {name: pid for name, pid in before.items() if ".web." in name}
    assert {name: pid for name, pid in after.items() if ".web." in name} == webs, "the old web was touched"
    assert set(after) == set(before)
    assert served.get("sturdy")[0] == 200


VALUES = {
    "QUOTES": 'it\'s "quoted" `back`',
    "LINES": "one\ntwo\r\nthree\n",
    "MARKS": "50% ; # $HOME $(id) %(here)s \\ ,=",
    "UNICODE": "Grüße, 世界 🐍",
    "EMPTY": "",
    "BLANKS": "  around  \t",
    "LARGE": "x" * 65536,
}


def test_values_arrive_in_the_process_byte_for_byte(served, running):
    arguments = []
    for name, value in VALUES.items():
        path = served.folder / f"value-{name}"
        path.write_bytes(value.encode())
        arguments += ["--file", f"{name}={path}"]
    served.stratum("vars", "set", *arguments, cwd=running)

    facts = json.loads(served.get("sturdy")[1])

    assert {name: facts.get(name) for name in VALUES} == {
        name: hashlib.sha256(value.encode()).hexdigest() for name, value in VALUES.items()
    }
    shown = {row["name"]: row["value"] for row in served.rows("vars", cwd=running)}
    assert shown == VALUES
    secret = VALUES["LARGE"].encode()
    for file in (served.data / "state").glob("stratum.db*"):
        assert secret not in file.read_bytes(), "values are encrypted at rest"


@pytest.mark.parametrize("given", ["--1", "1.5", "1000000000", "x", ""])
def test_a_scale_that_is_none_is_refused_with_what_is_allowed(served, running, given):
    before = pids(served, running)

    done = served.run("stratum", "scale", f"worker={given}", cwd=running, check=False)

    assert done.returncode in {1, 2}
    assert "whole number from 0 to 100" in done.stderr
    assert pids(served, running) == before


def test_an_unknown_target_is_refused_with_those_there_are(served, running):
    for command in (["worker", "nope"], ["scale", "nope=1"]):
        done = served.run("stratum", *command, cwd=running, check=False)

        assert done.returncode == 1
        assert "'nope' is no target of the current release; its targets are: web, worker." in done.stderr


@pytest.mark.parametrize("path", ["sturdy", "nothing-of-that-name"])
def test_without_credentials_nothing_is_told(served, running, path):
    url = f"http://x:wrong@localhost:{served.port}/MyProdEnv/{path}.git"
    for remote in (url, url.replace("x:wrong@", "")):
        done = served.run("git", "ls-remote", remote, check=False)

        assert done.returncode != 0
        assert "not found" not in done.stderr
        assert "Authentication failed" in done.stderr or "could not read Username" in done.stderr


def test_a_reader_may_clone_and_not_push_and_sees_no_other_app(served, running):
    token = served.run("stratum", "tokens", "create", "reader", "--read", "MyProdEnv/sturdy").stdout.strip()
    served.stratum("apps", "create", "hidden", "-E", "MyProdEnv")
    base = f"http://x:{token}@localhost:{served.port}/MyProdEnv"

    clone = served.run("git", "clone", "-q", f"{base}/sturdy.git", "reader-clone")
    push = served.run("git", "push", f"{base}/sturdy.git", "master:topic", cwd=running, check=False)
    hidden = served.run("git", "ls-remote", f"{base}/hidden.git", check=False)
    missing = served.run("git", "ls-remote", f"{base}/missing.git", check=False)

    assert clone.returncode == 0
    assert "403" in push.stderr
    assert hidden.stderr.replace("hidden", "missing") == missing.stderr, "nothing leaks about what exists"
    assert "not found" in missing.stderr
