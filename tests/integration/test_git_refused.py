"""What is refused: no entry without a token, nothing told of what one may not see, no bad Procfile."""

import fcntl
import gzip
import http.client
import re
from base64 import b64encode
from contextlib import contextmanager
from random import Random

import pytest

from gitserver.git.pktline import KEEPALIVE
from stratum.model import Right
from stratum.store import tokens
from tests.gitweb import FakeBuilder, run_git, served
from tests.rawgit import ask, connect, first_push, headers_for, post
from tests.repos import commit
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

UNCHANGED = " !     The push is rejected; nothing was changed, and what runs keeps running."
NO_TOKEN = b"This needs a valid token. Sign in with: stratum login URL.\n"

REQUESTS = [
    ("GET", "info/refs?service=git-receive-pack"),
    ("GET", "info/refs?service=git-upload-pack"),
    ("GET", "info/refs"),
    ("GET", "HEAD"),
    ("POST", "info/refs"),
    ("POST", "git-receive-pack"),
    ("POST", "git-upload-pack"),
    ("GET", "git-receive-pack"),
]
WRONG = {
    "none": {},
    "wrong": {"Authorization": "Basic " + b64encode(b"x:0123").decode()},
    "no password": {"Authorization": "Basic " + b64encode(b"x").decode()},
    "not base64": {"Authorization": "Basic ÿ"},
    "other scheme": {"Authorization": "Digest username=x"},
    "wrong bearer": {"Authorization": "Bearer nope"},
}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with served(folder, STRATUM_SIGN_IN_FAILURES="1000000") as started, FakeBuilder(started):
        yield started


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_without_a_token_everything_is_401(web, method, path, given):
    """Whether the app exists or not, and whatever is asked of it."""
    app = web.new_app()
    for label in (app.label, "nope/nope"):
        answer = ask(web, method, f"/{label}.git/{path}", None, given)

        assert (answer.status, answer.body) == (401, NO_TOKEN)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stratum", charset="UTF-8"'
    assert not web.repo(app).exists()


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_what_one_may_not_see_is_as_absent_as_what_does_not_exist(web, method, path):
    mine, other = web.new_app(), web.new_app()
    headers = headers_for(web.token(f"{method} {path}", mine, Right.ADMIN))
    for label in (other.label, other.label.lower(), "MyProdEnv/nope", "nope/nope"):
        answer = ask(web, method, f"/{label}.git/{path}", None, headers)

        expected = f"There is no app '{label}' here that you may use.\n"
        assert (answer.status, answer.body.decode()) == (404, expected)
    assert not web.repo(other).exists()


def test_reader_may_clone_but_not_push(web, tmp_path):
    app, source = web.new_app(), web.source("reader")
    run_git(source, "push", web.url(app), "master")
    url = web.url(app, web.token("reader", app, Right.READ))
    before = web.ref(app)
    commit(source, {"more": "1"})

    pushed = run_git(source, "push", url, "master")

    assert run_git(tmp_path, "clone", url).code == 0
    assert (pushed.code, pushed.remote) == (
        128,
        [
            f"Your token may read {app.label}, but not push to it. Ask an administrator for one that may.",
        ],
    )
    assert "403" in pushed.said
    assert web.ref(app) == before


def test_bearer_is_as_good_as_basic(web):
    app = web.new_app()
    headers = {"Authorization": f"Bearer {web.secret}"}
    path = f"/{app.label}.git/info/refs?service=git-upload-pack"

    assert ask(web, "GET", path, None, headers).status == 200


def test_use_of_a_token_is_noted(web):
    with web.db.read() as tx:
        token = tokens.find_token(tx, web.secret)
    assert token is not None
    assert token.last_used_at is not None


PROCFILES = {
    "none": (None, ["Procfile:1:1: the commit has no such file at its root."]),
    "empty": ("", ["Procfile:1:1: the file names no target."]),
    "no colon": (
        "web: ok\nweb python app.py\n",
        ['Procfile:2:4: expected "target: command", got "web python app.py". Put a colon'],
    ),
    "duplicate": ("web: a\nweb: b\n", ['Procfile:2:1: target "web" is on line 1 already.']),
    "bad name": ("we b: a\n-x: b\n", ['Procfile:1:3: "we b" is no target', "Procfile:2:1: target name"]),
    "nul": ("web: a\0b\n", ["Procfile:1:7: control character U+0000."]),
    "too large": ("#" * (1 << 20), ["Procfile:1:1: the file has 1048576 bytes; 65536 are allowed."]),
}


@pytest.mark.parametrize(("procfile", "expected"), PROCFILES.values(), ids=PROCFILES.keys())
def test_bad_procfile_rejects_the_push_before_the_ref_moves(web, procfile, expected):
    """Every problem is told with its place; neither ref nor object is left, and no build comes of it."""
    app = web.new_app()
    files = {"README": "x"} if procfile is None else {"Procfile": procfile}
    source = web.source(f"procfile-{app.name}", files)

    pushed = run_git(source, "push", web.url(app), "master")

    assert pushed.code == 1
    (line,) = re.findall(r"! \[remote rejected\] master -> master \((.+)\)", pushed.said)
    assert line.startswith(expected[0].rstrip("."))
    assert line.endswith(f" (and {len(expected) - 1} more)") == (len(expected) > 1)
    *said, last = pushed.remote
    problems = [line for line in said if line.startswith(" !     Procfile:")]
    assert last == UNCHANGED
    assert len(said) - len(problems) in (0, 2 * len(problems))  # the line and its caret
    for line, start in zip(problems, expected, strict=True):
        assert line.startswith(f" !     {start}")
    assert (web.ref(app), web.objects(app), web.builds(app)) == ("", [], [])
    assert web.newest(app) is None


def test_a_pusher_sees_the_line_with_a_caret_below_the_place(web):
    source = web.source("caret", {"Procfile": "web: ok\nworker: 日本 \x01\nclock ./run\n"})

    pushed = run_git(source, "push", web.url(web.new_app()), "master")

    assert pushed.remote == [
        " !     Procfile:2:12: control character U+0001. Remove it.",
        r" !        2 | worker: 日本 \u0001",
        " !          |              ^",
        ' !     Procfile:3:6: expected "target: command", got "clock ./run". '
        "Put a colon after the target name.",
        " !        3 | clock ./run",
        " !          |      ^",
        UNCHANGED,
    ]


def test_bad_procfile_leaves_the_old_ref(web):
    app, source = web.new_app(), web.source("gets-worse")
    run_git(source, "push", web.url(app), "master")
    before, objects = web.ref(app), web.objects(app)
    commit(source, {"Procfile": "web python\n"})

    assert run_git(source, "push", web.url(app), "master").code == 1
    assert (web.ref(app), web.objects(app), len(web.builds(app))) == (before, objects, 1)


@pytest.mark.parametrize("procfile", ["web: a\r\nworker: b\r\n", "\ufeffweb: a\n"], ids=["CRLF", "BOM"])
def test_windows_procfiles_are_accepted(web, procfile):
    app = web.new_app()
    source = web.source(f"windows-{app.name}", {"Procfile": procfile})

    assert run_git(source, "push", web.url(app), "master").code == 0


def test_procfile_of_the_stage_replaces_the_other(web):
    app = web.new_app()
    files = {"Procfile": "web: fine\n", "Procfile_production": "web broken\n"}

    pushed = run_git(web.source("staged", files), "push", web.url(app), "master")

    assert pushed.code == 1
    assert pushed.remote[0].startswith(" !     Procfile_production:1:4: ")


@pytest.mark.parametrize("name", ["requirements.txt", "package.json", ".buildpacks"])
def test_what_a_buildpack_may_start_needs_no_procfile(web, name):
    app = web.new_app()
    source = web.source(f"packs-{app.name}", {name: "x"})

    planned = run_git(source, "push", "-o", "plan", web.url(app), "master")
    pushed = run_git(source, "push", "-o", "scale=other=2", web.url(app), "master")

    assert "-----> Processes: decided by the build, as the commit has no Procfile" in planned.remote
    assert (planned.code, pushed.code) == (1, 0)
    assert [build.options.scale for build in web.builds(app)] == [{"other": 2}]


def test_an_app_in_a_language_without_a_buildpack_is_told_where_one_is(web):
    pushed = run_git(web.source("ruby", {"Gemfile": "x"}), "push", web.url(web.new_app()), "master")

    assert pushed.code == 1
    advice = "BUILDPACK_URL=https://github.com/heroku/heroku-buildpack-ruby names a buildpack for it"
    assert advice in " ".join(pushed.remote)


def test_branch_that_does_not_deploy_needs_no_procfile(web):
    source = web.source("plain", {"README": "x"})

    assert run_git(source, "push", web.url(web.new_app()), "master:topic").code == 0


# -- requests that no git sends


def test_gzip_body_is_taken_and_a_damaged_one_is_told(web):
    app, source = web.new_app(), web.source("gzip")
    body = first_push(source)

    damaged = post(web, app, gzip.compress(body)[:60], Content_Encoding="gzip")
    unknown = post(web, app, body, Content_Encoding="br")
    good = post(web, app, gzip.compress(body), Content_Encoding="gzip")

    assert (damaged.status, damaged.body[:22]) == (400, b"The gzip body ends too")
    assert (unknown.status, unknown.body) == (
        415,
        b"Content-Encoding 'br' is not understood: gzip is, or none.\n",
    )
    assert b"ok refs/heads/master" in good.report


def test_probe_with_a_lone_flush_starts_nothing(web):
    answer = post(web, web.new_app(), b"0000")

    assert (answer.status, answer.body) == (200, b"")


def test_other_content_types_are_refused(web):
    answer = post(web, web.new_app(), b"0000", Content_Type="text/plain")

    assert answer.status == 415


@pytest.mark.parametrize("body", [b"hello world", b"0001", b"0004", b"00zz", b"0032short", b"000cgarbage"])
def test_what_is_no_push_is_told(web, body):
    app = web.new_app()

    assert post(web, app, body).status == 400
    assert web.newest(app) is None


def test_client_that_goes_while_it_sends_leaves_nothing(web):
    app, source = web.new_app(), web.source("cut")
    commit(source, {"noise": Random(7).randbytes(200_000)})
    body = first_push(source)
    connection = connect(web)
    connection.putrequest("POST", f"/{app.label}.git/git-receive-pack")
    for name, value in headers_for(web.secret, Content_Length=str(len(body))).items():
        connection.putheader(name, value)
    connection.endheaders(body[:-30])

    wait_until(lambda: list((web.repo(app) / "objects").glob("tmp_objdir-*")))
    connection.close()

    wait_until(lambda: not list((web.repo(app) / "objects").glob("tmp_objdir-*")))
    assert (web.ref(app), web.objects(app)) == ("", [])


def test_declared_size_beyond_the_limit_is_refused_at_once(web):
    connection = connect(web)
    connection.putrequest("POST", f"/{web.new_app().label}.git/git-receive-pack")
    for name, value in headers_for(web.secret, Content_Length=str(1 << 40)).items():
        connection.putheader(name, value)
    connection.endheaders()
    response: http.client.HTTPResponse = connection.getresponse()

    assert response.status == 413
    connection.close()


@contextmanager
def turn_held(web, app):
    """Hold an app's turn, as another web process would."""
    with web.instance.layout.push_lock(app.id).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_client_that_goes_while_it_waits_for_its_turn_pushes_nothing(web):
    app, source = web.new_app(), web.source("gone-in-turn")
    connection = connect(web)
    with turn_held(web, app):
        connection.request(
            "POST", f"/{app.label}.git/git-receive-pack", first_push(source), headers_for(web.secret)
        )
        wait_until(lambda: list((web.repo(app) / "objects").glob("tmp_objdir-*")))
        connection.close()
        wait_until(lambda: not list((web.repo(app) / "objects").glob("tmp_objdir-*")))

    assert (web.ref(app), web.newest(app)) == ("", None)


def test_client_that_waits_for_its_turn_is_kept_alive_and_then_taken(web):
    app, source = web.new_app(), web.source("patient")
    connection = connect(web)
    with turn_held(web, app):
        connection.request(
            "POST", f"/{app.label}.git/git-receive-pack", first_push(source), headers_for(web.secret)
        )
        response = connection.getresponse()  # its head comes with the first keepalive
        assert response.read(len(KEEPALIVE)) == KEEPALIVE
    assert b"ok refs/heads/master" in response.read()
    connection.close()


def test_empty_push_option_is_refused_with_the_list(web):
    app, source = web.new_app(), web.source("empty-option")

    pushed = run_git(source, "push", "--push-option=", web.url(app), "master")

    assert pushed.code == 1
    assert "(The push option '' cannot be used: it is not known)" in pushed.said


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
def test_unknown_encoding_of_a_body_is_refused(web, service):
    path = f"/{web.new_app().label}.git/{service}"
    answer = ask(web, "POST", path, b"0000", headers_for(web.secret, service, Content_Encoding="br"))

    assert answer.status == 415
