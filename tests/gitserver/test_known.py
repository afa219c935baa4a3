"""What somebody else changes of who may do what holds from the next request on, known as it is."""

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from stratum.model import App, Grant, Right
from stratum.store import builds, environments, tokens
from stratum.store.names import rename_app
from tests.webside import COMMIT, WebSide


@dataclass
class Reader:
    """Who asks for the references of one app with one token, of a server that others do not share."""

    side: WebSide
    client: FlaskClient
    app: App
    secret: str

    def ask(self) -> int:
        path = f"/MyProdEnv/{self.app.name}.git/info/refs?service=git-receive-pack"
        return self.client.get(path, headers={"Authorization": f"Bearer {self.secret}"}).status_code


@pytest.fixture
def reader(tmp_path):
    side = WebSide.make(tmp_path / "data")
    app = side.app()
    secret = side.token("ci", Grant(app.environment.id, app.id, Right.PUSH))
    with side.client() as client:
        made = Reader(side, client, app, secret)
        assert [made.ask(), made.ask()] == [200, 200]
        yield made
    side.close()


def revoke(tx, _app):
    tokens.remove_token(tx, "ci")


def take_the_right(tx, _app):
    tx.exec_driver_sql("DELETE FROM grants")


def lower_the_right(tx, _app):
    tx.exec_driver_sql("UPDATE grants SET right = 'read'")


def let_it_expire(tx, _app):
    tx.exec_driver_sql("UPDATE tokens SET expires_at = '2001-01-01 00:00:00'")


def begin_to_destroy(tx, app):
    environments.mark_destroying(tx, app.id)


def remove(tx, app):
    environments.remove_app(tx, app.id)


def rename(tx, app):
    rename_app(tx, app, "app03")


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (revoke, 401),
        (let_it_expire, 401),
        (take_the_right, 404),
        (lower_the_right, 403),
        (begin_to_destroy, 404),
        (remove, 404),
        (rename, 404),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_holds_from_the_next_request_on(reader, change, answer):
    with reader.side.db.write() as tx:
        change(tx, reader.app)

    assert reader.ask() == answer
    assert reader.ask() == answer


def test_what_was_refused_is_allowed_at_once(reader):
    with reader.side.db.write() as tx:
        lower_the_right(tx, reader.app)
    assert reader.ask() == 403

    with reader.side.db.write() as tx:
        tx.exec_driver_sql("UPDATE grants SET right = 'admin'")

    assert reader.ask() == 200


@pytest.mark.parametrize("address", ["/{}.git/info/refs?service=git-upload-pack", "/api/apps/{}"])
def test_an_app_that_one_may_not_see_takes_the_look_ups_of_one_that_is_not_there(
    reader, monkeypatch, address
):
    """Or the time of the answer tells which names there are."""
    unseen = reader.side.app("unseen", environment="Other")
    done: list[str] = []

    def counted(name: str):
        look_up = getattr(environments, name)

        def counting(*given):
            done.append(name)
            return look_up(*given)

        return counting

    for name in ("find_app", "find_former"):
        monkeypatch.setattr(environments, name, counted(name))

    def look_ups(label: str) -> list[str]:
        done.clear()
        path = address.format(label)
        answer = reader.client.get(path, headers={"Authorization": f"Bearer {reader.secret}"})
        assert answer.status_code == 404
        return list(done)

    for _ in range(2):
        assert look_ups(unseen.label) == look_ups("Other/none") == ["find_app", "find_former"]


def test_a_push_and_its_build_have_nobody_asked_for_anew(reader, monkeypatch):
    assert reader.ask() == 200
    monkeypatch.setattr(tokens, "find_token", None)
    monkeypatch.setattr(environments, "find_app", None)

    with reader.side.db.write() as tx:
        build = builds.add_build(tx, reader.app.id, COMMIT, source="push", who="ci")
    with reader.side.db.write() as tx:
        builds.cancel(tx, build, "Never mind.")

    assert reader.ask() == 200
