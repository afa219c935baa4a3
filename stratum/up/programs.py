"""The services of an instance as supervisord sections. Pure: values in, text out."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from stratum.instance import Instance

FIRST_FREE_PORT = 1024  # lower ones need CAP_NET_BIND_SERVICE (capabilities(7))
# What setpriv ties to a parent that has died already outlives it for ever. SUPERVISORD_PID: the plugin.
WITH_PARENT = ("/bin/sh", "-c", '[ "$PPID" = "$SUPERVISORD_PID" ] && exec "$@"', "with-parent")
WORK = ("builder.worker:main", "runner.worker:main", "hooks.webhooks.worker:main", "runner.reconciler:main")


@dataclass(frozen=True, slots=True)
class Program:
    """One service.

    Attributes:
        uid: the account it runs as when fenced; None: supervisord's own.
        priority: supervisord starts in this order and ends in its reverse.
        stop_wait_s: from SIGTERM to SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    uid: int | None
    priority: int
    stop_wait_s: int = 10
    home: Path | None = None
    capabilities: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of the programs used."""

    python: Path
    setpriv: Path
    redis_server: Path | None  # None: STRATUM_REDIS_URL names another
    caddy: Path


def programs(instance: Instance, tools: Tools) -> list[Program]:
    """List the services of an instance."""
    layout, fence = instance.layout, instance.fence
    python = (str(tools.python), "-P", "-m")
    web = ("gunicorn", "--config", "python:gitserver.gunicorn_conf", "gitserver.wsgi:application")
    listed = [
        Program("_web", (*python, *web), fence.service_uid, 30, home=layout.service_home),
        Program(
            "_work", (*python, "stratum.prefork", *WORK), fence.service_uid, 40, home=layout.service_home
        ),
        _router(instance, tools),
    ]
    if tools.redis_server:
        listed.append(_redis(instance, tools.redis_server))
    if fence.fenced:
        listed.append(Program("_door", (*python, "stratum.door.server"), None, 20))
    return sorted(listed, key=lambda program: program.priority)


def _redis(instance: Instance, server: Path) -> Program:
    layout = instance.layout
    argv = (
        *(str(server), "--port", "0", "--unixsocket", str(layout.redis_socket), "--unixsocketperm", "770"),
        *(
            "--dir",
            str(layout.data / "redis"),
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
        ),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"),
    )
    return Program("_redis", argv, instance.fence.redis_uid, 10, home=layout.data / "redis")


def _router(instance: Instance, tools: Tools) -> Program:
    addresses = [instance.listen, *filter(None, [instance.settings.https_listen])]
    bound = (str(tools.python), "-P", "-m", "stratum.up.bound", ",".join(addresses))
    argv = (*bound, str(tools.caddy), "run", "--config", str(instance.layout.router_config))
    ports = [int(address.rpartition(":")[2]) for address in addresses]
    low_port = "+net_bind_service" if min(ports) < FIRST_FREE_PORT else ""
    home = instance.layout.data / "router"
    return Program("_router", argv, instance.fence.router_uid, 50, home=home, capabilities=low_port)


def section(program: Program, instance: Instance, setpriv: Path) -> str:
    """Render one section. Paths hold no character that means something here (`checked_path`)."""
    home = (
        f'environment=HOME="{program.home}",XDG_DATA_HOME="{program.home}",XDG_CONFIG_HOME="{program.home}"\n'
    )
    return (
        f"[program:{program.name}]\n"
        f"command={shlex.join([*_prefix(program, instance, setpriv), *program.argv])}\n"
        f"directory={instance.layout.run}\n"
        f"{home if program.home else ''}"
        f"priority={program.priority}\n"
        "autostart=true\nautorestart=true\nstartsecs=1\nstartretries=1000000\n"
        f"stopwaitsecs={program.stop_wait_s}\nstopasgroup=false\nkillasgroup=true\n"
        "redirect_stderr=true\nstdout_logfile_maxbytes=10MB\nstdout_logfile_backups=2\n"
        f"stdout_logfile={instance.layout.service_logs / program.name}.log\n"
    )


def _prefix(program: Program, instance: Instance, setpriv: Path) -> list[str]:
    prefix = [str(setpriv), "--pdeathsig", "KILL"]
    if program.uid is not None and instance.fence.fenced:
        prefix += [f"--reuid={program.uid}", f"--regid={program.uid}", "--clear-groups"]
        if program.capabilities:
            prefix += [f"--inh-caps={program.capabilities}", f"--ambient-caps={program.capabilities}"]
    return [*prefix, "--no-new-privs", "--", *WITH_PARENT]
