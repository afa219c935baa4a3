import pytest

from stratum.door.client import Door
from tests.webside import WebSide


@pytest.fixture
def side(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(Door, "slug_digest", lambda _door, _app_id, digest: digest)  # nothing is built here
    # A short name: the path of a socket in there may have 107 characters (unix(7)).
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    yield side
    side.close()


class Api:
    """Requests with a token, answered as (status, JSON)."""

    def __init__(self, client, token):
        self._client, self._token = client, token

    def __call__(self, method, path, json=None, token=None, **more):
        headers = {"Authorization": f"Bearer {token or self._token}"}
        answer = self._client.open(f"/api{path}", method=method, json=json, headers=headers, **more)
        return answer.status_code, answer.get_json()

    def text(self, path):
        answer = self._client.get(f"/api{path}", headers={"Authorization": f"Bearer {self._token}"})
        return answer.status_code, answer.get_data(as_text=True)


@pytest.fixture
def client(side):
    with side.client() as client:
        yield client


@pytest.fixture
def api(side, client):
    return Api(client, side.admin)
