"""`GET /healthz`: what a load balancer asks, who has no token."""

import pytest

from gitserver.services import services_of
from tests.webside import WebSide


@pytest.fixture
def side(tmp_path_factory):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    yield side
    side.close()


def asked(side: WebSide, **headers: str) -> tuple[int, str, str]:
    with side.client() as client:
        answer = client.get("/healthz", headers=headers)
    return answer.status_code, answer.get_data(as_text=True), answer.headers["Content-Type"]


def test_whoever_asks_is_told_ok_and_nothing_else(side):
    assert asked(side) == (200, "ok\n", "text/plain; charset=utf-8")
    assert asked(side, Authorization="Bearer wrong") == asked(side)


def test_asking_with_a_wrong_token_is_no_failed_sign_in(side):
    """A monitor that was given an old one would else shut others out who come from its address."""
    with side.client() as client:
        for _ in range(100):
            assert client.get("/healthz", auth=("admin", "wrong")).status_code == 200
        assert client.get("/api/whoami", auth=("admin", side.admin)).status_code == 200


@pytest.mark.parametrize("content", [b"", b"no database " * 1000])
def test_a_database_that_cannot_be_read_is_told_in_a_word(side, content):
    file = side.instance.layout.database
    whole = file.read_bytes()
    side.db.close()
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    file.write_bytes(content)

    assert asked(side) == (503, "database\n", "text/plain; charset=utf-8")
    file.write_bytes(whole)
    assert asked(side)[0] == 200


def test_it_is_true_of_now_and_not_of_when_it_was_last_asked(side):
    with side.client() as client:
        assert client.get("/healthz").status_code == 200
        side.db.close()
        services_of(client.application).database.close()
        side.instance.layout.database.write_bytes(b"")

        assert client.get("/healthz").status_code == 503
        assert client.head("/healthz").status_code == 503
        assert "Retry-After" in client.get("/healthz").headers
