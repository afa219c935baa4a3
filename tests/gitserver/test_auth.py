from base64 import b64encode

import pytest

from gitserver.auth import authenticate, may_see, may_write, require
from stratum.errors import BadCredentials, NotAllowed, NotFound
from stratum.model import Grant, Right
from stratum.store import environments, tokens
from tests.gitweb import new_web


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


def test_token_is_the_password_of_any_user_or_a_bearer(web):
    for header in (basic(f"x:{web.secret}"), basic(f":{web.secret}"), f"Bearer {web.secret}"):
        assert authenticate(web.db, header).name == "admin"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ÿ",
        "Basic !!!",
        basic("x"),
        basic("x:"),
        "Bearer",
        "Bearer ",
        "Digest a=b",
        "ÿ",
    ],
)
def test_everything_else_is_bad_credentials(web, header):
    with pytest.raises(BadCredentials):
        authenticate(web.db, header)


def test_user_name_is_no_password(web):
    with pytest.raises(BadCredentials):
        authenticate(web.db, basic(f"{web.secret}:"))


def test_use_is_noted_at_most_once_a_minute(web):
    first = authenticate(web.db, f"Bearer {web.secret}")
    second = authenticate(web.db, f"Bearer {web.secret}")
    third = authenticate(web.db, f"Bearer {web.secret}")

    assert first.last_used_at is None
    assert second.last_used_at is not None
    assert third.last_used_at == second.last_used_at


def granted(web, app_id: int | None, right: Right):
    app = web.new_app()
    with web.db.write() as tx:
        other = environments.add_app(tx, app.environment, "other")
        elsewhere = environments.add_environment(tx, "Elsewhere", "test", start_all=False)
        grant = Grant(app.environment.id, None if app_id is None else app.id, right)
        secret = tokens.add_token(tx, "t", is_admin=False, grants=(grant,))
        away = environments.add_app(tx, elsewhere, "app")
    with web.db.read() as tx:
        token = tokens.find_token(tx, secret)
    assert token is not None
    return token, app, other, away


def test_right_on_one_app_reaches_no_other(web):
    token, app, other, away = granted(web, 1, Right.WRITE)

    assert may_see(token, app.environment.id)
    assert [may_see(token, each.environment.id, each.id) for each in (app, other, away)] == [
        True,
        False,
        False,
    ]
    assert [may_write(token, each) for each in (app, other, away)] == [True, False, False]
    assert not may_see(token, away.environment.id)


def test_right_on_an_environment_reaches_all_its_apps_only(web):
    token, app, other, away = granted(web, None, Right.READ)

    assert [may_see(token, each.environment.id, each.id) for each in (app, other, away)] == [
        True,
        True,
        False,
    ]
    assert not may_write(token, app)


def test_what_is_refused_tells_no_more_than_was_asked(web):
    token, app, _, away = granted(web, 1, Right.READ)

    assert require(token, app, Right.READ, name="myprodenv/APP01") is app
    with pytest.raises(NotAllowed, match="may read myprodenv/APP01, but not push to it"):
        require(token, app, Right.WRITE, name="myprodenv/APP01", action="push to it")
    for found in (away, None):
        with pytest.raises(NotFound, match="There is no app 'ELSEWHERE/app' here that you may use"):
            require(token, found, Right.WRITE, name="ELSEWHERE/app")
