"""The sample of `make demo`: Flask hands a job to Celery, and shows what it made of it."""

import http.client

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_the_web_page_shows_what_the_worker_did(served):
    repo = served.app("sample", "flask_celery")

    said = served.push(repo)
    served.stratum("vars", "set", "GREETING=Ahoj", cwd=repo)
    served.stratum("worker", "worker", cwd=repo)

    assert "-----> Python app detected; installing 2 requirements" in said
    assert "<h1>Ahoj from web.1</h1>" in served.get("sample")[1]
    page = submit(served.port, "sample.myprodenv.localhost")
    wait_until(lambda: "Ahoj, Eva, from worker.1" in served.get("sample", page)[1], timeout=30)


def submit(port: int, host: str) -> str:
    """Send the form; return where its job is shown."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": f"{host}:{port}", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", "/jobs", "name=Eva", headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 303
        return str(response.headers["Location"])
    finally:
        connection.close()
