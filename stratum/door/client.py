"""What the services ask of the door. Whether it is a process of root's or nobody is its own matter.

Unfenced, and for root itself (`stratum down`), the same code runs here, in process; only steps run
in a fork, which outlives its caller just long enough to end what the step has started.
"""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from stratum.door import sockets, wire
from stratum.door.errors import StepOverLimit, StepTimedOut
from stratum.door.leash import Leash
from stratum.errors import DoorLost, DoorUnavailable
from stratum.fence import Fence
from stratum.layout import Layout

Key = tuple[int, int]
Stray = tuple[int, int, str]
# A request whose work has an end of its own is refused before (`folders.LIMIT_S`, `ending.LIMIT_S`).
ANSWER_S = 720.0
READY_S = 2.0  # it takes a fork; on a busy machine it is asked again
_FAILED_BEFORE_ANSWER = "The door closed the connection without an answer."


class Door:
    """The door of one instance. Holds no connection; may be kept and shared by threads.

    Every method raises DoorUnavailable when the door does not answer, or refuses: with the reason.
    """

    def __init__(
        self, layout: Layout, fence: Fence, *, in_process: bool | None = None, answer_s: float = ANSWER_S
    ) -> None:
        """Take the instance.

        Args:
            in_process: None: in process when unfenced, or when we are root at the time.
            answer_s: how long a server may take for anything but a step, which has its own limit.
        """
        self._layout, self._fence = layout, fence
        self._chosen, self._answer_s = in_process, answer_s

    # -- builds
    def prepare(self, app_id: int) -> None:
        """Make the folders of an app that belong to others: scratch, cache, slugs, releases, logs."""
        self._ask("prepare", app_id=app_id)

    def run(  # noqa: PLR0913 - one step has these sides, and they are named
        self,
        app_id: int,
        number: int,
        step: str,
        env: Mapping[str, str],
        *,
        stdout: int,
        stdin: int | None = None,
        timeout_s: float = 1800.0,
        leash: Leash | None = None,
    ) -> int:
        """Run a step of `stratum.door.steps` in a build's source folder, and wait for it.

        Nothing that it started is left when this returns, or when the caller is killed meanwhile.

        Args:
            env: all of its environment but HOME, TMPDIR, UV_*, and PATH if it has none.
            stdout: open file for its standard output and error.
            stdin: open file; None: empty.
            leash: by which another thread may end it; what was ended so is a DoorUnavailable.

        Returns:
            Its exit code; 128 + n when signal n ended it.

        Raises:
            StepTimedOut: `timeout_s` was over first.
            StepOverLimit: it used more of the machine than it may.
        """
        args = {"app_id": app_id, "number": number, "step": step, "env": dict(env), "timeout_s": timeout_s}
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            with self._connect(fork=True) as connection, (leash or Leash()).on(connection):
                fds = (null if stdin is None else stdin, stdout, stdout)
                answer = _exchange(connection, {"ask": "run", "args": args}, fds)
        finally:
            os.close(null)
        code = answer["exit_code"] if isinstance(answer, dict) else None
        if isinstance(answer, dict) and answer["over"]:
            raise StepOverLimit(step, *answer["over"])
        if code is None:
            raise StepTimedOut(step, timeout_s)
        return int(code)

    def seal(self, app_id: int, number: int, digest: str) -> None:
        """Make a build's source the slug of that digest; one that is there and has it is kept."""
        self._ask("seal", app_id=app_id, number=number, digest=digest)

    def flush(self, app_id: int, number: int) -> None:
        """Have on the disk what a build has written until now; it may go on meanwhile."""
        self._ask("flush", app_id=app_id, number=number)

    def discard(self, app_id: int, number: int) -> None:
        """Remove a build's scratch, and end what still works in it; none being there is fine.

        It takes no longer however much there is: what is left is out of the way, for `sweep`.
        """
        self._ask("discard", app_id=app_id, number=number)

    def sweep(self, app_id: int) -> bool:
        """Remove the scratch of all builds of an app, none of which may be at work.

        Returns:
            Whether all of it is erased, and all else that was to be; if not, see `erase_left`.
        """
        return bool(self._ask("sweep", app_id=app_id))

    def erase_left(self, app_id: int) -> bool:
        """Erase for some seconds what was removed, unless a step begins; False when more is left."""
        return bool(self._ask("erase_left", app_id=app_id))

    def empty_cache(self, app_id: int) -> None:
        """Remove all that an app's builds have kept, none of which may be at work; see `sweep`."""
        self._ask("empty_cache", app_id=app_id)

    def has_slug(self, app_id: int, digest: str) -> bool:
        """Whether a slug is in its place."""
        return bool(self._ask("has_slug", app_id=app_id, digest=digest))

    def slug_digest(self, app_id: int, digest: str) -> str:
        """Compute anew what a slug's name should be; empty when none is there. Reads all of it."""
        return str(self._ask("slug_digest", app_id=app_id, digest=digest))

    def drop_slug(self, app_id: int, digest: str) -> None:
        """Remove a slug; none being there is fine. It is erased by `sweep`."""
        self._ask("drop_slug", app_id=app_id, digest=digest)

    def destroy(self, app_id: int) -> None:
        """Remove all that `prepare` and builds have made for an app, and end what works there."""
        self._ask("destroy", app_id=app_id)

    # -- releases
    def open_release(self, app_id: int, version: int, digest: str, mounts: Mapping[str, str]) -> str:
        """Make the folder that a release runs from, and all that `prepare` makes; one that is there is kept.

        Args:
            digest: of the slug that it is a copy of.
            mounts: name of a volume → path in the folder.

        Returns:
            Why it cannot be made, without a full stop; empty when it is there.
        """
        args = {"app_id": app_id, "version": version, "digest": digest, "mounts": dict(mounts)}
        return str(self._ask("open_release", **args))

    def keep_releases(self, app_id: int, versions: Collection[int]) -> None:
        """Take the folders of all releases of an app but these, in which processes may run, out of the way.

        It takes no longer however much there is: `erase_releases` erases it.
        """
        self._ask("keep_releases", app_id=app_id, versions=sorted(versions))

    def erase_releases(self, app_id: int) -> None:
        """Erase what `keep_releases` and `keep_sites` have taken out of the way; nobody need wait for it."""
        self._ask("erase_releases", app_id=app_id)

    def release_versions(self) -> dict[int, set[int]]:
        """App id → versions of whose releases there is a folder; 0 for what is of none, and to be erased."""
        answer = self._ask("release_versions")
        rows = answer if isinstance(answer, list) else []
        return {int(app_id): set(versions) for app_id, versions in rows}

    def publish_site(self, app_id: int, version: int, digest: str) -> tuple[str, str]:
        """Make the folder that the router serves a release's site from; one that is there is kept.

        Args:
            digest: of the slug that holds the site.

        Returns:
            What the slug says of how it is served (`stratum.site.parse`), unchecked; and why it cannot
            be served, without a full stop, empty when it can.
        """
        answer = self._ask("publish_site", app_id=app_id, version=version, digest=digest)
        asked, why = answer if isinstance(answer, list | tuple) else ("", "the door gave no answer")
        return str(asked), str(why)

    def keep_sites(self, app_id: int, versions: Collection[int]) -> None:
        """Take the sites of all releases of an app but these out of the way, for `erase_releases`."""
        self._ask("keep_sites", app_id=app_id, versions=sorted(versions))

    def settle_releases(self) -> None:
        """Have the folders of releases of all apps on disk."""
        self._ask("settle_releases")

    # -- storage
    def make_volume(self, app_id: int, volume: str) -> None:
        """Make the folder of a volume; one that is there stays as it is."""
        self._ask("make_volume", app_id=app_id, volume=volume)

    def volume_sizes(self, app_id: int) -> dict[str, int | None]:
        """Return the bytes of disk that each volume of an app takes; None where counting takes too long."""
        answer = self._ask("volume_sizes", app_id=app_id)
        return answer if isinstance(answer, dict) else {}

    def empty_volume(self, app_id: int, volume: str) -> bool:
        """Remove a volume with its data; False when that takes longer, and goes on when asked again."""
        return bool(self._ask("empty_volume", app_id=app_id, volume=volume))

    # -- questions about processes
    def listeners(self, pid: int, port: int) -> bool:
        """Whether a process, its tree or its session listens on a TCP port."""
        if not sockets.listening(port):  # world-readable: a probe that waits costs the door nothing
            return False
        return bool(self._ask("listeners", pid=pid, port=port))

    def check(self, app_id: int, process: str, timeout_s: int) -> tuple[int | None, str]:
        """Run the command of a description once, as a process of its app would run.

        Args:
            process: name of the description.

        Returns:
            Its exit code, None when it took longer, and the last of what it printed.
        """
        answer = self._ask("check", app_id=app_id, process=process, timeout_s=timeout_s)
        code, said = answer if isinstance(answer, list | tuple) else (None, "")
        return None if code is None else int(code), str(said)

    def established(self, port: int) -> int:
        """Count the TCP connections whose local end is a port."""
        return sockets.established(port)

    def tree(self, pid: int) -> list[Key]:
        """List a process, its tree and its session as (pid, start time), for a later `end_tree`."""
        return [(pid, start) for pid, start in _rows(self._ask("tree", pid=pid))]

    def apps_with_strays(self, live: Mapping[int, Mapping[str, int]]) -> list[int]:
        """Tell for which apps `end_strays` would end something, by one look at all processes.

        Args:
            live: app id → live names, each with the pid that supervisord has started under it, or 0.
        """
        answer = self._ask("apps_with_strays", live={app_id: dict(names) for app_id, names in live.items()})
        return [int(app_id) for app_id in answer] if isinstance(answer, list) else []

    # -- ends of processes; each returns (pid, start time, name by its mark) of what it ended
    def end_strays(
        self, app_id: int, live: Collection[str], leaders: Mapping[str, int] | None = None
    ) -> list[Stray]:
        """End all of an app's processes that belong to none of the live ones, or to an earlier life of one.

        Fenced, the uid tells what is the app's. Unfenced it is the mark, so a process that has left
        its tree and its session and shed its environment is not found.

        Args:
            live: readable names of all processes that may run, those that supervisord starts
                again meanwhile included.
            leaders: live name → pid that supervisord has started under it, where that is known: what
                carries the name and is older was left by one that has ended.
        """
        return _strays(self._ask("end_strays", app_id=app_id, live=sorted(live), leaders=dict(leaders or {})))

    def end_all_strays(self) -> list[Stray]:
        """End every process of every app and build; for a host whose supervisord is down."""
        return _strays(self._ask("end_all_strays"))

    def end_tree(self, name: str, seen: Sequence[Key] = ()) -> list[Stray]:
        """End what carries a process's name, or belongs to what does.

        Args:
            name: readable name of the process.
            seen: `tree` of it from before its stop: what has shed its environment is in there.
        """
        return _strays(self._ask("end_tree", name=name, seen=list(seen)))

    def is_there(self) -> bool:
        """Whether it takes orders; never raises.

        It is asked: who was just killed still lets us connect until it has gone.
        """
        if self._is_in_process():
            return True
        try:
            with self._connect() as connection:
                connection.settimeout(READY_S)
                _exchange(connection, {"ask": "ready", "args": {}})
        except DoorUnavailable:
            return False
        return True

    def _is_in_process(self) -> bool:
        if self._chosen is not None:
            return self._chosen
        return not self._fence.fenced or os.geteuid() == 0

    def _ask(self, request: str, /, **args: object) -> object:
        if self._is_in_process():
            return self._do(request, args)
        with self._connect() as connection:
            connection.settimeout(self._answer_s)
            return _exchange(connection, {"ask": request, "args": args})

    def _do(self, request: str, args: Mapping[str, object]) -> object:
        from stratum.door import ending, requests  # not needed where there is a server

        try:
            return requests.answer(self._layout, self._fence, request, args)
        except ending.WillNotEnd as error:
            message = f"{request}: processes do not end, even when killed."
            raise DoorUnavailable(message) from error
        except OSError as error:
            message = f"{request}: {error}."
            raise DoorUnavailable(message) from error

    def _connect(self, *, fork: bool = False) -> socket.socket:
        if fork and self._is_in_process():
            return self._forked()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._layout.door_socket))
        except OSError as error:
            connection.close()
            message = f"The door does not answer at {self._layout.door_socket}: {error}."
            raise DoorLost(message, "See logs/services/_door.log.") from error
        return connection

    def _forked(self) -> socket.socket:
        """Make a handler of our own."""
        from stratum.door import handler

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.fork() == 0:
            handler.handle_detached(theirs, self._layout, self._fence)
        theirs.close()
        return ours


def _exchange(connection: socket.socket, message: Mapping[str, object], fds: Sequence[int] = ()) -> object:
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have refused before it had all
            wire.send(connection, message, fds)
        answer, _ = wire.receive(connection)
    except TimeoutError as error:
        late = f"The door has not answered within {connection.gettimeout():g} s."
        raise DoorUnavailable(late) from error
    except (OSError, wire.Broken) as error:
        raise DoorLost(_FAILED_BEFORE_ANSWER) from error
    if "refused" in answer:
        raise DoorUnavailable(str(answer["refused"]))
    return answer.get("answer")


def _rows(answer: object) -> list[Sequence[int]]:
    return list(answer) if isinstance(answer, list) else []


def _strays(answer: object) -> list[Stray]:
    rows = answer if isinstance(answer, list) else []
    return [(int(pid), int(start), str(name)) for pid, start, name in rows]
