"""Owners and modes of an instance's folders, on the real file system."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings
from stratum.up import folders

STRANGER = 65533


def instance_in(data: Path, *, fenced: bool = False, uid_base: int | None = None) -> Instance:
    layout = Layout(data, secrets.token_hex(6))
    base = os.getuid() if uid_base is None else uid_base
    return Instance(Settings(data=data), layout, Fence(fenced, base), "127.0.0.1:8080")


@pytest.fixture
def data():
    """A data folder that every uid may pass to."""
    parent = Path(tempfile.mkdtemp(prefix="stratum-folders-", dir="/tmp"))
    parent.chmod(0o755)
    (parent / "data").mkdir()
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture
def unfenced(data):
    instance = instance_in(data)
    yield instance
    shutil.rmtree(instance.layout.descriptions, ignore_errors=True)


def test_unfenced_no_folder_lets_anybody_else_in(unfenced):
    folders.make(unfenced)

    modes = {folder.path: folder.path.stat().st_mode & 0o7777 for folder in folders.folders(unfenced)}
    assert set(modes.values()) == {0o700}


def sockets_of(layout: Layout) -> tuple[Path, ...]:
    return (layout.supervisord_socket, layout.web_socket, layout.redis_socket, layout.router_socket)


@pytest.mark.skipif(os.getuid() != 0, reason="two accounts with one group need root")
def test_unfenced_another_account_of_the_same_group_reaches_no_socket(unfenced):
    """Redis, supervisord and Caddy open their sockets to the group: whoever reaches one owns the account."""
    folders.make(unfenced)
    unfenced.layout.data.chmod(0o711)  # each folder keeps its socket by itself

    for path in sockets_of(unfenced.layout):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            path.chmod(0o777)
            server.listen()
            assert connected_as(STRANGER, os.getgid(), path) == "PermissionError"
            assert connected_as(os.getuid(), os.getgid(), path) == "connected"


def connected_as(uid: int, gid: int, path: Path) -> str:
    """Try to connect in a process of a uid and a gid; tell how that ended."""
    program = (
        "import os, socket, sys\n"
        "uid, gid = map(int, sys.argv[1:3])\n"
        "os.setgroups([]); os.setresgid(gid, gid, gid); os.setresuid(uid, uid, uid)\n"
        "try: socket.socket(socket.AF_UNIX).connect(sys.argv[3])\n"
        "except OSError as error: print(type(error).__name__)\n"
        "else: print('connected')"
    )
    argv = [sys.executable, "-IS", "-c", program, str(uid), str(gid), str(path)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
