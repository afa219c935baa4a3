"""The router's configuration in a real Caddy."""

import http.client
import http.server
import json
import os
import socketserver
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from runner.router import admin, boot
from runner.router.config import APPS_TOGETHER, NO_CONTROL, Config
from runner.router.switch import Router
from stratum.errors import RouterUnavailable
from stratum.model import App
from stratum.ownership import is_free
from stratum.store import domains, environments, formation
from tests.served import free_port
from tests.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers it was sent."""

    def do_GET(self) -> None:
        body = json.dumps([getattr(self.server, "name", "web"), dict(self.headers)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "nobody"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def upstream(stage: Stage, app: App, name: str) -> Iterator[None]:
    """Serve as a process of an app."""
    port = free_port()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Echo)
    server.name = name  # type: ignore[attr-defined]
    with stage.parts.database.write() as tx:
        formation.give_port(tx, app.id, name, port)
    with serving(server):
        yield


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def test_requests_spread_over_an_apps_processes_and_follow_its_routes(stage: Stage) -> None:
    app = stage.app("spread")
    with upstream(stage, app, "x.1"), upstream(stage, app, "x.2"), upstream(stage, app, "x.3"):
        stage.parts.router.route(app, ["x.1", "x.2"])
        assert {json.loads(stage.get(app)[1])[0] for _ in range(30)} == {"x.1", "x.2"}
        stage.parts.router.route(app, ["x.3"])
        assert {json.loads(stage.get(app)[1])[0] for _ in range(10)} == {"x.3"}
    stage.parts.router.route(app, [])
    assert stage.get(app) == (404, "This app has not been deployed yet.\n")


def test_a_kept_connection_lives_through_a_change_to_other_processes(stage: Stage) -> None:
    app = stage.app("kept")
    kept = http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60)

    def ask() -> str:
        kept.request("GET", "/", headers={"Host": app.host("localhost")})
        name: str = json.loads(kept.getresponse().read())[0]
        return name

    with upstream(stage, app, "k.1"), upstream(stage, app, "k.2"):
        stage.parts.router.route(app, ["k.1"])
        first, socket = ask(), kept.sock
        for name in ("k.2", "k.1", "k.2"):
            stage.parts.router.route(app, [name])
            assert ask() == name
        assert first == "k.1"
        assert kept.sock is socket, "the router closed it"
    kept.close()


def test_who_has_connected_but_not_asked_yet_is_answered_after_a_load(stage: Stage) -> None:
    app = stage.app("preconnected")
    with upstream(stage, app, "p.1"), ExitStack() as stack:
        stage.parts.router.route(app, ["p.1"])
        silent = [http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60) for _ in range(20)]
        for connection in silent:
            stack.callback(connection.close)
            connection.connect()
        stage.app("loaded-meanwhile")
        stage.parts.router.ensure()
        for connection in silent:
            connection.request("GET", "/", headers={"Host": app.host("localhost")})
            assert json.loads(connection.getresponse().read())[0] == "p.1"


def test_what_a_client_claims_about_its_origin_is_replaced(stage: Stage) -> None:
    app = stage.app("claims")
    claims = {
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "evil",
        "X_Forwarded_Port": "1",
        "X_Real_Ip": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
    }
    with upstream(stage, app, "c.1"):
        stage.parts.router.route(app, ["c.1"])
        _, told = json.loads(stage.get(app, "/", **claims)[1])
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert told["X-Forwarded-Proto"] == "http"
    assert told["X-Forwarded-Host"] == app.host("localhost")
    assert told["Host"] == app.host("localhost")
    assert not {"Forwarded", "X-Real-Ip", "X-Forwarded-Port"} & told.keys()


def test_all_other_hosts_reach_the_web_process(stage: Stage) -> None:
    stage.layout.web_socket.unlink(missing_ok=True)
    app = stage.app("elsewhere")
    server = UnixServer(str(stage.layout.web_socket), Echo)
    stage.layout.web_socket.chmod(0o777)
    with serving(server):
        status, body = stage.get(app, "/", Host="localhost")
    assert (status, json.loads(body)[0]) == (200, "web")


def test_no_name_below_the_apps_domain_reaches_the_web_process(stage: Stage) -> None:
    app = stage.app("dotted")
    stage.layout.web_socket.unlink(missing_ok=True)
    server = UnixServer(str(stage.layout.web_socket), Echo)
    stage.layout.web_socket.chmod(0o777)
    nobodys = ["x.{}.localhost", "a.b.c.{}.localhost.:80", "X.LOCALHOST", "nope.myprodenv.localhost."]
    with serving(server), upstream(stage, app, "t.1"):
        stage.parts.router.route(app, ["t.1"])
        for host in ("dotted.myprodenv.localhost.", "Dotted.MyProdEnv.localhost.:8080"):
            status, body = stage.get(app, "/", Host=host)
            assert (status, json.loads(body)[0]) == (200, "t.1"), host
        for host in nobodys:
            found = stage.get(app, "/", Host=host.format("dotted.myprodenv"))
            assert found == (404, "There is no app at this address.\n"), host
        for host in ("localhost", "localhost.", "notlocalhost", "127.0.0.1"):
            assert json.loads(stage.get(app, "/", Host=host)[1])[0] == "web", host


def test_a_domain_leads_where_the_apps_address_does_until_it_is_removed(stage: Stage) -> None:
    stage.layout.web_socket.unlink(missing_ok=True)
    app = stage.app("shop")
    server = UnixServer(str(stage.layout.web_socket), Echo)
    stage.layout.web_socket.chmod(0o777)

    def answering(*hosts: str) -> set[str]:
        return {json.loads(stage.get(app, "/", Host=host)[1])[0] for host in hosts}

    names = ("shop.example.com", "SHOP.example.com.:80", app.host("localhost"))
    with serving(server), upstream(stage, app, "s.1"), upstream(stage, app, "s.2"):
        with stage.parts.database.write() as tx:
            domains.add_domain(tx, app.id, "shop.example.com")
        stage.parts.router.route(app, ["s.1"])
        assert answering(*names) == {"s.1"}
        stage.parts.router.route(app, ["s.2"])
        assert answering(*names) == {"s.2"}
        with stage.parts.database.write() as tx:
            assert domains.remove_domain(tx, app.id, "shop.example.com")
        stage.parts.router.ensure()
        wait_until(lambda: answering("shop.example.com") == {"web"})


def test_hosts_of_no_app_get_a_page_that_says_so(stage: Stage) -> None:
    app = stage.app("known")
    assert stage.get(app, "/", Host="nope.myprodenv.localhost:1") == (
        404,
        "There is no app at this address.\n",
    )
    stage.parts.router.ensure()
    assert stage.get(app, "/", Host="KNOWN.MyProdEnv.LOCALHOST")[1].startswith("This app has not")


def test_an_app_that_is_down_is_waited_for_and_then_told(stage: Stage) -> None:
    app = stage.app("down")
    with stage.parts.database.write() as tx:
        formation.give_port(tx, app.id, "d.1", free_port())
        formation.give_port(tx, app.id, "d.2", free_port())
    for names in (["d.1"], ["d.1", "d.2"]):
        stage.parts.router.route(app, names)
        assert stage.get(app) == (502, "This app does not answer.\n")
    status, said = stage.get(app, "/api/whoami", Host="localhost")
    assert (status, said) == (502, NO_CONTROL)


def test_the_file_and_the_admin_socket_are_for_service_and_router_only(stage: Stage) -> None:
    config = stage.layout.router_config.stat()
    admin_socket = stage.layout.router_socket.stat()
    assert stat.S_IMODE(config.st_mode) == 0o640
    assert stat.S_IMODE(admin_socket.st_mode) == 0o660
    if os.getuid() == 0:
        fence = stage.instance.fence
        assert config.st_gid == fence.router_uid
        assert (admin_socket.st_uid, admin_socket.st_gid) == (fence.router_uid, fence.service_uid)


def test_a_configuration_that_caddy_refuses_is_said_and_changes_nothing(stage: Stage) -> None:
    # With our `admin` in it: without, Caddy would first move its admin socket, and lose it.
    broken = json.loads(stage.layout.router_config.read_bytes())
    broken["apps"]["nope"] = 1
    with pytest.raises(RouterUnavailable, match="Caddy refused"):
        admin.load(stage.layout.router_socket, json.dumps(broken).encode())
    app = stage.app("after-refusal")
    stage.parts.router.route(app, [])
    assert stage.get(app)[1].startswith("This app has not")


def test_a_router_that_is_away_is_said(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(RouterUnavailable, match="does not answer"):
        admin.knows(tmp_path / "none.sock", "mark")


def test_each_of_many_apps_is_found_in_whatever_case(stage: Stage) -> None:
    with stage.parts.database.write() as tx:
        home = environments.add_environment(tx, "Many", "production", start_all=False)
        apps = [environments.add_app(tx, home, f"many{number}") for number in range(APPS_TOGETHER + 10)]
        domains.add_domain(tx, apps[-1].id, "many.example.com")
    with ExitStack() as stack:
        for app in (apps[0], apps[-1]):
            stack.enter_context(upstream(stage, app, f"{app.name}.1"))
            stage.parts.router.route(app, [f"{app.name}.1"])
            assert json.loads(stage.get(app)[1])[0] == f"{app.name}.1"
            assert json.loads(stage.get(app, Host=app.host("localhost").upper())[1])[0] == f"{app.name}.1"
        assert json.loads(stage.get(app, Host="MANY.example.com.:80")[1])[0] == f"{apps[-1].name}.1"
    assert stage.get(apps[1])[1] == "This app has not been deployed yet.\n"
    assert stage.get(apps[1], Host="nope.many.localhost")[0] == 404


def test_a_file_that_somebody_changed_is_put_right(stage: Stage) -> None:
    app = stage.app("touched")
    with upstream(stage, app, "w.1"):
        stage.parts.router.route(app, ["w.1"])
        (stage.layout.router_upstreams / app.host("localhost")).write_text("127.0.0.1:1")
        stage.parts.router.ensure()
        assert json.loads(stage.get(app)[1])[0] == "w.1"


def test_boot_writes_what_the_database_records(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stage.layout.router_config.read_bytes()
    stage.layout.router_config.unlink()
    for name, value in stage.instance.settings.environ().items():
        monkeypatch.setenv(name, value)
    boot.main()
    assert stage.layout.router_config.read_bytes() == before


def test_who_waits_for_a_router_that_is_away_keeps_nobody_else_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage.app("patient")
    tries, back = threading.Event(), threading.Event()
    load = Router._load

    def away(self: Router, config: Config) -> None:
        tries.set()
        if not back.is_set():
            message = "Caddy does not answer."
            raise RouterUnavailable(message)
        load(self, config)

    monkeypatch.setattr(Router, "_load", away)
    waiting = threading.Thread(target=lambda: stage.parts.router.route(app, []))
    waiting.start()
    assert tries.wait(30)
    lock = stage.layout.locks / "router"
    wait_until(lambda: is_free(lock))
    back.set()
    waiting.join(60)
    assert stage.get(app)[1].startswith("This app has not")
