"""Who may do what with git: every right against every request; how a git signs in, and is slowed down."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitserver.git.pktline import FLUSH
from stratum.model import Right
from stratum.store import tokens
from stratum.unixhttp import UnixConnection
from tests.gitweb import FakeBuilder, run_git, served
from tests.rawgit import ask, headers_for
from tests.repos import commit

pytestmark = pytest.mark.integration

STRATUM = Path(sys.executable).with_name("stratum")
REQUESTS = {
    ("GET", "info/refs?service=git-upload-pack"): Right.READ,
    ("GET", "info/refs?service=git-receive-pack"): Right.PUSH,
    ("POST", "git-upload-pack"): Right.READ,
    ("POST", "git-receive-pack"): Right.PUSH,
}
SERVED = 200


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with served(folder, STRATUM_SIGN_IN_FAILURES="1000000") as started, FakeBuilder(started):
        yield started


@pytest.fixture
def strict(tmp_path):
    """One failure is free, and no more."""
    with served(tmp_path, STRATUM_SIGN_IN_FAILURES="1") as started:
        yield started


def send(web, method, label, path, secret):
    """Send a request with the body that git probes with."""
    service = path.rpartition("=")[2].rpartition("/")[2]
    body = FLUSH if method == "POST" else None
    return ask(web, method, f"/{label}.git/{path}", body, headers_for(secret, service))


@pytest.mark.parametrize("whole", [False, True], ids=["app", "environment"])
def test_each_right_opens_what_it_includes_and_no_more(web, whole):
    """What is there is 200 or 403, what is not there or not to be seen is 404."""
    environment = f"Rights{whole:d}"
    app, other, away = web.new_app(environment), web.new_app(environment), web.new_app("Away")
    for held in Right:
        secret = web.token(f"{held}-{environment}", app, held)
        if whole:
            with web.db.write() as tx:
                tx.exec_driver_sql(
                    "update grants set app_id = null where token_id = (select max(id) from tokens)"
                )
        for (method, path), needed in REQUESTS.items():
            expected = SERVED if held.includes(needed) else 403
            beside = expected if whole else 404
            statuses = [
                send(web, method, label, path, secret).status
                for label in (app.label, other.label, away.label, f"{environment}/nope", "nope/nope")
            ]
            assert statuses == [expected, beside, 404, 404, 404], (held, method, path)


def test_what_is_pushed_takes_the_right_to_push_it(web):
    """A topic branch: push; what deploys: deploy. The refused one hears what it may do."""
    app, source = web.new_app(), web.source("rights")
    pusher, deployer = (
        web.token(f"{right}-of-{app.name}", app, right) for right in (Right.PUSH, Right.DEPLOY)
    )
    assert run_git(source, "push", web.url(app, deployer), "master").code == 0
    before = web.ref(app)
    commit(source, {"more": "1"})

    refused = run_git(source, "push", web.url(app, pusher), "master")
    topic = run_git(source, "push", web.url(app, pusher), "master:topic")

    assert (refused.code, web.ref(app)) == (1, before)
    assert "your token may push to" in refused.said
    assert topic.code == 0
    assert web.ref(app, "refs/heads/topic") == run_git(source, "rev-parse", "HEAD").said.strip()


def test_a_git_that_may_not_ask_fails_at_once(web):
    pushed = run_git(web.source("silent"), "push", web.url(web.new_app(), ""), "master")

    assert pushed.code == 128
    assert "could not read Username" in pushed.said
    assert "terminal prompts disabled" in pushed.said


def test_a_git_that_may_ask_asks_for_name_and_password(web, tmp_path):
    app, asked = web.new_app(), tmp_path / "asked"
    script = tmp_path / "askpass"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {asked}\nprintf "%s\\n" {web.secret}\n')
    script.chmod(0o700)

    pushed = run_git(web.source("asking"), "push", web.url(app, ""), "master", GIT_ASKPASS=str(script))

    assert pushed.code == 0
    first, second = asked.read_text().splitlines()
    assert (first.startswith("Username for 'http://"), second.startswith("Password for 'http://")) == (
        True,
        True,
    )


def test_no_url_holds_a_token_and_an_expired_one_is_said_to_be_refused(web, tmp_path):
    """With `stratum login` and `associate`, by the helper that git asks."""
    app, source = web.new_app(), web.source("helped")
    secret, home = web.token("helped", app, Right.DEPLOY), {"HOME": str(tmp_path)}
    url = f"http://127.0.0.1:{web.port}"
    for arguments in (["login", url, "--token", secret], ["associate", app.environment.name, app.name]):
        environ = {"PATH": os.environ["PATH"], **home}
        subprocess.run([STRATUM, *arguments], cwd=source, env=environ, check=True, capture_output=True)

    pushed = run_git(source, "push", "catalyze", "master", **home)
    with web.db.write() as tx:
        assert tokens.get_token(tx, "helped") is not None
        tx.exec_driver_sql("update tokens set expires_at = '2020-01-01 00:00:00' where name = 'helped'")
    again = run_git(source, "push", "catalyze", "master", **home)

    assert pushed.code == 0, pushed.said
    assert secret not in (source / ".git/config").read_text()
    assert again.code == 128
    assert f"stratum: Sign in again with: stratum login {url}\n" in again.said
    assert "Authentication failed" in again.said


def test_ci_needs_its_token_in_the_environment_alone(web, tmp_path):
    app, source = web.new_app(), web.source("ci")
    environ = {
        "HOME": str(tmp_path),
        "STRATUM_URL": f"http://127.0.0.1:{web.port}",
        "STRATUM_TOKEN": web.token("ci", app, Right.DEPLOY),
    }
    associate = [STRATUM, "associate", app.environment.name, app.name]
    everything = {"PATH": os.environ["PATH"], **environ}
    subprocess.run(associate, cwd=source, env=everything, check=True, capture_output=True)

    pushed = run_git(source, "push", "catalyze", "HEAD:master", **environ)

    assert pushed.code == 0, pushed.said
    written = [file for folder in (tmp_path, source / ".git") for file in folder.rglob("*") if file.is_file()]
    assert not any(environ["STRATUM_TOKEN"].encode() in file.read_bytes() for file in written)


def test_git_shows_in_a_line_that_it_has_to_wait(strict):
    """Each round doubles the wait, so one of the first outlasts the start of a git."""
    app, source = strict.new_app(), strict.source("slowed")

    def pushed_after_a_failure():
        ask(strict, "GET", "/a/b.git/info/refs", None, headers_for("wrong"))
        return run_git(source, "push", strict.url(app, "wrong"), "master")

    rounds = (pushed_after_a_failure() for _ in range(10))
    pushed = next(found for found in rounds if "Too many" in found.said)

    assert pushed.code == 128
    [line] = [line for line in pushed.remote if line]
    assert line.startswith("Too many sign-ins have failed. Try again in ")
    assert "429" in pushed.said
    assert ask(strict, "GET", "/a/b.git/info/refs", None, {}).status == 401


def by_socket(web, secret, forwarded):
    """Ask as the router does."""
    connection = UnixConnection(web.instance.layout.web_socket, "localhost", 10)
    return status(connection, secret, forwarded)


def by_port(web, secret, forwarded):
    return status(http.client.HTTPConnection("127.0.0.1", web.port), secret, forwarded)


def status(connection, secret, forwarded):
    headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": forwarded}
    try:
        connection.request("GET", "/api/whoami", headers=headers)
        answer = connection.getresponse()
        json.loads(answer.read())
        return answer.status
    finally:
        connection.close()


def closed(ask_, web, forwarded):
    """Fail until the answer is 429."""
    return any(ask_(web, "wrong", forwarded) == 429 for _ in range(20))


def test_clients_behind_the_router_are_told_apart_and_nobody_else_is_believed(strict):
    assert closed(by_socket, strict, "10.0.0.1")
    assert by_socket(strict, strict.secret, "10.0.0.2") == 200
    assert by_port(strict, strict.secret, "10.0.0.3") == 200, "its own address has not failed"
    assert closed(by_port, strict, "10.0.0.4")
    assert by_socket(strict, "wrong", "10.0.0.4") == 401, "what was claimed is not what failed"
