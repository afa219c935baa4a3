"""Followers of an app's logs, over HTTP and in the web process."""

import json

from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Logs
from gitserver.services import Services

HERE = "/apps/MyProdEnv/app02"


class Events:
    """Lines as server-sent events, as a browser asks for them."""

    def __init__(self, client, side):
        self._client, self._headers = client, {"Authorization": f"Bearer {side.admin}"}
        self.cursor = ""

    def __call__(self, query=""):
        accept = {"Accept": "text/event-stream", "Last-Event-ID": self.cursor}
        answer = self._client.get(f"/api{HERE}/logs{query}", headers={**self._headers, **accept})
        assert answer.content_type == "text/event-stream; charset=utf-8"
        fields = [line.partition(": ") for line in answer.get_data(as_text=True).splitlines() if line]
        self.cursor = next((value for name, _, value in reversed(fields) if name == "id"), self.cursor)
        return [json.loads(value) for name, _, value in fields if name == "data"]


def going_on(side, app, cursor):
    """What another follower, in another life of the server, is sent first after a cursor."""
    services = Services.of(side.instance)
    wanted = Logs(follow=True, cursor=cursor)
    logs = AppLogs(services, app, wanted)
    logs.refresh()
    assert list(logs.last()) == []
    found = [f"{line.process} v{line.release} {line.text}" for line in logs.fresh()]
    cursor = logs.cursor
    logs.close()
    services.database.close()
    return found, cursor
