"""A push, served: git's bytes both ways, its hooks' questions answered, the build's log appended.

Until the pre-receive hook is told "yes", a client that goes ends the push, politely: refuse, let git
tidy up, only then end it. From there to the post-receive hook nothing is sent, so that nothing about
the client can stop an accepted push; what follows is only for the client's eyes.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitserver.git import programs
from gitserver.git.body import Body
from gitserver.git.client import Client
from gitserver.git.commands import Head, report_of
from gitserver.git.exchange import Exchange
from gitserver.git.follow import Following
from gitserver.git.hookpipe import HookPipe, Question
from gitserver.git.pktline import FLUSH, KEEPALIVE, PROGRESS, TailKeeper, side_band
from gitserver.git.repos import ensure_repo
from hooks.policy import SHOWN, bang, short, step
from hooks.reception import UNCHANGED, Offer, Parts, Reception
from stratum.model import App, Build

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request that pushes."""

    app: App
    who: str
    head: Head
    body: Body
    client: Client
    version: str  # GIT_PROTOCOL


def serve(parts: Parts, following: Following, push: Incoming) -> Iterator[bytes]:
    """Give the response's body. Nothing is started before the first piece is asked for."""
    session = _Session(parts, push)
    try:
        yield from session.relay()
        if push.head.side_band and session.build is not None:
            yield from _told(following, push, session.build)
        yield session.tail
    finally:
        session.close()


def _told(following: Following, push: Incoming, build: Build) -> Iterator[bytes]:
    """Tell how the build goes, in packets of the progress band."""
    first = step(f"Receiving {push.app.name} from {build.commit[:7]}")
    yield from side_band(PROGRESS, first.encode() + b"\n")
    for lines in following.follow(build, push.client):
        if lines:
            yield from side_band(PROGRESS, lines)
        else:
            yield KEEPALIVE


class _Session:
    """git, its hooks and the reception of one push."""

    def __init__(self, parts: Parts, push: Incoming) -> None:
        self._push = push
        self._pipe = HookPipe()
        self._reception = Reception(parts, push.app, push.who)
        self._keeper = TailKeeper()
        self._deciding = False  # between "yes" and the refs' moves: say nothing
        self._repeated = False
        self._held = b""
        self._lines: tuple[str, ...] = ()  # to be said after what git says
        self._exchange: Exchange | None = None
        try:
            self._exchange = self._started(parts)
        finally:
            self._pipe.started()
            if self._exchange is None:
                self._pipe.close()

    @property
    def build(self) -> Build | None:
        """What the push caused, or the one that it repeats."""
        return self._reception.build

    @property
    def tail(self) -> bytes:
        """The flush that ends it all."""
        return self._keeper.tail

    def relay(self) -> Iterator[bytes]:
        """Pass on what git says, but for the flush at its end."""
        assert self._exchange is not None
        while (output := self._exchange.step()) is not None:
            if output := self._passed(output):
                yield output
        if self._repeated:
            yield from report_of(self._push.head)
            self._keeper.tail = FLUSH
        elif output := self._keeper.feed(self._held):
            yield output
        if self._lines and self._push.head.side_band:
            yield from side_band(PROGRESS, "".join(f"{line}\n" for line in self._lines).encode())

    def close(self) -> None:
        """Bring the push to its end, whoever still listens."""
        if self._exchange is None:
            return
        self._exchange.abandon()
        while self._exchange.step() is not None:
            pass
        self._exchange.close()
        self._reception.close()
        self._pipe.close()

    def _started(self, parts: Parts) -> Exchange:
        push, instance = self._push, parts.instance
        repo = ensure_repo(instance, push.app)
        exchange = Exchange(
            programs.argv(instance, programs.RECEIVE, repo),
            {**programs.environ(instance, push.who, push.version), **self._pipe.environ()},
            _whole(push),
            push.client,
            self._pipe.child_ends(),
        )
        exchange.watch(self._pipe.fileno(), self._hear)
        return exchange

    def _passed(self, output: bytes) -> bytes:
        """Choose what of git's output may go out now."""
        if self._repeated:
            return b""
        self._held += output
        if self._deciding:
            return b""
        output, self._held = self._held, b""
        return self._keeper.feed(output)

    def _hear(self) -> None:
        """Answer a hook."""
        assert self._exchange is not None
        try:
            question = self._pipe.read()
        except EOFError:
            self._exchange.unwatch(self._pipe.fileno())
            return
        if question is None:
            return
        if question.hook == "pre-receive":
            self._decide(question)
        else:
            self._pipe.answer(0)  # the refs have moved: git may end while we record it
            self._lines = self._reception.moved(question.updates)
            self._deciding = False
            self._reception.nudge()

    def _decide(self, question: Question) -> None:
        assert self._exchange is not None
        if self._push.client.is_gone():
            self._pipe.answer(1)
            return
        offered, asked = set(self._push.head.updates), set(question.updates)
        if offered != asked:
            self._pipe.answer(1, _not_all(sorted(update.ref for update in offered - asked)))
            return
        offer = Offer(question.updates, question.quarantine, self._exchange.pid)
        verdict = self._reception.offered(offer)
        self._deciding, self._repeated = verdict.taken, verdict.repeated
        refs = ", ".join(short(update.ref) for update in question.updates[:3])
        said = "taken" if verdict.taken else "repeated" if verdict.repeated else "refused"
        log.info("push by %s to %s of %r was %s", self._push.who, self._push.app.label, refs, said)
        self._pipe.answer(0 if verdict.taken else 1, verdict.lines)


def _not_all(refs: Sequence[str]) -> tuple[str, ...]:
    """Say which refs git has not asked about; git 2.39 asks about all, even those that it refuses."""
    names = ", ".join(refs[:SHOWN]) + (f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else "")
    return (bang(f"git does not take {names}. Push without: a push is taken whole or not at all."), UNCHANGED)


def _whole(push: Incoming) -> Iterator[bytes]:
    yield push.head.raw
    yield from push.body.rest()
