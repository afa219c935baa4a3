"""Sites in a real Caddy: what is served, how, and how one release takes the place of another."""

import gzip
import http.client
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stratum.model import App
from stratum.site import Site, read, render, table
from stratum.store.sites import Served
from tests.doors import as_uid
from tests.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FILES = {
    "index.html": "home",
    "about.html": "about",
    "docs/index.html": "docs",
    "app.js": "0123456789",
    "errors/404.html": "lost",
}


@pytest.fixture(scope="module")
def hostile(stage: Stage) -> App:
    app = stage.app("hostile")
    stage.parts.router.route(app, [], site=publish(stage, app, 1, FILES, {"clean_urls": True}))
    return app


@pytest.fixture(autouse=True)
def _connections_closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


OPEN: list[http.client.HTTPConnection] = []


class Client:
    """A client that keeps its connection: one that the router does not close."""

    def __init__(self, stage: Stage, app: App) -> None:
        self._host = app.host("localhost")
        self.connection = http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60)
        OPEN.append(self.connection)
        wait_until(self._is_kept)

    def ask(
        self, path: str = "/", method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers={"Host": self._host, **named})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def _is_kept(self) -> bool:
        """Whether the connection lasts: one made while the router loads is closed (docs/decisions.md)."""
        try:
            self.ask()
        except (http.client.RemoteDisconnected, ConnectionError):
            self.connection.close()
            return False
        return True

    def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        status, _, body = self.ask(path, **headers)
        return status, body.decode()


def publish(
    stage: Stage, app: App, version: int, files: Mapping[str, str | bytes], asked: Mapping[str, object] = {}
) -> Served:
    """Make the folder of a release's site, as the door does."""
    digest = f"{version:064x}"
    slug, uid = stage.layout.slug(app.id, digest), stage.instance.fence.build_uid(app.id)
    slug.mkdir()
    os.chown(slug, uid, uid)
    reading = read(json.dumps(asked).encode())
    assert not reading.problems, reading.problems
    handle = os.open(slug, os.O_RDONLY)

    def work() -> None:
        os.chdir(handle)
        os.umask(0o022)
        Path(".site.json").write_bytes(render(Site("dist", reading.rules)))
        for name, content in files.items():
            path = Path("dist", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    as_uid(uid, work)
    os.close(handle)
    stage.parts.door.publish_site(app.id, version, digest)
    return Served(version, app.name, table(reading.rules))


def served(stage: Stage, name: str, files: Mapping[str, str | bytes] = FILES, **asked: object) -> Client:
    app = stage.app(name)
    stage.parts.router.route(app, [], site=publish(stage, app, 1, files, asked))
    return Client(stage, app)


def test_files_are_served_with_what_browsers_keep_them_by(stage: Stage) -> None:
    client = served(stage, "files")

    assert client.get("/") == (200, "home")
    assert client.get("/docs/") == (200, "docs")
    status, headers, _ = client.ask("/docs")
    assert (status, headers["Location"]) == (308, "/docs/")
    status, headers, body = client.ask("/app.js")
    assert (status, body, headers["Content-Type"]) == (200, b"0123456789", "text/javascript; charset=utf-8")
    etag, modified = headers["ETag"], headers["Last-Modified"]
    assert client.ask("/app.js", If_None_Match=etag)[0] == 304
    assert client.ask("/app.js", If_Modified_Since=modified)[0] == 304
    assert client.ask("/app.js", If_None_Match='"other"')[0] == 200
    status, headers, body = client.ask("/app.js", Range="bytes=2-4")
    assert (status, body, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert client.ask("/app.js", Range="bytes=90-")[0] == 416
    status, headers, body = client.ask("/app.js", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")


def test_what_is_not_there_is_a_plain_404_or_the_sites_own_page(stage: Stage) -> None:
    plain = served(stage, "plain404")
    assert plain.get("/nope") == (404, "There is nothing at this address.\n")
    assert plain.get("/nope/") == (404, "There is nothing at this address.\n")
    assert served(stage, "own404", {**FILES, "404.html": "gone"}).get("/nope.js") == (404, "gone")
    asked = served(stage, "asked404", error_page="errors/404.html")
    assert asked.get("/nope") == (404, "lost")
    assert asked.ask("/nope", method="HEAD")[0] == 404
    assert asked.ask("/", method="POST")[0] == 405


def test_clean_urls_leave_out_the_ending(stage: Stage) -> None:
    assert served(stage, "unclean").get("/about")[0] == 404
    client = served(stage, "clean", clean_urls=True)
    assert client.get("/about") == client.get("/about.html") == (200, "about")
    assert client.get("/docs/") == (200, "docs")
    assert client.get("/nope")[0] == 404


def test_routes_answer_where_there_is_no_file(stage: Stage) -> None:
    routes = {"/blog/*": "about.html", "/none/**": "nope.html", "/**": "index.html"}
    client = served(stage, "routes", routes=routes)
    assert client.get("/blog/x") == (200, "about")
    assert client.get("/blog/x/y") == client.get("/any/thing?a=b") == client.get("/none/x") == (200, "home")
    assert client.get("/app.js") == (200, "0123456789")
    assert client.get("/docs/") == (200, "docs")


def test_redirects_go_before_files(stage: Stage) -> None:
    redirects = {
        "/about.html": "/",
        "/Old/**": {"url": "https://example.com/x?a=b#c", "status": 302},
        "/one/*": "/1",
        "/**/*.php": "/no-php",
    }
    client = served(stage, "redirects", redirects=redirects)
    found = {path: client.ask(path) for path in ("/about.html", "/old/a/b", "/OLD/", "/one/x", "/a/b/c.php")}
    assert {path: (status, headers["Location"]) for path, (status, headers, _) in found.items()} == {
        "/about.html": (301, "/"),
        "/old/a/b": (302, "https://example.com/x?a=b#c"),
        "/OLD/": (302, "https://example.com/x?a=b#c"),
        "/one/x": (301, "/1"),
        "/a/b/c.php": (301, "/no-php"),
    }
    assert client.get("/one/x/y")[0] == 404
    assert client.get("/app.js")[0] == 200


def test_headers_are_set_by_path_and_the_later_one_counts(stage: Stage) -> None:
    headers = {
        "/**": {"X-Frame-Options": "DENY", "Cache-Control": "no-cache"},
        "/*.js": {"Cache-Control": 'max-age=31536000, "x"'},
    }
    client = served(stage, "headers", headers=headers)
    assert client.ask("/")[1]["Cache-Control"] == "no-cache"
    _, found, _ = client.ask("/app.js")
    assert (found["Cache-Control"], found["X-Frame-Options"]) == ('max-age=31536000, "x"', "DENY")
    assert client.ask("/nope")[1]["X-Frame-Options"] == "DENY"


def test_as_many_rules_as_are_allowed_are_all_kept(stage: Stage) -> None:
    client = served(
        stage,
        "full",
        redirects={f"/from{n}": f"/to{n}" for n in range(50)},
        headers={"/page*": {"X-Page": "any"}, **{f"/page{n}": {"X-Page": str(n)} for n in range(19)}},
        routes={f"/page{n}": "index.html" for n in range(10)},
    )
    for n in (0, 1, 9, 10, 24, 49):
        assert client.ask(f"/from{n}")[1]["Location"] == f"/to{n}"
    found = [client.ask(f"/page{n}")[1]["X-Page"] for n in (0, 8, 9, 18, 19)]
    assert found == ["0", "8", "9", "18", "any"]
    assert [client.ask(f"/page{n}")[0] for n in (0, 9, 10)] == [200, 200, 404]


def test_what_a_proxy_in_front_says_was_asked_in_clear_is_redirected_where_the_site_asks_for_it(
    stage: Stage,
) -> None:
    client = served(stage, "secure", https_only=True)
    status, headers, _ = client.ask("/a?b=c", X_Forwarded_Proto="http")
    assert (status, headers["Location"]) == (301, "https://secure.myprodenv.localhost/a?b=c")
    assert client.get("/", X_Forwarded_Proto="https") == client.get("/") == (200, "home")


def test_compressed_files_are_served_as_they_are_and_texts_are_compressed(stage: Stage) -> None:
    long = "a" * 5000
    packed = gzip.compress(b"packed before")
    client = served(stage, "packed", {"a.js": "plain", "a.js.gz": packed, "long.css": long})
    _, headers, body = client.ask("/a.js", Accept_Encoding="gzip")
    assert (headers["Content-Encoding"], body) == ("gzip", packed)
    assert client.get("/a.js") == (200, "plain")
    _, headers, body = client.ask("/long.css", Accept_Encoding="gzip")
    assert (headers["Content-Encoding"], gzip.decompress(body)) == ("gzip", long.encode())
    assert "Accept-Encoding" in headers["Vary"]
    assert client.ask("/long.css", Accept_Encoding="gzip", If_None_Match=headers["ETag"])[0] == 304
    status, headers, body = client.ask("/long.css", Accept_Encoding="gzip", Range="bytes=0-3")
    assert (status, body, headers["Content-Encoding"]) == (206, b"aaaa", None)


@pytest.mark.parametrize(
    "path",
    [
        "/../v1.rules",
        "/%2e%2e/v1.rules",
        "/..%2fv1.rules",
        "/docs/../../v1.rules",
        "/.site.json",
        "//etc/passwd",
        "/%00",
        "/{env.PATH}",
        "/%7Bfile./etc/passwd%7D",
        "/docs%2f..%2f..%2fv1.rules",
        "/a\\..\\b",
    ],
)
def test_no_path_leads_out_of_the_site(stage: Stage, path: str, hostile: App) -> None:
    status, headers, body = Client(stage, hostile).ask(path)
    assert status in (400, 404), (status, headers["Location"])
    assert b"root" not in body


def test_another_release_is_served_from_one_request_to_the_next_and_nothing_is_loaded(stage: Stage) -> None:
    app = stage.app("switched")
    stage.parts.router.route(app, [], site=publish(stage, app, 1, {"index.html": "one"}))
    client = Client(stage, app)
    assert client.get() == (200, "one")
    kept, before = client.connection.sock, stage.layout.router_config.read_bytes()

    redirects = {"/a": "/b"}
    stage.parts.router.route(
        app, [], site=publish(stage, app, 2, {"index.html": "two"}, {"redirects": redirects})
    )
    assert client.get() == (200, "two")
    assert client.ask("/a")[0] == 301
    assert client.connection.sock is kept, "the router closed it"
    assert stage.layout.router_config.read_bytes() == before


def test_a_download_that_is_under_way_ends_though_its_release_is_gone(stage: Stage) -> None:
    app, size = stage.app("under-way"), 64 << 20
    stage.parts.router.route(app, [], site=publish(stage, app, 1, {"big.bin": os.urandom(1 << 20) * 64}))
    client = Client(stage, app)
    client.connection.request("GET", "/big.bin", headers={"Host": app.host("localhost")})
    answer = client.connection.getresponse()
    got = len(answer.read(1 << 16))
    stage.parts.router.route(app, [], site=publish(stage, app, 2, {"index.html": "two"}))
    stage.parts.door.keep_sites(app.id, [2])
    assert got + len(answer.read()) == size
    assert client.get() == (200, "two")


def test_sites_and_processes_take_each_others_place_without_a_failed_request(stage: Stage) -> None:
    app = stage.app("both-ways")
    site = publish(stage, app, 1, {"index.html": "site"})
    stage.deploy(app, {"web": "exec python3 -S web.py"}, web=1)
    name = f"MyProdEnv.both-ways.v{stage.version(app)}.web.1"
    stage.parts.router.route(app, [], site=site)
    client, bodies, ended = Client(stage, app), [], threading.Event()

    def poll() -> None:
        while not ended.is_set():
            bodies.append(client.get())

    kept = client.get() and client.connection.sock
    poller = threading.Thread(target=poll)
    poller.start()
    for _ in range(10):
        stage.parts.router.route(app, [name])
        stage.parts.router.route(app, [], site=site)
    ended.set()
    poller.join(60)
    assert {status for status, _ in bodies} == {200}
    assert client.connection.sock is kept, "the router closed it"
    stage.parts.router.route(app, [name])
    assert client.get()[1].startswith("v")
