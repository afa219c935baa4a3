"""Telling Caddy the routes that the database records.

The database is the truth; `layout.router_config` is what Caddy starts with, and what it has been
told last. One lock file keeps the order of two appliers' changes the same in all three places.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from runner import pace
from runner.router import admin, pages, site
from runner.router.config import Config, Place, render
from runner.router.farewell import farewell
from runner.router.https import Https
from runner.router.limits import Limits
from runner.router.own_pages import OwnPages
from runner.router.pages import Page
from runner.router.route import LEAST_PORTS, Route
from stratum.authority import authority_of
from stratum.domains import listed_hosts
from stratum.errors import RouterUnavailable
from stratum.instance import Instance
from stratum.model import App
from stratum.settings import Settings
from stratum.site import read_table
from stratum.store import Database, crashes, environments, quiet, releases, sites
from stratum.store import domains as domain_store
from stratum.store import formation as formation_store
from stratum.store.sites import Served
from stratum.up import address

# A Caddy that was killed is soon there again, unless it dies early a few times: supervisord then
# pauses for 1, 2, 3… seconds. A release that is good should not fail for that.
PATIENCE_S = 60.0

Stamp: TypeAlias = tuple[int, int, int]


class Router:
    """The router of one instance."""

    def __init__(self, instance: Instance, database: Database) -> None:
        self._instance, self._database = instance, database
        self._rendered: tuple[tuple[int, list[Route]], Config] | None = None
        self._own_pages = OwnPages(instance.layout.repo)
        self._sites: dict[int, tuple[Served, str]] = {}
        self._seen: dict[str, tuple[Stamp, str]] = {}  # what files hold, as long as they are the same

    def route(
        self,
        app: App,
        processes: Collection[str],
        *,
        site: Served | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Send an app's requests to these processes and no other, from when this returns.

        Args:
            site: what answers in their place.
            patience_s: how long to try again while Caddy does not answer.

        Raises:
            RouterUnavailable: Caddy does not take it; the routes are recorded and written all the same.
        """
        with self._database.write() as tx:
            formation_store.set_routed(tx, app.id, processes)
            sites.set_served(tx, app.id, site)
        self._tell_in_time(patience_s)

    def ensure(self) -> None:
        """See that Caddy has the routes and pages that are recorded.

        Raises:
            RouterUnavailable: it has not.
        """
        with self._database.read() as tx:
            down = releases.in_maintenance(tx)
        self._own_pages.read(down)
        self._tell_in_time(0)

    def _tell_in_time(self, patience_s: float) -> None:
        for waited_s in pace.looks(patience_s):
            try:
                self._tell()
                return
            except RouterUnavailable:
                if waited_s >= patience_s:
                    raise

    def write(self) -> None:
        """Write what Caddy starts with; for `stratum up`, before Caddy runs."""
        with self._alone():
            self._write(self._recorded(LEAST_PORTS))

    def _tell(self) -> None:
        """Tell Caddy once; whoever waits for it keeps nobody else from the lock meanwhile."""
        with self._alone():
            room = self._room()
            config = self._recorded(room)
            if config.most_processes > room:  # before a file asks for it
                self._load(config)
            self._write(config)
            self._load(config)
            self._forget(config)

    def _room(self) -> int:
        """For how many processes of an app Caddy has room. Never less, or each change could be a load."""
        try:
            return int(self._instance.layout.router_room.read_text())
        except (FileNotFoundError, ValueError):
            return LEAST_PORTS

    def _recorded(self, room: int) -> Config:
        instance = self._instance
        with self._database.read() as tx:
            # One that is being destroyed has gone for its visitors, however long its data takes.
            apps = [app for app in environments.list_apps(tx) if not app.destroying]
            ports = formation_store.routes(tx)
            names, served = formation_store.routed_as(tx), sites.all_served(tx)
            silent, own = quiet.quiet_apps(tx), domain_store.all_domains(tx)
            crashed, down = crashes.crashed_apps(tx), releases.in_maintenance(tx)
        names |= {app_id: one.app_name for app_id, one in served.items() if one.version}
        domain, served_by_https = instance.settings.apps_domain, bool(instance.settings.https_listen)
        routes = [
            Route(
                host := app.host(domain, names.get(app.id, "")),
                ports.get(app.id, ()),
                self._site(app.id, served[app.id]) if app.id in served else "",
                Page.MAINTENANCE if app.maintenance else pages.why(silent.get(app.id)),
                own.get(app.id, ()),
                app.id in crashed,
                served_by_https and not app.plain_http,
                self._own_page(host, app.id) if app.id in down else "",
            )
            for app in apps
        ]
        asked = room, routes
        if self._rendered is None or self._rendered[0] != asked:  # asked every 2 s by the reconciler
            self._rendered = asked, render(self._place(room), routes)
        return self._rendered[1]

    def _site(self, app_id: int, served: Served) -> str:
        if not served.version:
            return ""
        if app_id not in self._sites or self._sites[app_id][0] != served:  # as often as routes are
            folder = str(self._instance.layout.site(app_id, served.version))
            self._sites[app_id] = served, site.text(folder, read_table(served.rules))
        return self._sites[app_id][1]

    def _own_page(self, host: str, app_id: int) -> str:
        return self._own_pages.of(app_id, self._instance.layout.router_upstreams / host)

    def _place(self, room: int) -> Place:
        layout = self._instance.layout
        return Place(
            listen=self._instance.listen,
            admin_socket=str(layout.router_socket),
            web_socket=str(layout.web_socket),
            apps_domain=self._instance.settings.apps_domain,
            files=str(layout.router_upstreams),
            most_processes=room,
            limits=_limits(self._instance.settings),
            https=_https(self._instance),
            control_hosts=listed_hosts(self._instance.settings.control_hosts),
        )

    def _load(self, config: Config) -> None:
        socket = self._instance.layout.router_socket
        if not admin.knows(socket, config.mark):
            host, port = address.split(self._instance.listen)
            with farewell(address.reached_at(host), port, f"-.{self._instance.settings.apps_domain}"):
                admin.load(socket, config.content)

    def _write(self, config: Config) -> None:
        layout = self._instance.layout
        there = {entry.name: _stamp(entry.stat()) for entry in os.scandir(layout.router_upstreams)}
        for name, text in config.files.items():
            if name not in there or self._seen.get(name) != (there[name], text):
                path = layout.router_upstreams / name
                _replace(path, text.encode())
                self._seen[name] = _stamp(path.stat()), text
        _replace(layout.router_config, config.content)
        _replace(layout.router_room, str(config.most_processes).encode())

    def _forget(self, config: Config) -> None:
        """Remove files of apps that the loaded configuration does not name."""
        folder = self._instance.layout.router_upstreams
        for name in {entry.name for entry in os.scandir(folder)} - config.files.keys():
            (folder / name).unlink()
            self._seen.pop(name, None)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._instance.layout.locks / "router").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _stamp(found: os.stat_result) -> Stamp:
    """Tell a file from any other that takes its place, without reading it."""
    return found.st_ino, found.st_mtime_ns, found.st_size


def _https(instance: Instance) -> Https | None:
    if not instance.settings.https_listen:
        return None
    return Https(str(instance.layout.router_certificates), authority_of(instance.settings))


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.max_request_bytes,
        headers_s=settings.header_timeout_s,
        request_s=settings.request_timeout_s,
        answer_s=settings.answer_timeout_s,
        idle_s=settings.idle_timeout_s,
        streams_s=settings.stream_close_delay_s,
    )


def _replace(path: Path, content: bytes) -> None:
    """Put a file in its place, whole and on the disk, unless it is there already."""
    if path.exists() and path.read_bytes() == content:
        return
    scratch = path.with_name(f"{path.name}.new")
    with scratch.open("wb") as file:
        os.fchmod(file.fileno(), 0o640)  # the folder hands it to Caddy's group
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
