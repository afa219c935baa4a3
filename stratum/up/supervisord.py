"""The configuration of the one supervisord. Pure: values in, text out."""

import re
from pathlib import Path

from stratum.errors import InvalidInput
from stratum.instance import Instance
from stratum.up.programs import Tools, programs, section

# What supervisord's ini, its `%` expansion, its comments and shlex leave alone.
SAFE_PATH = re.compile(r"/[A-Za-z0-9._/+@=,~-]*")
MAX_SOCKET_PATH = 107  # sun_path has 108 bytes, one is its end (unix(7))


def checked_path(path: Path) -> Path:
    """Return the data folder's path if every program can be told it.

    Raises:
        InvalidInput: it has a character that means something to one of them, or is too long for sockets.
    """
    if not SAFE_PATH.fullmatch(str(path)):
        message = f"The data folder {str(path)!r} has a character that cannot be used."
        raise InvalidInput(message, "Use letters, digits and . _ - + @ = , ~ only.")
    longest = len(str(path / "run" / "supervisor" / "supervisord.sock.12345678"))
    if longest > MAX_SOCKET_PATH:
        excess = longest - MAX_SOCKET_PATH
        message = f"The data folder {str(path)!r} is too long by {excess} characters for its sockets."
        raise InvalidInput(message, "Use a shorter path.")
    return path


def render(instance: Instance, tools: Tools) -> str:
    """Render run/supervisord.conf."""
    sections = [section(program, instance, tools.setpriv) for program in programs(instance, tools)]
    return "\n".join([_daemon(instance), _rpc(instance), _plugin(instance), *sections, _include(instance)])


def _daemon(instance: Instance) -> str:
    layout = instance.layout
    return (
        "; Written by `stratum up`; changes are lost.\n"
        "[supervisord]\n"
        f"logfile={layout.run / 'supervisord.log'}\nlogfile_maxbytes=10MB\nlogfile_backups=2\nloglevel=info\n"
        f"pidfile={layout.supervisord_pid}\ndirectory={layout.run}\nchildlogdir={layout.run}\nnocleanup=true\n"
        f"umask=022\nminfds=1024\nminprocs=64\n{'user=root' if instance.fence.fenced else ''}\n"
    )


def _rpc(instance: Instance) -> str:
    # 0770 in a set-group-id folder lets our services in; supervisord's own `chown=` knows only
    # groups of the group file (supervisor 4.3.0, `name_to_gid`).
    socket = instance.layout.supervisord_socket
    return (
        f"[unix_http_server]\nfile={socket}\nchmod=0770\n\n"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n"
        f"[supervisorctl]\nserverurl=unix://{socket}\n"
    )


def _plugin(instance: Instance) -> str:
    layout, fence = instance.layout, instance.fence
    fenced = (
        f"uid_low={fence.first_app_uid}\nuid_high={fence.last_app_uid}\nservice_gid={fence.service_uid}\n"
        if fence.fenced
        else ""
    )
    return (
        "[rpcinterface:stratum]\n"
        "supervisor.rpcinterface_factory=runner.engines.supervisord.plugin:make\n"
        f"instance_id={layout.instance_id}\ndescriptions={layout.descriptions}\napp_logs={layout.app_logs}\n"
        f"apps_conf={layout.apps_conf}\nstop_grace_s={instance.settings.stop_grace_s}\n{fenced}"
    )


def _include(instance: Instance) -> str:
    return f"[include]\nfiles={instance.layout.apps_conf}\n"
