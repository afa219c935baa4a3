"""Caddy's configuration as JSON. Pure: values in, bytes out.

Source: Caddy 2.11, https://caddyserver.com/docs/json/. No user text enters but names of apps and
environments, which are DNS labels.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from runner.router import pages, site
from runner.router.pages import Page
from stratum.errors import BadCredentials
from stratum.layout import ROUTER_FD, ROUTER_HTTPS_FD

Json: TypeAlias = dict[str, object]

SERVER = "stratum"
# A web process that restarts is waited for: requests hang for a moment instead of failing.
TRY_DURATION = "5s"
TRY_INTERVAL = "50ms"

# What a client claims about its origin. Caddy itself replaces X-Forwarded-For, -Proto and -Host.
CLAIMS = ["Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server"]

# git asks without credentials before it asks with them. The web process would answer the same, and
# does to all else, but takes 3 ms of the 60 that a push has (docs/performance.md).
_ASKED_BY_GIT = r"^/[^/]+/[^/]+(\.git/|/info/refs$|/git-(upload|receive)-pack$)"
GIT = {"path_regexp": {"pattern": _ASKED_BY_GIT}, "header": {"Authorization": None}}
CHALLENGE = 'Basic realm="Stratum", charset="UTF-8"'

NO_CONTROL = "Stratum does not answer at the moment; apps do. Try again in a few seconds.\n"


# A process of several that cannot be reached is left out for so long: the least busy one would be asked
# again and again. Shorter than TRY_DURATION, so that nobody is told "no" for the memory alone.
FAIL_DURATION = "2s"
MAX_HEADER_BYTES = 64 << 10
# Caddy goes through routes one by one, but finds a host in a list of more than 100 by halves.
APPS_TOGETHER = 64
_APPS = "apps of this instance"  # where they stand, until their text does


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of the router, and an app of a client's patience.

    Attributes:
        body_bytes: of a request to an app.
        headers_s, request_s: how long the headers, and all of a request, may take to come.
        answer_s: how long an app may take to begin its answer.
        idle_s: how long a connection is kept without a request.
        streams_s: how long WebSockets live on after another configuration was loaded, which for so long is
            kept in memory. Without it a change to any app would close those of all apps at once.
    """

    body_bytes: int = 256 << 20
    headers_s: float = 30.0
    request_s: float = 3600.0
    answer_s: float = 600.0
    idle_s: float = 300.0
    streams_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the router listens and what stands behind it.

    Attributes:
        listen: `host:port`.
        admin_socket, web_socket: absolute paths of unix sockets.
        apps_domain: apps are at `<app>.<environment>.<apps_domain>`.
        upstreams: absolute path of the folder whose files name where apps' web processes listen.
        https: it serves HTTPS as well, on another socket.
        control_hosts: names that have certificates besides those of apps.
    """

    listen: str
    admin_socket: str
    web_socket: str
    apps_domain: str
    upstreams: str
    limits: Limits = Limits()
    https: bool = False
    control_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What of an app is configuration; all else stands in files."""

    hosts: tuple[str, ...]
    dials: int
    has_site: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One app: its host name and the ports of its web processes, maybe none.

    Attributes:
        site: what the file of its site says (`runner.router.site`); empty when it has had a site, and
            runs processes now; None when it never had one.
        page: what is answered in the app's place.
        domains: names of its own, in lower case.
    """

    host: str
    ports: tuple[int, ...]
    site: str | None = None
    page: Page = Page.NONE
    domains: tuple[str, ...] = ()

    @property
    def dials(self) -> int:
        """Among how many processes its requests are spread, when it is one of them that answers.

        One place is kept for the process that may come, so that neither the first nor the last process
        needs another configuration.
        """
        return max(len(self.ports), 1)

    @property
    def shape(self) -> Shape:
        """What of it Caddy has to load."""
        return Shape((self.host, *self.domains), self.dials, self.site is not None)

    @property
    def shown(self) -> Page:
        """What is answered in its place: always something where nothing of it could."""
        return self.page or (Page.NONE if self.ports or self.site else Page.NO_PROCESS)


@dataclass(frozen=True, slots=True)
class Config:
    """A rendered configuration.

    Attributes:
        mark: an id that Caddy knows as long as just this configuration is loaded.
        upstreams: `host:port`, what the file of a site says, or which page an app has, by the name of the
            file that Caddy reads it from at each request; in the order in which they are to change.
    """

    content: bytes
    mark: str
    upstreams: Mapping[str, str]


def render(place: Place, routes: Iterable[Route]) -> Config:
    """Render the whole configuration; the same routes give the same bytes, in whatever order they come.

    A release that moves an app's web processes to other ports, and a page in an app's place, change files
    only: Caddy loads nothing, so that no connection of any client is closed (Caddy 2.11: a load closes
    idle ones, and drops requests that it reads meanwhile; docs/decisions.md).
    """
    apps = sorted(routes, key=lambda route: route.host)
    return Config(*_frame(place, tuple(one.shape for one in apps)), _files(apps))


@lru_cache(maxsize=1)
def _frame(place: Place, apps: Sequence[Shape]) -> tuple[bytes, str]:
    """Render what Caddy loads, with its mark: the last one is kept, since most changes are of files only."""
    handled: list[object] = [_APPS, _unknown_app(place), _nobody(), control := _control(place)]
    whole = _whole(place, handled, _named(apps))
    listed = _listed(place, apps)
    digest = hashlib.sha256(json.dumps(whole).encode())
    digest.update(listed.encode())
    mark = f"stratum-{digest.hexdigest()[:16]}"
    control["@id"] = mark
    here, text = (f'"{_APPS}"', f"\n{listed}\n") if listed else (f'"{_APPS}", ', "")
    return f"{json.dumps(whole).replace(here, text)}\n".encode(), mark


def _listed(place: Place, apps: Sequence[Shape]) -> str:
    """Write the apps' routes, one a line; of many apps those of so many within a route of theirs."""
    groups = [apps[first : first + APPS_TOGETHER] for first in range(0, len(apps), APPS_TOGETHER)]
    texts = [",\n".join(_app_text(place, one) for one in group) for group in groups]
    if len(apps) <= APPS_TOGETHER:
        return "".join(texts)
    return ",\n".join(_within(group, text) for group, text in zip(groups, texts, strict=True))


def _within(group: Sequence[Shape], text: str) -> str:
    hosts = [host for one in group for host in one.hosts]
    outer = json.dumps(_for_hosts(hosts, {"handler": "subroute", "routes": [_APPS]}))
    return outer.replace(f'"{_APPS}"', f"\n{text}\n")


@lru_cache(maxsize=10_000)
def _app_text(place: Place, app: Shape) -> str:
    return json.dumps(_app_route(place, app))


def _named(apps: Sequence[Shape]) -> Json:
    named: Json = {pages.NAME: pages.named_route()}
    if any(one.has_site for one in apps):
        named[site.NAME] = site.named_route()
    return named


def _files(apps: Sequence[Route]) -> dict[str, str]:
    """What stands in the files: before an app's page is gone there is something else that answers."""
    upstreams = {f"{one.host}.{n}": f"127.0.0.1:{port}" for one in apps for n, port in enumerate(one.ports)}
    sites = {f"{one.host}.{site.NAME}": one.site for one in apps if one.site is not None}
    return upstreams | sites | {f"{one.host}.{pages.NAME}": one.shown.value for one in apps}


def _whole(place: Place, routes: list[object], named: Json) -> Json:
    server: Json = {
        "listen": [f"fd/{ROUTER_FD}"],  # bound by stratum.up.bound, which says why
        "routes": routes,
        **_common(place, named),
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
    }
    https = {"https": _https(place, named)} if place.https else {}
    # No certificate of our own authority is put among those that this machine trusts.
    pki = {"pki": {"certificate_authorities": {"local": {"install_trust": False}}}} if place.https else {}
    return {
        "admin": {"listen": f"unix/{place.admin_socket}|0660", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["admin"]}}},
        "apps": {"http": {"servers": {SERVER: server, **https}}, **pki},
    }


def _https(place: Place, named: Json) -> Json:
    """Render the same for HTTPS. Caddy gets certificates for all hosts that it finds in routes."""
    own = _for_hosts(place.control_hosts, _to_control(place))
    routes = [_APPS, _unknown_app(place), _nobody(), *([own] if place.control_hosts else []), _control(place)]
    return {
        "listen": [f"fd/{ROUTER_HTTPS_FD}"],
        "routes": routes,
        **_common(place, named),
        "automatic_https": {"disable_redirects": True},
        "tls_connection_policies": [{}],
        "protocols": ["h1", "h2"],
    }


def _common(place: Place, named: Json) -> Json:
    return {
        "named_routes": named,
        "errors": {"routes": [_of_an_app(pages.failed()), {"handle": [_error(NO_CONTROL)]}]},
        "max_header_bytes": MAX_HEADER_BYTES,
        "read_header_timeout": _duration(place.limits.headers_s),
        "read_timeout": _duration(place.limits.request_s),  # ends no answer that lasts, nor a WebSocket
        "idle_timeout": _duration(place.limits.idle_s),
    }


def _app_route(place: Place, app: Shape) -> Json:
    files = f"{place.upstreams}/{app.hosts[0]}"
    dials = [f"{{file.{files}.{number}}}" for number in range(app.dials)]
    routes: list[Json] = [
        {"handle": [{"handler": "vars", _APP: "yes"}]},
        *pages.instead(f"{files}.{pages.NAME}"),
        *(site.serve(f"{files}.{site.NAME}") if app.has_site else []),
        {"handle": [{"handler": "request_body", "max_size": place.limits.body_bytes}, _to_app(place, dials)]},
    ]
    return _for_hosts(app.hosts, {"handler": "subroute", "routes": routes})


def _to_app(place: Place, dials: Sequence[str]) -> Json:
    # Kept connections to a process that is to stop must not look like requests under way for long.
    transport = {
        "protocol": "http",
        "keep_alive": {"idle_timeout": "1s"},
        "response_header_timeout": _duration(place.limits.answer_s),
    }
    passive = {"passive": {"fail_duration": FAIL_DURATION, "max_fails": 1}}
    several: Json = {"health_checks": passive} if len(dials) > 1 else {}  # of one, waiting is all there is
    return {**_proxy(place, dials), **several, "transport": transport}


_APP = "app"  # what a request to one has among Caddy's variables, as long as it lasts


def _of_an_app(handler: Json) -> Json:
    return {"match": [{"vars": {_APP: ["yes"]}}], "handle": [handler], "terminal": True}


def _unknown_app(place: Place) -> Json:
    """Answer for all names below the apps' domain, however many labels they have: none is the API's."""
    below = {"pattern": rf"(?i)\.{re.escape(place.apps_domain)}\.?$"}
    match: Json = {"vars_regexp": {"{http.request.host}": below}}
    return {"match": [match], "handle": [pages.handler(pages.UNKNOWN_APP)], "terminal": True}


def _nobody() -> Json:
    """Ask a git that has not said who it is for credentials."""
    answer = _page("401", f"{BadCredentials()}\n", **{"WWW-Authenticate": CHALLENGE})
    return {"match": [GIT], "handle": [answer], "terminal": True}


def _control(place: Place) -> Json:
    return {"handle": [_to_control(place)]}


def _to_control(place: Place) -> Json:
    return {**_proxy(place, [f"unix/{place.web_socket}"]), "flush_interval": -1}


def _for_hosts(names: Sequence[str], handler: Json) -> Json:
    # The same name written out in full, up to the root of all names, ends with a dot.
    hosts = [host for name in names for host in (name, f"{name}.")]
    return {"match": [{"host": hosts}], "handle": [handler], "terminal": True}


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


def _error(text: str) -> Json:
    return _page("{http.error.status_code}", text)


def _page(status: str, text: str, **more: str) -> Json:
    said = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", **more}
    headers = {name: [value] for name, value in said.items()}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}


def _proxy(place: Place, dials: Sequence[str]) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial} for dial in dials],
        "load_balancing": {
            "selection_policy": {"policy": "least_conn"},
            "try_duration": TRY_DURATION,
            "try_interval": TRY_INTERVAL,
        },
        "headers": {"request": {"delete": CLAIMS}},
        "stream_close_delay": _duration(place.limits.streams_s),
    }
