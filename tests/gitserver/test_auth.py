from dataclasses import replace

import pytest

from gitserver.auth import administers, may, may_in, may_see, require, sees
from stratum.errors import NotAllowed, NotFound
from stratum.model import Grant, ReviewOf, Right
from stratum.store import environments, tokens
from tests.gitweb import new_web
from tests.there import there


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


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


def test_each_right_includes_those_before_it():
    included = {right: [other.value for other in Right if right.includes(other)] for right in Right}

    assert included == {
        Right.READ: ["read"],
        Right.PUSH: ["read", "push"],
        Right.DEPLOY: ["read", "push", "deploy"],
        Right.ADMIN: ["read", "push", "deploy", "admin"],
    }


@pytest.mark.parametrize("right", Right)
def test_right_on_one_app_reaches_no_other(web, right):
    token, app, other, away = granted(web, 1, right)

    assert may_see(token, app.environment.id)
    assert not may_see(token, away.environment.id)
    assert [may_see(token, each.environment.id, each.id) for each in (app, other, away)] == [
        True,
        False,
        False,
    ]
    for wanted in Right:
        assert [may(token, each, wanted) for each in (app, other, away)] == [
            right.includes(wanted),
            False,
            False,
        ]
        assert not may_in(token, app.environment.id, None, wanted)


@pytest.mark.parametrize("right", Right)
def test_right_on_an_environment_reaches_all_its_apps_only(web, right):
    token, app, other, away = granted(web, None, right)

    for wanted in Right:
        expected = right.includes(wanted)
        assert [may(token, each, wanted) for each in (app, other, away)] == [expected, expected, False]
        assert may_in(token, app.environment.id, None, wanted) is expected
        assert not may_in(token, away.environment.id, None, wanted)


def test_an_administrator_may_everything_everywhere(web):
    _, app, *_ = granted(web, 1, Right.READ)
    with web.db.read() as tx:
        token = there(tokens.find_token(tx, web.secret))

    assert all(may(token, app, right) for right in Right)
    assert may_in(token, app.environment.id, None, Right.ADMIN)
    assert administers(token, ())


def test_what_one_administers_is_never_wider_than_ones_own_right(web):
    token, app, other, away = granted(web, 1, Right.ADMIN)
    mine = Grant(app.environment.id, app.id, Right.ADMIN)

    assert administers(token, (mine,))
    for grant in (
        Grant(app.environment.id, None, Right.READ),
        Grant(other.environment.id, other.id, Right.READ),
        Grant(away.environment.id, None, Right.READ),
    ):
        assert not administers(token, (grant,))
        assert not administers(token, (mine, grant))
    assert not administers(token, ()), "a token without rights is nobody's but an administrator's"


@pytest.mark.parametrize(
    ("held", "wanted", "said"),
    [
        (Right.READ, Right.PUSH, "may read myprodenv/APP01, but not push to it"),
        (Right.READ, Right.DEPLOY, "may read myprodenv/APP01, but not change what runs there"),
        (Right.PUSH, Right.DEPLOY, "may push to myprodenv/APP01, but not change what runs there"),
        (Right.DEPLOY, Right.ADMIN, "may deploy to myprodenv/APP01, but not administer it"),
    ],
)
def test_what_is_refused_tells_no_more_than_was_asked(web, held, wanted, said):
    token, app, _, away = granted(web, 1, held)

    assert require(token, app, held, name="myprodenv/APP01") is app
    with pytest.raises(NotAllowed, match=said):
        require(token, app, wanted, name="myprodenv/APP01")
    for found in (away, None):
        with pytest.raises(NotFound, match="There is no app 'ELSEWHERE/app' here that you may use"):
            require(token, found, wanted, name="ELSEWHERE/app")


@pytest.mark.parametrize("right", Right)
def test_a_right_on_an_app_is_one_on_its_review_apps_and_not_the_other_way_round(web, right):
    token, app, other, _ = granted(web, 1, right)
    of_it, of_other = (replace(other, id=99, review=ReviewOf(one.id, one.name, 7)) for one in (app, other))

    assert [sees(token, one) for one in (of_it, of_other)] == [True, False]
    assert [one for one in Right if may(token, of_it, one)] == [one for one in Right if right.includes(one)]
    assert require(token, of_it, Right.READ, name="x") == of_it
    with pytest.raises(NotFound):
        require(token, of_other, Right.READ, name="x")
    assert not may(token, replace(other, review=None), Right.READ)


def test_who_lacks_a_right_on_a_review_app_is_told_which_it_has_by_its_parent(web):
    token, app, other, _ = granted(web, 1, Right.PUSH)
    of_it = replace(other, review=ReviewOf(app.id, app.name, 7))

    with pytest.raises(NotAllowed) as refused:
        require(token, of_it, Right.DEPLOY, name="x")
    assert "may push to x" in refused.value.message
