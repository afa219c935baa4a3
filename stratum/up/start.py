"""`stratum up`: from a data folder, in whatever state, to a port that answers."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from stratum.authority import check_authority
from stratum.domains import listed_hosts
from stratum.door.client import Door, Stray
from stratum.door.fencing import fences, trial
from stratum.door.wayout import rules
from stratum.door.wayout.hosts import Place
from stratum.door.wayout.rules import Rules
from stratum.errors import Conflict, InvalidInput, Unavailable
from stratum.instance import Instance
from stratum.mailing import MailServer, checked_address
from stratum.ownership import exclusive
from stratum.settings import Settings, inherited_environ
from stratum.up import address, binaries, first, folders, supervisord
from stratum.up.programs import Tools

READY_TIMEOUT_S = 60.0
PASSED_ON = (
    "PATH",
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "STRATUM_FAULTS_DIR",
    *rules.VARIABLES,
)


@dataclass(frozen=True, slots=True)
class Started:
    """What `up` has to tell.

    Attributes:
        admin_token: the secret, only at the very first start.
        orphans: processes of apps and builds that a killed supervisord had left; they were ended.
    """

    instance: Instance
    process: subprocess.Popen[bytes]
    admin_token: str | None
    orphans: tuple[Stray, ...] = ()


def start(settings: Settings, listen: str) -> Started:
    """Start everything and wait until the port answers.

    Raises:
        Conflict: it runs already, or the port is taken.
        InvalidInput: the data folder or a setting cannot be used, or `listen` is no address.
        Unavailable: a part does not come up; its log is named.
    """
    binaries.check_system()
    address.split(listen)
    _check_hosts(settings)
    _check_links(settings)
    _check_mail(settings)
    check_authority(settings)
    data = _data_folder(settings.data)
    with alone(data):
        _check_not_running(data, settings)
        for one in filter(None, (listen, settings.https_listen)):
            address.check_free(one)
        instance = first.identify(replace(settings, data=data), listen)
        tools = _tools(instance)
        folders.make(instance)
        fences.write(instance.layout.fences, trial.find())
        # What a killed supervisord left behind holds ports, and would run twice.
        orphans = Door(instance.layout, instance.fence).end_all_strays()
        environ = services_environ(instance)
        token = first.boot(instance, environ)
        instance.layout.supervisord_conf.write_text(supervisord.render(instance, tools))
        process = _spawn(instance, environ)
        _wait_until_ready(instance, process)
        return Started(instance, process, token, tuple(orphans))


def _data_folder(given: Path) -> Path:
    data = supervisord.checked_path(given.resolve())
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The data folder {data} cannot be made: {error.strerror}."
        raise InvalidInput(message, "Choose another with --data DIR.") from error
    if not os.access(data, os.W_OK | os.X_OK):
        message = f"The data folder {data} cannot be written to."
        raise InvalidInput(message, "Run this as its owner, or choose another with --data DIR.")
    return data


def _check_hosts(settings: Settings) -> None:
    unread = Rules.read(settings.build_hosts, {}).unread
    if unread:
        message = f"STRATUM_BUILD_HOSTS: {unread[0]!r} is no host."
        raise InvalidInput(message, "Allowed are, with commas between: host, host:port, .domain and *.")
    listed = {"STRATUM_HOOK_HOSTS": settings.hook_hosts, "STRATUM_FETCH_HOSTS": settings.fetch_hosts}
    for name, hosts in listed.items():
        unread = tuple(one for one in listed_hosts(hosts) if Place.read(one) is None)
        if unread:
            message = f"{name}: {unread[0]!r} is no host."
            raise InvalidInput(message, "Allowed are, with commas between: host and host:port.")


def _check_links(settings: Settings) -> None:
    if settings.public_url and not _begins_links(settings.public_url):
        message = f"STRATUM_PUBLIC_URL={settings.public_url!r} is no address that a link can begin with."
        raise InvalidInput(message, "Give one such as https://stratum.example.com.")


def _begins_links(text: str) -> bool:
    try:
        url = urlsplit(text)
        is_reached = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # of brackets, or a port that is none
        return False
    return is_reached and not url.query and not url.fragment


def _check_mail(settings: Settings) -> None:
    if MailServer.parse(settings.smtp_url) is None:
        return
    if not settings.mail_from:
        message = "STRATUM_SMTP_URL names a mail server, but STRATUM_MAIL_FROM says not whom mail is from."
        raise InvalidInput(message, "Set it to an address, such as stratum@example.com.")
    checked_address(settings.mail_from)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Keep a second `up` or `down` of the same folder out.

    Raises:
        Conflict: one is at work.
    """
    with exclusive(data / "up.lock") as held:
        if not held:
            message = f"Another `stratum up` or `down` is at work in {data}."
            raise Conflict(message, "Wait for it.")
        yield


def is_running(instance: Instance) -> bool:
    """Whether a supervisord of this folder answers."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(instance.layout.supervisord_socket))
        except OSError:
            return False
    return True


def _check_not_running(data: Path, settings: Settings) -> None:
    if not (data / "instance.json").exists():
        return
    instance = Instance.open(replace(settings, data=data))
    if is_running(instance):
        message = f"Stratum runs already in {data}, at http://{address.shown(instance.listen)}."
        raise Conflict(message, f"Stop it with: stratum down --data {data}.")


def _tools(instance: Instance) -> Tools:
    redis = None if instance.settings.redis_url else binaries.redis_server()
    tools = Tools(
        python=Path(sys.executable),
        setpriv=Path(shutil.which("setpriv") or "setpriv"),
        redis_server=redis,
        caddy=binaries.caddy(),
    )
    needed = (
        instance.layout.data,
        tools.python.resolve(),
        Path(__file__),
        tools.caddy,
        *filter(None, [redis]),
    )
    folders.check_reach(instance.fence, *needed)
    return tools


def services_environ(instance: Instance) -> dict[str, str]:
    """The whole environment of supervisord and so of our services; apps get none of it."""
    passed = inherited_environ(*PASSED_ON)
    # One arena for malloc: a thread each would keep what its requests once needed (docs/performance.md).
    ours = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "1"}
    return {"LANG": "C.UTF-8", **passed, **ours, **instance.settings.environ()}


def _spawn(instance: Instance, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start supervisord in its own session, so that a closed terminal ends nothing."""
    argv = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon", "-c"]
    with (instance.layout.service_logs / "supervisord.out").open("wb") as output:
        return subprocess.Popen(
            [*argv, str(instance.layout.supervisord_conf)],
            env=environ,
            cwd=instance.layout.run,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_ready(instance: Instance, process: subprocess.Popen[bytes]) -> None:
    logs = instance.layout.service_logs
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not address.answers(instance.listen):
        if process.poll() is not None:
            message = f"supervisord ended with {process.returncode}."
            raise Unavailable(message, f"See {logs / 'supervisord.out'}.")
        if time.monotonic() > deadline:
            message = f"http://{instance.listen} does not answer after {READY_TIMEOUT_S:.0f} s."
            raise Unavailable(message, f"See the logs in {logs}; stop with: stratum down.")
        time.sleep(0.05)
