"""All that can be set, read from the environment in one place and checked at the start.

The only module of the server that reads `os.environ` for Stratum's own settings. Precedence: command
line, then environment, then the default here.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stratum.errors import InvalidInput

PREFIX = "STRATUM_"
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the server side; each is `STRATUM_<NAME>` in the environment.

    Attributes:
        data: folder of everything Stratum keeps (`DIR` in the documentation).
        redis_url: an own redis; empty: one is started in the data folder.
        apps_domain: apps answer at `<app>.<environment>.<apps_domain>`.
        control_hosts: names, with commas between, under which Stratum itself is reached, and which no app
            can have as a domain; empty: only administrators give apps domains.
        public_url: where Stratum is reached from outside, for links; empty: as it follows from the others.
        https_listen: `host:port` for HTTPS, whose certificates the router gets by itself; empty: none.
        acme_directory: URL of the ACME directory of another authority than the public ones.
        acme_roots: file with the certificates by which that directory's own is known.
        acme_email: to whom authorities write.
        builders: builds that may run at once.
        appliers: rollouts that may run at once, not counting those that wait for a release phase.
        web_threads: requests served at once, besides those that last.
        live_pushes: pushers who follow their builds at once; the builds of others go on without them.
        receiving_pushes: pushes received at once, each from its first byte until its build is followed.
        fetches: clones and fetches at once.
        streams: readers of logs through the API at once.
        polls: requests at once that wait for a rollout.
        build_timeout_s: a build that takes longer has failed.
        build_memory_bytes: memory of all processes of a build together.
        build_processes: processes and threads of a build at once.
        build_disk_bytes: what a build may fill, its app's cache included.
        build_cache_bytes: what the cache of one app's builds may take of the disk.
        build_hosts: what fenced builds may reach besides the registries: with commas between, `host`,
            `host:port`, `.domain`, or `*` for every public address.
        hook_hosts: what web hooks may reach besides public addresses by HTTPS: with commas between, `host` or
            `host:port`; these may have private addresses, and speak HTTP.
        hook_timeout_s: a hook script that takes longer is ended.
        smtp_url: the operator's mail server, `smtp://USER:PASSWORD@HOST:587` (STARTTLS where it is offered)
            or `smtps://…`; empty: news cannot be mailed.
        mail_from: whom that mail is from.
        fetch_hosts: hosts, with commas between, that web hooks may have fetched from although their address
            is private, and by http; each with a port, or for all of its ports.
        trust_pushers: unfenced, whether others than administrators may push although what they push then
            has all that this account has.
        min_free_bytes: no build begins with less room on the disk, or less than a tenth of a smaller one.
        keep_releases: newest releases of an app, of those that have run, that can be gone back to.
        keep_builds: newest builds of an app whose record and log are kept, and so many of its newest
            rollouts, besides those of such releases.
        release_timeout_s: a release phase that takes longer has failed.
        alive_after_s: a process without a port counts as up when it has lived this long.
        web_start_timeout_s: a web process must listen on $PORT within this.
        stop_grace_s: from SIGTERM to SIGKILL.
        drain_s: how long an old web process may finish its requests before it is told to stop.
        port_first, port_last: range of the ports given to web processes.
        max_request_bytes: largest body of a request to an app.
        header_timeout_s: how long a client may take to send the headers of a request.
        request_timeout_s: how long it may take to send all of one, to git and the API, too.
        answer_timeout_s: how long an app may take to begin its answer.
        idle_timeout_s: how long a client's connection is kept without a request.
        stream_close_delay_s: how long WebSockets live on after the router has loaded another configuration.
        max_scale: largest scale of one target.
        max_processes_per_app: most processes wished of an app without a limit of its own.
        max_push_bytes: largest pack accepted, for apps without a limit of their own.
        max_push_objects: most objects accepted in one push.
        max_repo_bytes: how much the repository of such an app may hold.
        sign_in_failures: failed sign-ins from one address before the next has to wait.
        max_object_bytes: largest object accepted, inflated.
        git_memory_bytes: memory of each git process that serves a request, not counting mapped files.
        git_cpu_s: processor time of each of them.
        git_timeout_s: how long one request of a git client may take, not counting what it waits for.
    """

    data: Path = Path(".stratum")
    redis_url: str = ""
    apps_domain: str = "localhost"
    control_hosts: str = ""
    public_url: str = ""
    https_listen: str = ""
    acme_directory: str = ""
    acme_roots: str = ""
    acme_email: str = ""
    builders: int = 2
    appliers: int = 2
    web_threads: int = 32
    live_pushes: int = 256
    receiving_pushes: int = 64
    fetches: int = 128
    streams: int = 64
    polls: int = 64
    build_timeout_s: int = 1800
    build_memory_bytes: int = 4 << 30
    build_processes: int = 2048
    build_disk_bytes: int = 10 << 30
    build_cache_bytes: int = 2 << 30
    build_hosts: str = ""
    hook_hosts: str = ""
    hook_timeout_s: int = 60
    smtp_url: str = ""
    mail_from: str = ""
    fetch_hosts: str = ""
    trust_pushers: bool = False
    min_free_bytes: int = 1 << 30
    keep_releases: int = 10
    keep_builds: int = 500
    release_timeout_s: int = 3600
    alive_after_s: float = 0.3
    web_start_timeout_s: float = 60.0
    stop_grace_s: int = 30
    drain_s: float = 10.0
    port_first: int = 20001
    port_last: int = 29999
    max_request_bytes: int = 256 << 20
    header_timeout_s: float = 30.0
    request_timeout_s: float = 3600.0
    answer_timeout_s: float = 600.0
    idle_timeout_s: float = 300.0
    stream_close_delay_s: float = 300.0
    max_scale: int = 100
    max_processes_per_app: int = 100
    max_push_bytes: int = 1 << 30
    max_push_objects: int = 1_000_000
    max_repo_bytes: int = 5 << 30
    sign_in_failures: int = 10
    max_object_bytes: int = 256 << 20
    git_memory_bytes: int = 1 << 30
    git_cpu_s: int = 600
    git_timeout_s: int = 3600

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            InvalidInput: a value is not of its kind, or a number is not positive and finite, or the ports
                are no range; the variable is named.
        """
        given = os.environ if environ is None else environ
        values = {
            field.name: _parsed(field.name, given[PREFIX + field.name.upper()])
            for field in fields(cls)
            if PREFIX + field.name.upper() in given
        }
        found = cls(**values)  # type: ignore[arg-type]  # each value has its field's type by _parsed
        found._check_ports()
        return found

    def _check_ports(self) -> None:
        if self.port_last > MAX_PORT:
            message = f"{PREFIX}PORT_LAST={self.port_last} is not allowed: ports end at {MAX_PORT}."
            raise InvalidInput(message)
        if self.port_first > self.port_last:
            message = (
                f"{PREFIX}PORT_FIRST={self.port_first} is not allowed: {PREFIX}PORT_LAST is {self.port_last}."
            )
            raise InvalidInput(message, "The first port must not be above the last.")

    def environ(self) -> dict[str, str]:
        """Return the variables that make `from_env` give these settings again."""
        return {PREFIX + field.name.upper(): str(getattr(self, field.name)) for field in fields(self)}


_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_KINDS: dict[str, Any] = {field.name: type(field.default) for field in fields(Settings)}


def _parsed(name: str, text: str) -> object:
    kind = _KINDS[name]
    if kind is str:
        return text
    if issubclass(kind, Path):
        return Path(text)
    if kind is bool:
        return _truth(name, text)
    try:
        number = kind(text)
    except ValueError:
        number = -1
    if not 0 < number < math.inf:  # false of nan, too
        message = f"{PREFIX}{name.upper()}={text!r} is not allowed: a positive {kind.__name__} is."
        raise InvalidInput(message)
    return number


def _truth(name: str, text: str) -> bool:
    found = _TRUTHS.get(text.lower())
    if found is None:
        message = f"{PREFIX}{name.upper()}={text!r} is not allowed: true or false is."
        raise InvalidInput(message)
    return found


def faults_dir() -> Path | None:
    """Where tests arm fault points; None in ordinary life."""
    folder = os.environ.get(f"{PREFIX}FAULTS_DIR")
    return Path(folder) if folder else None


def inherited_environ(*names: str) -> dict[str, str]:
    """Pick variables of the environment that programs we start may need (PATH, SSL_CERT_FILE, …)."""
    return {name: os.environ[name] for name in names if name in os.environ}
