"""Who asks, by whatever header; and how failures are slowed, for git and for the API."""

import ast
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitserver import signin
from gitserver.app import create_app
from gitserver.attempts import Attempts
from gitserver.services import services_of
from gitserver.signin import NOBODY, Credentials, authenticate, client_address
from stratum.cli.git_credential import USER
from stratum.errors import BadCredentials
from stratum.store import tokens
from stratum.store.clock import now
from tests.webside import WebSide

GIT = "/MyProdEnv/app02.git/info/refs?service=git-upload-pack"
API = "/api/whoami"
NEVER = 10**9
BURST = 12


@pytest.fixture(scope="module")
def side(tmp_path_factory):
    made = WebSide.make(tmp_path_factory.mktemp("side") / "data")
    made.app()
    yield made
    made.close()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(side, clock):
    """A client of an application that takes three failures."""
    app = create_app(side.instance)
    replace(services_of(app), attempts=Attempts(3, clock)).keep_in(app)
    yield app.test_client()
    services_of(app).database.close()


@pytest.fixture(scope="module")
def patient(side):
    app = create_app(side.instance)
    replace(services_of(app), attempts=Attempts(NEVER)).keep_in(app)
    yield app.test_client()
    services_of(app).database.close()


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


def ask(client, header, path=API, address="10.0.0.1"):
    headers = {} if header is None else {"Authorization": header}
    return client.get(path, headers=headers, environ_base={"REMOTE_ADDR": address})


def fail(client, times, **more):
    for _ in range(times):
        assert ask(client, "Bearer wrong", **more).status_code == 401


def test_the_secret_is_the_password_of_any_user_or_a_bearer():
    for header in (basic("x:secret"), basic(":secret"), "Bearer secret", "bearer secret"):
        assert Credentials.parse(header).secret == "secret"


def test_the_account_is_the_user_name_unless_it_stands_for_nobody():
    assert USER in NOBODY
    assert [Credentials.parse(basic(f"{name}:x")).account for name in ("CI", "stratum", "", "n" * 99)] == [
        "ci",
        "",
        "",
        "n" * 63,
    ]
    assert Credentials.parse("Bearer x").account == ""


WRONG = [
    "Basic",
    "Basic ÿ",
    "Basic !!!",
    basic("x"),
    basic("x:"),
    "Bearer",
    "Bearer ",
    "Digest a=b",
    "ÿ",
    ",",
]


@pytest.mark.parametrize("path", [API, GIT, "/no/such.git/info/refs", "/api/nothing"])
@pytest.mark.parametrize("header", [None, "", *WRONG])
def test_everything_else_is_401_with_a_challenge(patient, path, header):
    answer = ask(patient, header, path)

    assert answer.status_code == 401
    assert answer.headers.getlist("WWW-Authenticate") == ['Basic realm="Stratum", charset="UTF-8"']


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "POST", "DELETE", "HEAD"])
def test_so_is_every_method_on_an_address_of_git(patient, method):
    for path in ("/MyProdEnv/app02.git/info/refs", "/no/such.git/HEAD"):
        answer = patient.open(path, method=method)

        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers


def test_the_user_name_is_no_password(patient, side):
    assert ask(patient, basic(f"{side.admin}:")).status_code == 401


SCHEMES = st.sampled_from(["Basic ", "basic", "Bearer ", "Digest ", "Negotiate ", ""])
LATIN = st.characters(codec="latin-1", exclude_characters="\r\n\0")
ENCODED = st.binary(max_size=60).map(lambda data: b64encode(data).decode())


@given(header=st.builds("{}{}".format, SCHEMES, st.one_of(st.text(LATIN, max_size=80), ENCODED)))
@settings(max_examples=400, deadline=None)
def test_no_header_is_too_strange(patient, header):
    for path in (API, GIT):
        assert ask(patient, header, path).status_code == 401


def test_an_expired_token_is_as_good_as_unknown(patient, side):
    with side.db.write() as tx:
        past = tokens.add_token(tx, "past", is_admin=True, expires_at=now() - timedelta(seconds=1))
        future = tokens.add_token(tx, "future", is_admin=True, expires_at=now() + timedelta(days=1))

    assert authenticate(side.db, future).name == "future"
    with pytest.raises(BadCredentials):
        authenticate(side.db, past)
    for path in (API, GIT):
        expired, unknown = ask(patient, f"Bearer {past}", path), ask(patient, "Bearer wrong", path)
        assert (expired.status_code, expired.data, [*expired.headers]) == (
            401,
            unknown.data,
            [*unknown.headers],
        )


def test_a_burst_of_guesses_gets_no_more_answers_than_guesses_one_by_one(side, monkeypatch):
    """Each guess is looked up while the others are: counted only afterwards, all would get through."""
    app, together = create_app(side.instance), threading.Barrier(BURST)
    replace(services_of(app), attempts=Attempts(3)).keep_in(app)
    real = signin.authenticate

    def slow(db, secret):
        time.sleep(0.02)
        return real(db, secret)

    def guess(number):
        together.wait()
        return ask(app.test_client(), f"Bearer guess{number}").status_code

    monkeypatch.setattr(signin, "authenticate", slow)
    with ThreadPoolExecutor(BURST) as pool:
        found = sorted(pool.map(guess, range(BURST)))
    services_of(app).database.close()

    assert found == [401] * 3 + [429] * (BURST - 3)


def test_git_is_told_in_a_plain_line_to_come_back_later(client):
    fail(client, 3, path=GIT)

    answer = ask(client, "Bearer wrong", GIT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == "Too many sign-ins have failed. Try again in 1 s.\n"


def test_the_api_says_the_same_as_json(client):
    fail(client, 3)

    answer = ask(client, "Bearer wrong")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.get_json() == {
        "error": "too-many-attempts",
        "message": "Too many sign-ins have failed.",
        "hint": "Try again in 1 s.",
    }
    assert "WWW-Authenticate" not in answer.headers


def test_git_and_the_api_count_together_and_a_good_token_is_refused_unseen(client, side, clock):
    """What is refused tells nothing: right and wrong get the same answer."""
    fail(client, 2, path=GIT)
    fail(client, 1, path=API)

    answers = [ask(client, f"Bearer {secret}") for secret in ("wrong", side.admin)]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert answers[0].data == answers[1].data
    clock.now += 1
    assert ask(client, f"Bearer {side.admin}").status_code == 200


def test_a_colleague_behind_the_same_address_is_not_locked_out(client, side):
    assert ask(client, f"Bearer {side.admin}").status_code == 200
    fail(client, 3)

    assert ask(client, "Bearer wrong").status_code == 429
    assert ask(client, f"Bearer {side.admin}").status_code == 200
    assert ask(client, "Bearer wrong").status_code == 429


def test_no_credentials_are_401_always_and_never_count(client):
    for _ in range(9):
        assert ask(client, None, GIT).status_code == 401
    fail(client, 3)

    assert ask(client, "Bearer wrong").status_code == 429
    assert [ask(client, None, path).status_code for path in (API, GIT)] == [401, 401]


def test_a_user_name_is_slowed_from_many_addresses(client):
    for number in range(15):
        assert ask(client, basic("ci:wrong"), address=f"10.0.1.{number}").status_code == 401

    assert ask(client, basic("CI:wrong"), address="10.0.2.1").status_code == 429
    assert ask(client, basic("else:wrong"), address="10.0.2.1").status_code == 401


def test_operators_learn_the_address_and_no_secret(client, caplog):
    fail(client, 3)

    assert caplog.messages == ["sign-ins from 10.0.0.1 keep failing: refused for 1 s"]


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "10.9.9.9", "10.0.0.1"),
        ("", "10.9.9.9", "10.9.9.9"),
        ("", "1.1.1.1, 10.9.9.9", "10.9.9.9"),
        ("", None, "unknown"),
        ("", "x\ny", "unknown"),
        (None, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", None, "10.0.0.1"),
        ("::1", None, "::/64"),
    ],
)
def test_what_is_forwarded_counts_only_from_our_own_socket(remote, forwarded, expected):
    environ = {} if remote is None else {"REMOTE_ADDR": remote}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded

    assert client_address(environ) == expected


@given(st.text(LATIN, max_size=60))
def test_no_address_is_too_strange(text):
    assert "\n" not in client_address({"HTTP_X_FORWARDED_FOR": text})


def test_no_secret_is_compared_in_python():
    """A comparison of texts ends at the first difference, and its time tells where that is.

    Tokens are looked up by digest, in a table. The only comparison that names one builds that query.
    """
    root = Path(__file__).parents[2]
    files = [*root.glob("gitserver/**/*.py"), *root.glob("hooks/**/*.py"), root / "stratum/store/tokens.py"]
    found = [
        ast.unparse(node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Compare)
        and not isinstance(node.ops[0], ast.Is | ast.IsNot)  # whether there is one at all
        and any(word in ast.unparse(node) for word in ("secret", "password", "sha256", "authorization"))
    ]
    assert found == ["t.tokens.c.sha256 == bindparam('digest')"]
