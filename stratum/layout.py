"""Where everything lies below the data folder. Paths only; `stratum/up/` makes the folders."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROUTER_FD = 3  # the public port's socket, as the router inherits it
ROUTER_HTTPS_FD = 4  # that of HTTPS, where there is one
EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one instance.

    Attributes:
        data: the data folder, absolute.
        instance_id: names the instance on this host (tmpfs folder, marks on processes).
    """

    data: Path
    instance_id: str

    # -- files of the operator
    @property
    def admin_token(self) -> Path:
        return self.data / "admin.token"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def supervisord_conf(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def supervisord_socket(self) -> Path:
        return self.run / "supervisor" / "supervisord.sock"

    @property
    def supervisord_pid(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def apps_conf(self) -> Path:
        """Sections of the apps' processes; written by the plugin only."""
        return self.run / "apps.conf"

    @property
    def fences(self) -> Path:
        """What was found at the start: which fences builds can have here."""
        return self.run / "fences.json"

    # -- sockets, each in a folder of its server
    @property
    def web_socket(self) -> Path:
        return self.run / "web" / "web.sock"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis" / "redis.sock"

    @property
    def router_socket(self) -> Path:
        return self.run / "router" / "admin.sock"

    @property
    def door_socket(self) -> Path:
        return self.run / "door" / "door.sock"

    # -- what the services keep
    @property
    def state(self) -> Path:
        return self.data / "state"

    @property
    def database(self) -> Path:
        return self.state / "stratum.db"

    @property
    def config_key(self) -> Path:
        """Key of the apps' variables; kept apart from the database so that backups of one lack the other."""
        return self.state / "keys" / "config.key"

    @property
    def service_home(self) -> Path:
        return _below(self.data, "state", "home")

    @property
    def locks(self) -> Path:
        return self.state / "locks"

    def push_lock(self, app_id: int) -> Path:
        """Held from a push's journal row to its acceptance; see `hooks.reception`."""
        return _below(self.data, "state", "locks", f"push-{app_id}")

    @property
    def receive_hooks(self) -> Path:
        """What is core.hooksPath of all repositories."""
        return _below(self.data, "state", "receive-hooks")

    @property
    def router_config(self) -> Path:
        """What Caddy reads when it starts; written by whoever changes routes."""
        return self.data / "router-config" / "caddy.json"

    @property
    def router_certificates(self) -> Path:
        """Where Caddy keeps certificates: `<authority>/<name>/<name>.crt`; closed to all others."""
        return self.data / "router" / "caddy" / "certificates"

    @property
    def router_room(self) -> Path:
        """For how many processes of one app that configuration has room."""
        return self.router_config.parent / "room"

    @property
    def router_upstreams(self) -> Path:
        """A file for each app, which says what answers for it; read by Caddy at each request."""
        return self.router_config.parent / "upstreams"

    @property
    def repos(self) -> Path:
        return self.data / "repos"

    def repo(self, app_id: int) -> Path:
        return _below(self.data, "repos", f"{app_id}.git")

    @property
    def spools(self) -> Path:
        return self.data / "spools"

    def spool(self, app_id: int, number: int) -> Path:
        """Objects of a push whose ref moves only if this build of them succeeds; see `stratum.spool`."""
        return self.spools / str(app_id) / str(number)

    @property
    def fetches(self) -> Path:
        return self.data / "fetches"

    def fetch(self, app_id: int) -> Path:
        """Where an app's source is fetched to, before it is pushed; gone afterwards."""
        return self.fetches / str(app_id)

    # -- the operator's programs
    @property
    def hook_scripts(self) -> Path:
        return self.data / "hooks.d"

    # -- logs
    @property
    def hook_logs(self) -> Path:
        return self.data / "logs" / "hooks"

    @property
    def service_logs(self) -> Path:
        return self.data / "logs" / "services"

    @property
    def build_logs(self) -> Path:
        return self.data / "logs" / "builds"

    def build_log(self, app_id: int, number: int) -> Path:
        return self.build_logs / str(app_id) / f"{number}.log"

    @property
    def app_logs(self) -> Path:
        return self.data / "logs" / "apps"

    def process_log(self, app_id: int, process: str) -> Path:
        return self.app_logs / str(app_id) / f"{process}.log"

    def process_events(self, app_id: int) -> Path:
        """What an engine has noted of an app's processes; an older file ends in `.1`."""
        return self.app_logs / str(app_id) / EVENTS

    # -- builds and what they make
    @property
    def builds(self) -> Path:
        return self.data / "builds"

    def build(self, app_id: int, number: int) -> Path:
        """Scratch of one build; `source` in it becomes the slug."""
        return self.builds / str(app_id) / str(number)

    @property
    def caches(self) -> Path:
        return self.data / "cache"

    def cache(self, app_id: int) -> Path:
        return self.caches / str(app_id)

    @property
    def slugs(self) -> Path:
        return self.data / "slugs"

    def slug(self, app_id: int, digest: str) -> Path:
        return self.slugs / str(app_id) / digest

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    def release(self, app_id: int, version: int) -> Path:
        """The copy of its slug that a release's processes start in and may write to; their HOME, too."""
        return self.releases / str(app_id) / f"v{version}"

    def release_tmp(self, app_id: int, version: int) -> Path:
        """TMPDIR of a release's processes."""
        return self.releases / str(app_id) / f"v{version}.tmp"

    @property
    def sites(self) -> Path:
        return self.data / "sites"

    def site(self, app_id: int, version: int) -> Path:
        """The files of a release that the router serves by itself."""
        return self.sites / str(app_id) / f"v{version}"

    @property
    def storage(self) -> Path:
        """What apps keep for good, however often they are released."""
        return self.data / "storage"

    def volume(self, app_id: int, name: str) -> Path:
        return self.storage / str(app_id) / name

    @property
    def descriptions(self) -> Path:
        """Launcher descriptions, which hold variables in clear: on tmpfs."""
        return Path("/dev/shm") / f"stratum-{self.instance_id}"

    def description(self, process: str) -> Path:
        return self.descriptions / process


@lru_cache(maxsize=4096)  # a push asks eleven times
def _below(data: Path, *names: str) -> Path:
    return data.joinpath(*names)
