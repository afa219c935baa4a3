"""Caddy's configuration as JSON. Pure: values in, bytes out.

Source: Caddy 2.11, https://caddyserver.com/docs/json/. No user text enters but names of apps and
environments, which are DNS labels, and of domains, which were checked (`stratum.domains`).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from runner.router import apps as app_routes
from runner.router import pages
from runner.router.caddy import Json, for_hosts, sentence
from runner.router.https import Https, automation
from runner.router.limits import Limits, duration
from runner.router.route import LEAST_PORTS, Route, places
from stratum.errors import BadCredentials
from stratum.layout import ROUTER_FD, ROUTER_HTTPS_FD

SERVER = "stratum"

# git asks without credentials before it asks with them. The web process would answer the same, and
# does to all else, but takes 3 ms of the 60 that a push has (docs/performance.md).
_ASKED_BY_GIT = r"^/[^/]+/[^/]+(\.git/|/info/refs$|/git-(upload|receive)-pack$)"
GIT = {"path_regexp": {"pattern": _ASKED_BY_GIT}, "header": {"Authorization": None}}
CHALLENGE = 'Basic realm="Stratum", charset="UTF-8"'

NO_CONTROL = "Stratum does not answer at the moment; apps do. Try again in a few seconds.\n"

MAX_HEADER_BYTES = 64 << 10
# Of each connection to the web process. With Go's 4 KiB a piece of a clone is read in three, and each
# of those is written in three; a piece of a push is sent in three instead of one.
_BUFFER_BYTES = 64 << 10
# Caddy goes through routes one by one, but finds a host in a list of more than 100 by halves.
APPS_TOGETHER = 64
_APPS = "apps of this instance"  # where they stand, until their text does


@dataclass(frozen=True, slots=True)
class Place:
    """Where the router listens and what stands behind it.

    Attributes:
        listen: `host:port`.
        admin_socket, web_socket: absolute paths of unix sockets.
        apps_domain: apps are at `<app>.<environment>.<apps_domain>`.
        files: absolute path of the folder of the apps' files.
        most_processes: of an app, for which there is to be room at least.
        https: served as well, on another socket.
        control_hosts: names that have certificates besides those of apps.
    """

    listen: str
    admin_socket: str
    web_socket: str
    apps_domain: str
    files: str
    limits: Limits
    https: Https | None = None
    most_processes: int = LEAST_PORTS
    control_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """A rendered configuration.

    Attributes:
        mark: an id that Caddy knows as long as just this configuration is loaded.
        files: what stands in the apps' files, by name.
        most_processes: of an app, for which there is room.
    """

    content: bytes
    mark: str
    files: Mapping[str, str]
    most_processes: int


def render(place: Place, routes: Iterable[Route]) -> Config:
    """Render the whole configuration; the same routes give the same bytes, in whatever order they come.

    Only names are in it, and how all apps are answered: what becomes of an app changes its file
    (`runner.router.apps`).
    """
    apps = sorted(routes, key=lambda route: route.host)
    most = max((place.most_processes, *(places(len(one.ports)) for one in apps)))
    whole = _frame(replace(place, most_processes=most), tuple(one.hosts for one in apps))
    return Config(*whole, {one.host: one.text for one in apps}, most)


@lru_cache(maxsize=1)
def _frame(place: Place, apps: Sequence[Sequence[str]]) -> tuple[bytes, str]:
    """Render what Caddy loads, with its mark: the last one is kept, since most changes are of files only."""
    handled: list[object] = [_APPS, _unknown_app(place), _nobody(), control := _control(place)]
    whole = _whole(place, handled)
    listed = _listed(place, apps)
    digest = hashlib.sha256(json.dumps(whole).encode())
    digest.update(listed.encode())
    mark = f"stratum-{digest.hexdigest()[:16]}"
    control["@id"] = mark
    here, text = (f'"{_APPS}"', f"\n{listed}\n") if listed else (f'"{_APPS}", ', "")
    return f"{json.dumps(whole).replace(here, text)}\n".encode(), mark


def _listed(place: Place, apps: Sequence[Sequence[str]]) -> str:
    """Write the apps' routes, one a line; of many apps those of so many within a route of theirs."""
    groups = [apps[first : first + APPS_TOGETHER] for first in range(0, len(apps), APPS_TOGETHER)]
    texts = [",\n".join(_app_text(place.files, one) for one in group) for group in groups]
    if len(apps) <= APPS_TOGETHER:
        return "".join(texts)
    return ",\n".join(_within(group, text) for group, text in zip(groups, texts, strict=True))


def _within(group: Sequence[Sequence[str]], text: str) -> str:
    inner: Json = {"handler": "subroute", "routes": [_APPS]}
    outer = json.dumps(for_hosts((host for hosts in group for host in hosts), [inner]))
    return outer.replace(f'"{_APPS}"', f"\n{text}\n")


@lru_cache(maxsize=10_000)
def _app_text(folder: str, hosts: Sequence[str]) -> str:
    return json.dumps(app_routes.own_route(hosts, f"{folder}/{hosts[0]}"))


def _whole(place: Place, routes: list[object]) -> Json:
    server: Json = {
        "listen": [f"fd/{ROUTER_FD}"],  # bound by stratum.up.bound, which says why
        "routes": routes,
        **_common(place),
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
    }
    https = {"https": _https(place)} if place.https else {}
    # No certificate of our own authority is put among those that this machine trusts.
    pki = {"pki": {"certificate_authorities": {"local": {"install_trust": False}}}} if place.https else {}
    tls = automation(place.https) if place.https else {}
    return {
        "admin": {"listen": f"unix/{place.admin_socket}|0660", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["admin"]}}},
        "apps": {"http": {"servers": {SERVER: server, **https}}, **pki, **tls},
    }


def _https(place: Place) -> Json:
    """Render the same for HTTPS. Caddy gets certificates for all hosts that it finds in routes."""
    own = for_hosts(place.control_hosts, [_to_control(place)])
    routes = [_APPS, _unknown_app(place), _nobody(), *([own] if place.control_hosts else []), _control(place)]
    return {
        "listen": [f"fd/{ROUTER_HTTPS_FD}"],
        "routes": routes,
        **_common(place),
        "automatic_https": {"disable_redirects": True},
        "tls_connection_policies": [{}],
        "protocols": ["h1", "h2"],
    }


def _common(place: Place) -> Json:
    return {
        "named_routes": {
            app_routes.NAME: app_routes.named_route(place.most_processes, place.limits, place.https)
        },
        "errors": {
            "routes": [
                app_routes.errors(),
                {"handle": [sentence("{http.error.status_code}", NO_CONTROL)]},
            ]
        },
        "max_header_bytes": MAX_HEADER_BYTES,
        "read_header_timeout": duration(place.limits.headers_s),
        "read_timeout": duration(place.limits.request_s),  # ends no answer that lasts, nor a WebSocket
        "idle_timeout": duration(place.limits.idle_s),
    }


def _unknown_app(place: Place) -> Json:
    """Answer for all names below the apps' domain, however many labels they have: none is the API's."""
    below = {"pattern": rf"(?i)\.{re.escape(place.apps_domain)}\.?$"}
    match: Json = {"vars_regexp": {"{http.request.host}": below}}
    return {"match": [match], "handle": [pages.handler(pages.UNKNOWN_APP)], "terminal": True}


def _nobody() -> Json:
    """Ask a git that has not said who it is for credentials."""
    answer = sentence("401", f"{BadCredentials()}\n", **{"WWW-Authenticate": CHALLENGE})
    return {"match": [GIT], "handle": [answer], "terminal": True}


def _control(place: Place) -> Json:
    return {"handle": [_to_control(place)]}


def _to_control(place: Place) -> Json:
    upstreams: Json = {"upstreams": [{"dial": f"unix/{place.web_socket}"}]}
    buffers = {"read_buffer_size": _BUFFER_BYTES, "write_buffer_size": _BUFFER_BYTES}
    return {
        **app_routes.proxy(upstreams, place.limits),
        "flush_interval": -1,
        "transport": {"protocol": "http", **buffers},
    }
