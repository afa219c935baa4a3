"""A build backend that tries what a build must not do, prints what worked, and fails so that uv shows it."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

HOME = Path(os.environ["HOME"])
DATA = HOME.parents[3]
MARK = os.environ["MARK"]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    for number, attempt in enumerate((files, writes, sockets, ports, processes, hosts)):
        print(f"{number} {attempt.__name__}: {' '.join(attempt()) or 'nothing'}", file=sys.stderr)
    daemon = f"setsid sh -c 'setsid env -i /bin/sleep {MARK} & sleep {MARK}' &"
    subprocess.run(["sh", "-c", f"exec >/dev/null 2>&1 </dev/null; {daemon}"], check=True)
    raise SystemExit(7)


def files():
    """Read what is not ours: of the instance, of another app, of people."""
    wanted = ["instance.json", "state/stratum.db", "admin.token", "run/supervisord.conf", "logs"]
    found = [str(path.relative_to(DATA)) for path in DATA.glob("slugs/*/*")]
    found += [name for name in wanted if os.access(DATA / name, os.R_OK)]
    return found + [name for name in ("/root", "/home", "/srv", "/dev/shm", "/run") if entries(name)]


def entries(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def writes():
    """Write anywhere but where a build may, also by way of links and dots."""
    link = HOME / "link"
    link.symlink_to(DATA)
    places = (DATA / "x", HOME / "../../../x", HOME / "../../x", link / "cache/x", "/usr/x", "/etc/x", "/var/x")
    return [str(place) for place in places if can_write(place)]


def can_write(place):
    try:
        Path(place).write_text("")
    except OSError:
        return False
    return True


def sockets():
    """Connect to what listens in the data folder, and to abstract sockets."""
    listed = [*DATA.glob("run/*/*.sock"), *Path("/run").rglob("*.sock*")]
    listed += [DATA / f"run/{name}.sock" for name in ("redis/redis", "router/admin", "door/door", "web/web")]
    table = Path("/proc/net/unix").read_text().split("\n")
    names = [str(path) for path in listed] + [line.split()[-1] for line in table if "@" in line]
    return [name for name in names if connects(socket.AF_UNIX, name.replace("@", "\0"))]


def ports():
    """Connect to every port of loopback, and to the host's other address."""
    found = [str(port) for port in range(1, 65536) if connects(socket.AF_INET, ("127.0.0.1", port))]
    return found + [host for host in ("169.254.169.254", "1.1.1.1") if connects(socket.AF_INET, (host, 80))]


def connects(family, address):
    with socket.socket(family) as probe:
        probe.settimeout(2)
        try:
            probe.connect(address)
        except OSError:
            return False
        return probe.getsockname() != probe.getpeername() or family == socket.AF_UNIX  # TCP may meet itself


def processes():
    """Look at processes of others."""
    seen = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if any(name in command for name in (b"supervisord", b"redis", b"caddy", b"gunicorn")):
            seen.append(folder.name)
    return seen


def hosts():
    """Ask for a registry, for another host, for the metadata of a cloud, and for the server itself."""
    return [
        f"{url}={answer(url)}"
        for url in ("https://pypi.org/simple/six/", "http://example.org/", "http://169.254.169.254/", os.environ["SELF"])
    ]


def answer(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)
