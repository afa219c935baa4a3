"""Having an app's buildpacks run: what they are told, and what came of it."""

import secrets
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from builder import answer
from builder.answer import Made
from builder.bench import Bench
from builder.driver import hooks
from builder.driver.order import Asked, Order
from builder.driver.road import NOTHING
from stratum import buildpacks
from stratum.buildpacks import Reference
from stratum.errors import BuildFailed, InvalidInput
from stratum.git import Commit, Entry
from stratum.store import buildpacks as pins

_ANSWER_S = 5.0  # for what is left in a socket whose other end is gone
_CHUNK = 1 << 16


def compile_app(bench: Bench, commit: Commit, variables: Mapping[str, str], *, wants_processes: bool) -> Made:
    """Run the buildpacks of an app on its unpacked commit, and pin those of a repository.

    Where there is nothing for them to run, none is started: that alone takes a tenth of a second.

    Args:
        variables: the app's own.
        wants_processes: there is no Procfile.

    Raises:
        BuildFailed: one of them failed, or none can be what was asked for.
    """
    found = commit.entries((*buildpacks.FILES, *buildpacks.detectable_files(), *hooks.FILES))
    asked = _asked(bench, commit, found, variables)
    if not asked and not found.keys() & {*hooks.BEFORE}:
        _check_packages(bench, found)
    if not asked and not found.keys() - {*buildpacks.FILES}:
        bench.narration.step(NOTHING)
        return answer.NOTHING
    mark = f"{secrets.token_hex(16)} "
    build = bench.build
    order = Order(
        mark,
        build.commit,
        f"{build.app_id}-{build.number}",
        asked,
        buildpacks.detection(),
        variables,
        bench.shop.instance.settings.build_cache_bytes,
        build.options.no_cache,
        wants_processes,
    )
    made = _run(bench, order)
    commits = newly_pinned(asked, made.pins or {})
    if commits:
        with bench.shop.db.write() as tx:
            pins.pin(tx, build.app_id, commits)
    return made


def newly_pinned(
    asked: Sequence[Asked], answered: Mapping[tuple[str, str], str]
) -> Mapping[tuple[str, str], str]:
    """Pick the pins to make: of what was asked for and had none when the build began.

    One that it had may have been forgotten since, so that the next build takes what is there then.
    """
    free = {(one.url, one.ref) for one in asked if one.url and not one.commit}
    return {place: commit for place, commit in answered.items() if place in free}


def _contents(commit: Commit, found: Mapping[str, Entry]) -> dict[str, bytes | None]:
    """Read the files that may ask for buildpacks; None for one that is too large.

    Raises:
        InvalidInput: one of them is no file.
    """
    files = {name: entry for name, entry in found.items() if name in buildpacks.FILES}
    for name, entry in files.items():
        if entry.fault:
            message = f"{name} cannot be read: {entry.fault}."
            raise InvalidInput(message, "Commit it as a file.")
    small = {name: entry for name, entry in files.items() if entry.size <= buildpacks.MAX_BYTES}
    return dict.fromkeys(files) | commit.contents(small)


def _check_packages(bench: Bench, found: Mapping[str, Entry]) -> None:
    """Refuse a link to nothing where packages are named: they would not be installed, and nobody told.

    Only what runs before the buildpacks could still make what it leads to.
    """
    bench.doing = "Choosing the buildpacks"
    for name in buildpacks.package_files():
        entry = found.get(name, Entry("blob"))
        if entry.fault and entry.kind != "tree":
            raise BuildFailed(
                bench.doing, f"{name} cannot be read: {entry.fault}.", hint="Commit it as a file."
            )


def _asked(
    bench: Bench, commit: Commit, found: Mapping[str, Entry], variables: Mapping[str, str]
) -> tuple[Asked, ...]:
    bench.doing = "Choosing the buildpacks"
    try:
        files = _contents(commit, found)
        where, wanted = buildpacks.asked_for(variables.get(buildpacks.VARIABLE, ""), files)
    except InvalidInput as error:
        raise BuildFailed(bench.doing, error.message, hint=error.hint) from error
    if where:
        bench.narration.step(f"Buildpacks of {where}: {', '.join(map(str, wanted))}")
    with bench.shop.db.read() as tx:
        pinned = {(pin.url, pin.ref): pin.commit for pin in pins.pins(tx, bench.build.app_id)}
    return tuple(_resolved(one, pinned) for one in wanted)


def _resolved(one: Reference, pinned: Mapping[tuple[str, str], str]) -> Asked:
    return Asked(one.name, one.url, one.ref, pinned.get((one.url, one.ref), ""))


def _run(bench: Bench, order: Order) -> Made:
    bench.doing = "Running the buildpacks"
    with _channel(order) as talk:
        try:
            bench.run("compile", stdin=talk.theirs.fileno(), mark=order.mark)
        except BuildFailed as failed:
            made = talk.answered()
            if not made.failure:
                raise
            raise _explained(failed, made.failure) from failed
        return talk.answered()


def _explained(failed: BuildFailed, failure: Mapping[str, str]) -> BuildFailed:
    doing, detail, mend = (failure[name] for name in ("doing", "detail", "mend"))
    if failed.exit_code is None:  # its time was over
        return BuildFailed(doing, failed.detail, hint=failed.hint, output=failed.output)
    if detail:
        return BuildFailed(doing, detail, hint=mend)
    return BuildFailed(doing, failed.detail, failed.exit_code, failed.hint or mend, failed.output)


@dataclass(slots=True)
class _Talk:
    """The socket that is the driver's standard input, with who tells and hears at this end."""

    theirs: socket.socket
    ours: socket.socket
    told: bytes
    heard: bytearray = field(default_factory=bytearray)

    def converse(self) -> None:
        """Say all, then hear all, up to what is too much."""
        try:
            self.ours.sendall(self.told)
            self.ours.shutdown(socket.SHUT_WR)
            while len(self.heard) <= answer.MAX_BYTES and (part := self.ours.recv(_CHUNK)):
                self.heard += part
        except OSError:
            return  # the step has ended without an answer

    def answered(self) -> Made:
        """Return what was answered, once the step has ended."""
        self.theirs.close()
        self.listener.join(_ANSWER_S)
        return answer.parse(bytes(self.heard))

    listener: threading.Thread = field(init=False)


@contextmanager
def _channel(order: Order) -> Iterator[_Talk]:
    ours, theirs = socket.socketpair()
    talk = _Talk(theirs, ours, order.encode())
    talk.listener = threading.Thread(target=talk.converse, name="driver")
    talk.listener.start()
    try:
        yield talk
    finally:
        theirs.close()
        ours.shutdown(socket.SHUT_RDWR)
        talk.listener.join()
        ours.close()
