"""Caddy's configuration, whole."""

import json
from dataclasses import replace
from typing import Any

import pytest

from runner.router import apps, pages
from runner.router.config import APPS_TOGETHER, NO_CONTROL, Place, render
from runner.router.https import Https
from runner.router.limits import Limits
from runner.router.pages import Page
from runner.router.route import Route
from stratum.authority import Authority

PLACE = Place(
    "127.0.0.1:8080",
    "/data/run/router/admin.sock",
    "/data/run/web/web.sock",
    "localhost",
    "/up",
    Limits(),
)
DELETED = ["Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server"]
BELOW = {"pattern": r"(?i)\.localhost\.?$"}


def proxy(dial: str) -> dict[str, object]:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial}],
        "load_balancing": {
            "selection_policy": {"policy": "least_conn"},
            "try_duration": "5s",
            "try_interval": "50ms",
        },
        "headers": {"request": {"delete": DELETED}},
        "stream_close_delay": "300000ms",
    }


def page(status: str, text: str) -> dict[str, Any]:
    headers = {"Content-Type": ["text/plain; charset=utf-8"], "Cache-Control": ["no-store"]}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}


def of_app(name: str) -> dict[str, object]:
    file = {
        "handler": "map",
        "source": "",
        "destinations": ["{__app__}"],
        "mappings": [{"outputs": [f"{{file./up/{name}}}"]}],
    }
    return {
        "match": [{"host": [name, f"{name}."]}],
        "handle": [file, {"handler": "invoke", "name": "app"}],
        "terminal": True,
    }


def test_the_whole_configuration() -> None:
    config = render(PLACE, [Route("b.env.localhost", (20002, 20001)), Route("a.env.localhost", ())])

    status = "{http.error.status_code}"
    ask = page("401", "This needs a valid token. Sign in with: stratum login URL.\n")
    ask["headers"] = {**ask["headers"], "WWW-Authenticate": ['Basic realm="Stratum", charset="UTF-8"']}
    buffers = {"read_buffer_size": 65536, "write_buffer_size": 65536}
    to_web = {"flush_interval": -1, "transport": {"protocol": "http", **buffers}}
    control = {"@id": config.mark, "handle": [{**proxy("unix//data/run/web/web.sock"), **to_web}]}
    assert json.loads(config.content) == {
        "admin": {"listen": "unix//data/run/router/admin.sock|0660", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["admin"]}}},
        "apps": {
            "http": {
                "servers": {
                    "stratum": {
                        "listen": ["fd/3"],
                        "routes": [
                            of_app("a.env.localhost"),
                            of_app("b.env.localhost"),
                            {
                                "match": [{"vars_regexp": {"{http.request.host}": BELOW}}],
                                "handle": [pages.handler(pages.UNKNOWN_APP)],
                                "terminal": True,
                            },
                            {
                                "match": [
                                    {
                                        "path_regexp": {
                                            "pattern": (
                                                r"^/[^/]+/[^/]+(\.git/|/info/refs$|/git-(upload|receive)-pack$)"
                                            )
                                        },
                                        "header": {"Authorization": None},
                                    }
                                ],
                                "handle": [ask],
                                "terminal": True,
                            },
                            control,
                        ],
                        "named_routes": {"app": apps.named_route(8, Limits(), None)},
                        "errors": {
                            "routes": [
                                apps.errors(),
                                {"handle": [page(status, NO_CONTROL)]},
                            ]
                        },
                        "automatic_https": {"disable": True},
                        "protocols": ["h1"],
                        "max_header_bytes": 65536,
                        "read_header_timeout": "30000ms",
                        "read_timeout": "3600000ms",
                        "idle_timeout": "300000ms",
                    }
                }
            }
        },
    }


@pytest.mark.parametrize(
    "route",
    [
        Route("a.env.localhost", ()),
        Route("a.env.localhost", (20002,)),
        Route("a.env.localhost", tuple(range(20001, 20009))),
        Route("a.env.localhost", (), site="/folder"),
        Route("a.env.localhost", (20001,), page=Page.MAINTENANCE),
    ],
)
def test_whatever_becomes_of_an_app_is_in_its_file_and_the_configuration_stays(route: Route) -> None:
    one, other = render(PLACE, [Route("a.env.localhost", (20001,))]), render(PLACE, [route])

    assert (one.content, one.mark) == (other.content, other.mark)
    assert other.files == {"a.env.localhost": route.text}
    assert one.files != other.files


def test_there_is_room_for_the_most_processes_of_any_app_and_for_no_fewer_than_asked() -> None:
    many = Route("a.env.localhost", tuple(range(1, 101)))
    few, grown = render(PLACE, []), render(PLACE, [many])
    kept = render(replace(PLACE, most_processes=grown.most_processes), [])

    assert (few.most_processes, grown.most_processes, kept.most_processes) == (8, 128, 128)
    named = [
        json.loads(one.content)["apps"]["http"]["servers"]["stratum"]["named_routes"] for one in (grown, kept)
    ]
    assert named[0] == named[1]


def test_an_apps_own_domains_lead_where_its_address_does() -> None:
    config = render(PLACE, [Route("a.env.localhost", (20001,), domains=("shop.example.com",))])

    (route, *_) = json.loads(config.content)["apps"]["http"]["servers"]["stratum"]["routes"]
    hosts = ["a.env.localhost", "a.env.localhost.", "shop.example.com", "shop.example.com."]
    assert route["match"] == [{"host": hosts}]
    assert set(config.files) == {"a.env.localhost"}


def test_many_apps_stand_within_routes_of_so_many_each_once() -> None:
    routes = [Route(f"app{number:03}.env.localhost", ()) for number in range(APPS_TOGETHER + 1)]
    config = render(PLACE, routes)
    listed = json.loads(config.content)["apps"]["http"]["servers"]["stratum"]["routes"][:-3]

    inner = [route for group in listed for route in group["handle"][0]["routes"]]
    assert len(listed) == 2
    assert [route["match"][0]["host"][0] for route in inner] == [one.host for one in routes]
    assert [host for group in listed for host in group["match"][0]["host"]] == [
        host for route in inner for host in route["match"][0]["host"]
    ]


def test_https_is_a_second_server_with_the_same_apps_and_names_of_its_own() -> None:
    place = replace(PLACE, https=Https("/certificates"), control_hosts=("stratum.example.com",))
    config = render(place, [Route("a.env.localhost", (20001,), domains=("shop.example.com",))])
    rendered = json.loads(config.content)["apps"]
    http, https = rendered["http"]["servers"]["stratum"], rendered["http"]["servers"]["https"]

    assert (http["listen"], https["listen"]) == (["fd/3"], ["fd/4"])
    assert (https["tls_connection_policies"], https["automatic_https"]) == ([{}], {"disable_redirects": True})
    assert https["routes"][0] == http["routes"][0]
    named = [route["match"][0]["host"] for route in https["routes"] if "host" in route.get("match", [{}])[0]]
    assert named[1] == ["stratum.example.com", "stratum.example.com."]
    assert config.content.count(config.mark.encode()) == 1
    assert rendered["pki"]["certificate_authorities"]["local"] == {"install_trust": False}


def test_without_apps_all_else_is_there() -> None:
    routes = json.loads(render(PLACE, []).content)["apps"]["http"]["servers"]["stratum"]["routes"]

    assert [len(route["handle"]) for route in routes] == [1, 1, 1]


def test_the_mark_tells_configurations_apart_and_nothing_else() -> None:
    one, two = Route("a.env.localhost", (20001,)), Route("b.env.localhost", (20002,))
    assert render(PLACE, [one, two]) == render(PLACE, [two, one])
    assert render(PLACE, [one, two]).mark != render(PLACE, [one]).mark


def test_another_authority_is_asked_for_certificates_where_one_is_named() -> None:
    named = Authority("https://ca.example.com/acme/directory", "/etc/ca.pem", "admin@example.com")
    place = replace(PLACE, https=Https("/certificates", named))
    issuer = {
        "module": "acme",
        "ca": "https://ca.example.com/acme/directory",
        "trusted_roots_pem_files": ["/etc/ca.pem"],
        "email": "admin@example.com",
    }
    policies = json.loads(render(place, []).content)["apps"]["tls"]["automation"]["policies"]
    assert policies == [{"issuers": [issuer]}]
    mailed = Https("/certificates", Authority(email="admin@example.com"))
    both = json.loads(render(replace(PLACE, https=mailed), []).content)["apps"]["tls"]["automation"][
        "policies"
    ]
    assert [one.get("ca") for one in both[0]["issuers"]] == [None, "https://acme.zerossl.com/v2/DV90"]
    usual = json.loads(render(replace(PLACE, https=Https("/certificates")), []).content)
    assert "tls" not in usual["apps"], "Caddy asks whom it asks by itself"
