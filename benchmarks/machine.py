"""What was measured on, in words that name nobody's machine."""

import os
import platform
import subprocess


def described() -> str:
    """The machine and the programs, as one paragraph."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    git = subprocess.check_output(["git", "--version"], text=True).split()[-1]
    who = "root (fenced: separate uids)" if os.geteuid() == 0 else "an ordinary user (unfenced)"
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return (
        f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {system}, Python {platform.python_version()}, "
        f"git {git}; run as {who}; client, server, apps and pollers share the cores."
    )


def load() -> str:
    """How busy the machine is, our own work included: figures of a busy one are worth little."""
    one, five, _ = os.getloadavg()
    return f"Load average at the end: {one:.1f} (1 min), {five:.1f} (5 min)."
