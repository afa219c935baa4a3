"""A push, served: git's bytes both ways, its hooks' questions answered, the build's log appended.

Until the pre-receive hook is told "yes", a client that goes ends the push, politely: refuse, let git
tidy up, only then end it. From there to git's report of the moved refs nothing is sent, so that nothing about
the client can stop an accepted push; what follows is only for the client's eyes.
"""

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from gitserver.git import programs, reasons, report
from gitserver.git.arrivals import FOLLOWED, size_of, unfit
from gitserver.git.body import Body
from gitserver.git.client import Client
from gitserver.git.commands import Head
from gitserver.git.exchange import Exchange
from gitserver.git.follow import KEEPALIVE_S, Following
from gitserver.git.hookpipe import HookPipe, Question
from gitserver.git.limits import Limits
from gitserver.git.pktline import FLUSH, KEEPALIVE, PROGRESS, side_band
from gitserver.git.repos import Received, ensure_repo
from hooks import quota
from hooks.care import receiving
from hooks.parts import Parts
from hooks.policy import Refusal, detail, short, step
from hooks.reception import Reception
from hooks.turn import PATIENCE_S
from hooks.verdict import Offer, Pusher, Verdict, refused, refused_for
from stratum.buildlog import follow_command
from stratum.errors import StratumError
from stratum.faults import reach
from stratum.model import App, Build
from stratum.ownership import process_name

log = logging.getLogger(__name__)

MAX_HELD = 1 << 20  # of git's progress; a million objects may each have their warning
TURN_LOOK_S = 0.5  # how long a client may be gone unseen while its push waits for the app's turn
_DECLINED = "pre-receive hook declined"  # git's words in its report


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request that pushes.

    Attributes:
        size: bytes of the body as announced; None: it comes in chunks.
    """

    app: App
    pusher: Pusher
    head: Head
    body: Body
    client: Client
    version: str  # GIT_PROTOCOL
    size: int | None


def serve(parts: Parts, following: Following, push: Incoming) -> "Answer":
    """Give the response's body; git starts when its first piece is asked for.

    Raises:
        Unavailable: there is no repository yet, and none can be made.
    """
    return Answer(parts, following, push, ensure_repo(parts.instance, push.app))


class Answer:
    """The body of the response to a push; closed once it has been sent, or cannot be.

    What nobody waits for is done then: a push that deploys nothing is journaled and its refs have moved, so
    that its acceptance can be found out again.
    """

    def __init__(self, parts: Parts, following: Following, push: Incoming, repo: Path) -> None:
        self._parts, self._following, self._push = parts, following, push
        self._repo = repo
        self._session = ExitStack()
        self._pieces = self._served()

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces; once."""
        return self._pieces

    def close(self) -> None:
        """Bring the push to its end, whoever still listens."""
        try:
            self._pieces.close()
        finally:
            self._session.close()

    def _served(self) -> Generator[bytes]:
        self._session.enter_context(receiving(self._repo))
        session = _Session(self._parts, self._following, self._push, self._repo)
        self._session.callback(session.close)
        report = yield from session.relay()
        if not session.has_more_to_tell:
            yield report + session.farewell()
            reach("receive.reported")
            return
        yield report
        reach("receive.reported")
        self._session.close()
        if self._push.head.side_band:
            yield from session.told()
            yield FLUSH


class _Session:
    """git, its hooks and the reception of one push."""

    def __init__(self, parts: Parts, following: Following, push: Incoming, repo: Path) -> None:
        self._parts, self._following, self._push = parts, following, push
        self._pipe = HookPipe()
        self._reception = Reception(parts, push.app, push.pusher)
        self._answer = report.Answer(push.head)
        self._verdict = Verdict(taken=False)
        self._deciding = False  # between "yes" and the refs' moves: say nothing
        self._held = b""
        self._lines: tuple[str, ...] = ()  # to be said after the report
        self._question: Question | None = None  # which waits for its answer
        self._gated: Build | None = None  # the build that the answer waits for
        self._exchange: Exchange | None = None
        try:
            self._exchange = self._started(repo)
        finally:
            self._pipe.started()
            if self._exchange is None:
                self._pipe.close()
        reach("receive.began")

    def relay(self) -> Generator[bytes, None, bytes]:
        """Pass on what git says; return its report in our words, with what it said last.

        Each piece of the answer is a packet for the router and for the client, which wake for it.
        """
        assert self._exchange is not None
        while (output := self._exchange.step()) is not None:
            self._hold(self._answer.feed(output))
            if self._deciding and self._answer.is_whole:
                self._accept()
            if self._question is not None:
                yield from self._decided(self._question)
            if self._gated is not None:
                yield from self._await_build(self._gated)
            if self._held and not self._is_about_to_end and self._exchange.is_sent_all:
                output, self._held = self._held, b""
                yield output
        self._exchange.drain()
        return self._held + self._reported()

    @property
    def _is_about_to_end(self) -> bool:
        """Whether git moves refs, or has reported: it ends within milliseconds."""
        return self._deciding or self._answer.is_whole

    def _hold(self, progress: bytes) -> None:
        """Keep what git says until the client has sent all.

        A client reads nothing before that; and a router may read no more of a body once the answer has
        begun (Caddy 2.11: net/http, Server without EnableFullDuplex), and would cut or spoil the push.
        """
        if len(self._held) < MAX_HELD:
            self._held += progress

    @property
    def has_more_to_tell(self) -> bool:
        """Whether something follows the report that only the end of the reception tells."""
        return not self._verdict.taken or self._reception.deploys

    def farewell(self) -> bytes:
        """Tell what else is to be said of a push that nothing follows from."""
        return b"".join((*_said(self._lines), FLUSH)) if self._push.head.side_band else b""

    def told(self) -> Iterator[bytes]:
        """Tell what follows from the push, in packets of the progress band."""
        yield from _said(self._lines)
        build = self._reception.build
        if build is None:
            return
        yield from _said((step(f"Receiving {self._push.app.name} from {build.commit[:7]}"),))
        reach("receive.followed")
        if self._reception.options.detach:
            yield from _said(_detached(self._push.app, build))
        else:
            yield from self._followed(build)

    def close(self) -> None:
        """Bring the push to its end, whoever still listens."""
        if self._exchange is None:
            return
        with ExitStack() as ends:
            ends.callback(self._pipe.close)
            ends.callback(self._reception.close)
            ends.callback(self._exchange.close)
            self._exchange.abandon()
            while self._exchange.step() is not None:
                if self._question is not None:  # of a client that is gone
                    self._answer_hook(Verdict(taken=False))

    def _started(self, repo: Path) -> Exchange:
        push, instance = self._push, self._parts.instance
        push_bytes = quota.limits(instance, push.app).push_bytes
        exchange = Exchange(
            programs.argv(instance, programs.RECEIVE, repo, received=Received(push.app, push.size)),
            {**programs.environ(instance, push.pusher.name, push.version), **self._pipe.environ()},
            _whole(push),
            push.client,
            self._pipe.child_ends(),
            limits=replace(Limits.of(instance.settings), file_bytes=2 * push_bytes),
        )
        exchange.watch(self._pipe.fileno(), self._hear)
        return exchange

    # -- what is told
    def _reported(self) -> bytes:
        """Frame the report; nothing when git was told "yes" and ended before it said what it did."""
        head = self._push.head
        found = report.all_taken(head) if self._verdict.repeated else self._answer.report
        if found is None and not self._verdict.taken:
            found = report.none_taken(head)
        return b"" if found is None else report.framed(head, found.told(self._reason))

    def _reason(self, ref: str, words: str) -> str:
        if words == _DECLINED:
            return reasons.one_line(self._verdict.reason(ref))
        if words == report.UNPACKER_ERROR:
            return self._reason_of_pack()
        return reasons.of_ref(words)

    def _reason_of_pack(self) -> str:
        assert self._exchange is not None
        instance = self._parts.instance
        if self._exchange.was_too_slow:
            return reasons.TOO_SLOW
        if self._exchange.has_timed_out:
            return reasons.of_time(instance.settings.git_timeout_s)
        if reasons.is_too_large(self._answer.said):
            return reasons.one_line(str(quota.too_large(instance, self._push.app)).rstrip("."))
        found = self._answer.report
        return reasons.of_pack(self._answer.said, "" if found is None else found.unpack)

    def _await_build(self, build: Build) -> Iterator[bytes]:
        """Show a gated build; the hook's answer waits for its end, and git for that."""
        assert self._exchange is not None
        self._gated = None
        self._exchange.pause()
        try:
            if self._push.head.side_band:
                yield from _said((step(f"Building {build.commit[:7]} before the ref moves"),))
            yield from self._followed(build)
            yield from self._waited()
        finally:  # also when what was said could not be sent: git and its hook still wait
            self._exchange.resume()
            self._answer_hook(self._reception.built())

    def _followed(self, build: Build) -> Iterator[bytes]:
        for lines in self._following.follow(self._push.app, build, self._push.client):
            if self._push.head.side_band:
                yield from side_band(PROGRESS, lines) if lines else (KEEPALIVE,)

    # -- what the hooks ask
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
        self._exchange.has_enough()
        reach("receive.asked")
        self._question = question

    def _decided(self, question: Question) -> Iterator[bytes]:
        """Answer, once the app's turn has come."""
        assert self._exchange is not None
        head = self._push.head
        receive = process_name(self._exchange.pid)
        offer = Offer(question.updates, question.quarantine, receive, 0, head.options, head.shallow)
        try:
            offer = replace(offer, size=size_of(self._push.app, offer.quarantine))
            verdict = self._unfit(offer)
        except StratumError as error:
            verdict = refused_for(error)
        self._exchange.pause()
        try:
            if verdict is None:
                yield from self._waited()
        finally:
            self._exchange.resume()
            if self._push.client.is_gone():
                verdict = Verdict(taken=False)
            self._answer_hook(verdict or self._reception.offered(offer))

    def _waited(self) -> Iterator[bytes]:
        """Wait until the app's turn has come, or the client is gone, or it is too late."""
        silent_since = began = time.monotonic()
        while not self._reception.wait(TURN_LOOK_S):
            now = time.monotonic()
            if self._push.client.is_gone() or now - began > PATIENCE_S:
                return
            if now - silent_since >= KEEPALIVE_S and self._push.head.side_band:
                silent_since = now
                yield KEEPALIVE

    def _accept(self) -> None:
        """Record what git says that it has done, while it ends; what it does not say `close` finds out."""
        found = self._answer.report
        if found is not None:
            self._lines = self._reception.moved(found.moved, found.refused)
        self._deciding = False
        self._reception.nudge()

    def _unfit(self, offer: Offer) -> Verdict | None:
        """Refuse what needs no look at the app.

        Raises:
            Unavailable: what was sent cannot be read.
        """
        left_out = {update.ref for update in self._push.head.updates} - {u.ref for u in offer.updates}
        if left_out:
            reason = "git does not take it, and a push is taken whole or not at all"
            return refused([Refusal(ref, reason) for ref in sorted(left_out)])
        assert self._exchange is not None
        sent = self._exchange.fed - len(self._push.head.raw)
        if offer.quarantine and self._exchange.has_surplus:
            return refused([FOLLOWED])
        return unfit(self._parts.instance, self._push.app, offer, sent)

    def _answer_hook(self, verdict: Verdict) -> None:
        """Let git go on, one way or the other, unless a build comes first."""
        assert self._exchange is not None
        self._verdict, self._gated, self._question = verdict, verdict.gated, None
        self._deciding = verdict.taken
        if verdict.taken:  # from now on only git itself ends it
            self._exchange.pause()
            if self._push.head.side_band:  # the hook would read it byte by byte, and git pass it on
                self._hold(b"".join(_said(verdict.lines)))
        refs = ", ".join(short(update.ref) for update in self._push.head.updates[:3])
        log.info(
            "push by %s to %s of %r: %s", self._push.pusher.name, self._push.app.label, refs, _word(verdict)
        )
        if verdict.gated is None:
            self._pipe.answer(0 if verdict.taken else 1, () if verdict.taken else verdict.lines)
            reach("receive.answered")


def _word(verdict: Verdict) -> str:
    if verdict.gated is not None:
        return "gated"
    return "taken" if verdict.taken else "repeated" if verdict.repeated else "refused"


def _detached(app: App, build: Build) -> tuple[str, ...]:
    return (
        step(f"Build #{build.number} is queued"),
        detail(f"To follow it: {follow_command(app.environment.name, app.name, build.number)}"),
    )


def _said(lines: tuple[str, ...]) -> Iterator[bytes]:
    return side_band(PROGRESS, "".join(f"{line}\n" for line in lines).encode())


def _whole(push: Incoming) -> Iterator[bytes]:
    yield push.head.raw
    yield from push.body.rest()
