"""Sites, pushed to a whole Stratum: served by the router, released, scaled and rolled back as any app."""

import threading

import pytest

from tests.nodejs import need_node

pytestmark = pytest.mark.integration

PROCESS = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"process")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_a_site_is_pushed_changed_and_rolled_back(served):
    repo = served.app("site", "site")

    said = served.push(repo)

    assert "-----> The router serves public as a site" in said
    assert "-----> The router serves the site" in said
    assert served.get("site") == (200, "<h1>Home</h1>\n")
    assert served.get("site", "/about") == (200, "<h1>About</h1>\n")
    assert served.get("site", "/old/x")[0] == 301
    assert served.get("site", "/nope") == (404, "<h1>Lost</h1>\n")

    (repo / "public/index.html").write_text("<h1>Mine</h1>\n")
    served.commit(repo)
    served.push(repo)
    assert served.get("site") == (200, "<h1>Mine</h1>\n")

    served.stratum("rollback", cwd=repo)
    assert served.get("site") == (200, "<h1>Home</h1>\n")


def test_a_site_is_listed_and_cannot_be_scaled(served):
    repo = served.app("counted", "site")
    served.push(repo)

    assert "served by the router" in served.stratum("ps", cwd=repo)
    refused = served.stratum("scale", "web=2", cwd=repo, check=False)
    assert "v1 has no web process: the router serves its site by itself" in refused


def test_workers_run_beside_a_site(served):
    repo = served.app("beside", "site")
    served.commit(repo, Procfile="worker: exec sleep 1000\n")
    served.push(repo)

    served.stratum("worker", "worker", cwd=repo)

    assert "beside.v1.worker.1" in served.stratum("ps", cwd=repo)
    assert served.get("beside")[0] == 200


def test_a_static_json_that_is_wrong_fails_the_build_and_what_is_served_stays(served):
    repo = served.app("wrong", "site")
    served.push(repo)
    served.commit(repo, static__json='{"root": "public", "redirects": {"/a": "{env.PATH}"}, "clean_urls": 1}')

    said = served.push(repo)

    assert said.count("static.json: ") == 2
    assert "v1 keeps running" in said
    assert served.get("wrong", "/about")[0] == 200


def test_a_front_end_is_built_and_served(served):
    need_node()
    repo = served.app("front", "front_end")

    said = served.push(repo)

    assert "The router serves dist as a site" in said
    assert served.get("front", "/any/where") == (200, "<h1>built</h1>\n")
    assert served.get("front", "/assets/app.js")[1].startswith("document.title")


def test_a_site_and_processes_replace_each_other_without_a_failed_request(served):
    repo = served.app("both", "site")
    served.push(repo)
    statuses, ended = set(), threading.Event()

    def poll() -> None:
        while not ended.is_set():
            statuses.add(served.get_once("both")[0])

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        served.commit(repo, Procfile="web: exec python3 -S web.py\n", web__py=PROCESS)
        served.push(repo)
        assert served.get("both") == (200, "process")
        for expected in ("<h1>Home</h1>\n", "process"):
            served.stratum("rollback", cwd=repo)
            assert served.get("both") == (200, expected)
    finally:
        ended.set()
        poller.join(30)
    assert statuses == {200}
