"""A web hook of a web process under test, and whoever delivers to it."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from gitserver.services import services_of
from stratum.model import RecordedDelivery
from stratum.store import deliveries
from stratum.webhooks import Provider
from tests.deliveries import encoded, headers, push
from tests.webside import WebSide

WEBHOOKS = "/api/apps/MyProdEnv/app02/webhooks"
OTHER = "whsec_" + "QUFB" * 10 + "QUE="
PROVIDERS = [one.value for one in Provider]
CLONE_URL = "https://git.example.com/octo/app.git"
EACH = pytest.mark.parametrize("hook", PROVIDERS, indirect=True)


class Hook:
    """A web hook, and whoever delivers to it."""

    def __init__(self, side: WebSide, client: FlaskClient, provider: str) -> None:
        self.side, self.provider = side, provider
        self._client = client
        self.places = services_of(client.application).places
        self.database = services_of(client.application).database
        self._admin = {"Authorization": f"Bearer {side.admin}"}
        self.app = side.app()
        made = self.api("POST", "", {"provider": provider, "clone_url": CLONE_URL})
        self.id, self.secret, self.path = made["id"], made["secret"], made["path"]

    def api(self, method: str, below: str, body: object = None) -> Any:
        status, said = self.try_api(method, below, body)
        assert status < 300, said
        return said

    def try_api(self, method: str, below: str, body: object = None) -> tuple[int, Any]:
        answer = self._client.open(f"{WEBHOOKS}{below}", method=method, json=body, headers=self._admin)
        return answer.status_code, answer.get_json()

    def send(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        secret: str = "",
        path: str = "",
        sent: Mapping[str, str] | None = None,
        **more: str,
    ) -> tuple[int, Any]:
        data = encoded(push(self.provider, "main") if body is None else body)
        given = headers(self.provider, data, secret or self.secret) if sent is None else sent
        # Closed, as gunicorn closes each: only then its place is given back.
        with self._client.post(path or self.path, data=data, headers={**given, **more}) as answer:
            return answer.status_code, answer.get_json()

    def send_in_pieces(self, data: bytes) -> tuple[int, Any]:
        """Send what is rightly signed without saying how long it is, as by `Transfer-Encoding: chunked`."""
        given = headers(self.provider, data, self.secret)
        pieces = {"wsgi.input": io.BytesIO(data), "wsgi.input_terminated": True}
        with self._client.post(self.path, headers=given, environ_overrides=pieces) as answer:
            return answer.status_code, answer.get_json()

    def newest(self) -> RecordedDelivery:
        with self.side.db.read() as tx:
            return deliveries.list_deliveries(tx, self.app.id, 1)[0]

    def count(self) -> int:
        with self.side.db.read() as tx:
            return len(deliveries.list_deliveries(tx, self.app.id, 100))
