"""A door on real folders and real uids: fenced with its server, or unfenced as an ordinary user."""

import io
import os
import pickle
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from stratum.door import proc
from stratum.door.client import Door
from stratum.door.fencing import fences, trial
from stratum.door.fencing.fences import Fences
from stratum.fence import Fence, fenced_base
from stratum.instance import Identity, Instance
from stratum.layout import Layout
from stratum.settings import Settings
from stratum.up import folders
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
NOBODY = 65534
APP = 7
T = TypeVar("T")

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")
FENCED, UNFENCED = pytest.param(True, id="fenced", marks=needs_root), pytest.param(False, id="unfenced")
CONTAINED = pytest.param("contained", id="contained", marks=needs_root)


class Raised(Exception):
    """What was raised in another process, as `Class: text`."""


def as_uid(uid: int, work: Callable[[], T]) -> T:
    """Do something in a fork that has become a uid; its result or exception comes back."""
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work_and_exit(uid, work, sink)
    os.close(sink)
    with os.fdopen(source, "rb") as answer:
        pickled = answer.read()
    os.waitpid(pid, 0)
    good, value = pickle.loads(pickled)
    if not good:
        raise Raised(value)
    result: T = value
    return result


def _work_and_exit(uid: int, work: Callable[[], object], sink: int) -> None:
    try:
        if uid != os.getuid():
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        try:
            answer = pickle.dumps((True, work()))
        except Exception as error:
            answer = pickle.dumps((False, f"{type(error).__name__}: {error}"))
        with os.fdopen(sink, "wb") as out:
            out.write(answer)
    finally:
        os._exit(0)


@cache
def standing(uid: int) -> Fences:
    """What a start finds for an account; each step finds it again where nobody has written it down."""
    return as_uid(uid, trial.find)


@contextmanager
def in_background(work: Callable[[], object]) -> Iterator[int]:
    """Do something in a fork, which ends with 0 when that has gone well."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    yield pid
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def stop_one(house: "House", uid: int, argument: str) -> proc.Process:
    """Wait for a process of the door's that has an argument and has become a uid; have it stand still.

    It may do its work within milliseconds: so it is looked for without a pause, and nowhere else.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for pid in descendants(house.server_pid):
            if argument.encode() in arguments(pid) and (found := proc.read(pid)) and found.uid == uid:
                proc.send(found, signal.SIGSTOP)
                return found
    raise AssertionError(argument)


def descendants(pid: int) -> list[int]:
    """A process and all that it has started, as far as that is there still."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def arguments(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


class House:
    """A data folder with a door, and who calls at it.

    Attributes:
        contained: whether its server is root without CAP_SYS_PTRACE, as in a container by default.
        settings: variables of its server's environment.
    """

    def __init__(
        self, fenced: bool, *, contained: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        self.contained, self.settings = contained, settings or {}
        self.folder = Path(tempfile.mkdtemp(prefix="stratum-door-", dir="/tmp"))
        self.folder.chmod(0o755)
        instance_id = secrets.token_hex(6)
        user = os.getuid() or NOBODY
        self.fence = Fence(fenced, fenced_base(instance_id) if fenced else user)
        self.layout = Layout(self.folder / "data", instance_id)
        self.caller = self.fence.service_uid
        self.door = Door(self.layout, self.fence)
        self._server: subprocess.Popen[bytes] | None = None
        self.layout.data.mkdir()
        if not fenced and os.getuid() == 0:
            os.chown(self.layout.data, user, user)
        self.call(lambda: folders.make(self._instance()), as_root=fenced)
        Identity(instance_id, fenced, self.fence.uid_base, "127.0.0.1:1").write(self.layout.data)
        if not contained:
            found = standing(0 if fenced else user)
            self.call(lambda: fences.write(self.layout.fences, found), as_root=fenced)

    def _instance(self) -> Instance:
        return Instance(Settings(data=self.layout.data), self.layout, self.fence, "127.0.0.1:1")

    def call(self, work: Callable[[], T], *, as_root: bool = False) -> T:
        """Do something as the services would."""
        return as_uid(0 if as_root else self.caller, work)

    def start(self) -> None:
        without = ["setpriv", "--bounding-set", "-sys_ptrace"] if self.contained else []
        argv = [*without, sys.executable, "-P", "-m", "stratum.door.server", str(self.layout.data)]
        environ = {"PYTHONPATH": str(ROOT), **self.settings}
        self._server = subprocess.Popen(argv, env=environ, cwd="/")
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            self.call(lambda: self.door.tree(2))
        except Raised:
            return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._server is not None:
            self._server.send_signal(number)
            self._server.wait(30)
            self._server = None

    @property
    def server_pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def end(self) -> None:
        self.stop()
        self.call(self.door.end_all_strays, as_root=self.fence.fenced)
        self.call(lambda: self.door.destroy(APP), as_root=self.fence.fenced)
        shutil.rmtree(self.folder)
        shutil.rmtree(self.layout.descriptions, ignore_errors=True)

    # -- builds
    def scratch(self, number: int = 1) -> Path:
        return self.layout.build(APP, number)

    def unpack(self, files: Mapping[str, str], number: int = 1) -> None:
        """Prepare the app and unpack a source."""
        self.call(lambda: self.door.prepare(APP))
        self.step("unpack", number, stdin=archive(files))

    def step(
        self,
        name: str,
        number: int = 1,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        timeout_s: float = 60,
        code: int = 0,
    ) -> str:
        """Run a step, see that it ends with the code expected, and return what it said."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given:
            given.write(stdin or b"")
            given.seek(0)
            fds = {"stdout": out.fileno(), "stdin": None if stdin is None else given.fileno()}
            ended = self.call(
                lambda: self.door.run(APP, number, name, env or {}, timeout_s=timeout_s, **fds)  # type: ignore[arg-type]
            )
            out.seek(0)
            said = out.read().decode()
        assert ended == code, f"{name} ended with {ended}: {said}"
        return said

    def seal(self, digest: str, number: int = 1) -> None:
        self.call(lambda: self.door.seal(APP, number, digest))
        self.call(lambda: self.door.discard(APP, number))

    def script(self, text: str, number: int = 1, timeout_s: float = 60, code: int = 0) -> str:
        """Have a build do what a pusher could make it do: bash reads BASH_ENV before the step's own text."""
        self.unpack({"evil.sh": text}, number)
        return self.step("close", number, env={"BASH_ENV": "./evil.sh"}, timeout_s=timeout_s, code=code)


@contextmanager
def housed(kind: bool | str) -> Iterator[House]:
    """Make a house of a kind (FENCED, UNFENCED, CONTAINED) with its server at work; nothing of it is left."""
    made = House(fenced=bool(kind), contained=kind == "contained")
    if made.fence.fenced:
        made.start()
    yield made
    made.end()


def archive(files: Mapping[str, str]) -> bytes:
    """Make a tar of files as git archive would; a value `-> x` makes a link, `#!…` a program."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o775 if text.startswith("#!") else 0o664
            if text.startswith("-> "):
                entry.type, entry.linkname = tarfile.SYMTYPE, text[3:]
                tar.addfile(entry)
            else:
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
