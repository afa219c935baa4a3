"""One push, from git's question whether to take it to the build that it causes.

The app's push lock is held from before the journal row is written until the push is accepted. So
builds are queued in the order in which refs moved, a pending row found under the lock is one that a
crash left, and a ref that is where a push found it moves by that push or not at all.
"""

import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from hooks.policy import Judgement, bang, judge, short
from hooks.refs import read_ref
from hooks.settle import accept, point_head_of, settle_held
from stratum.errors import Conflict, NotFound, ProcfileInvalid, StratumError
from stratum.faults import reach
from stratum.git import Commit, read_procfile
from stratum.instance import Instance
from stratum.model import App, Build, PushState, RefUpdate
from stratum.ownership import exclusive, process_name, this_process
from stratum.queue import Nudges
from stratum.store import Database, builds, environments, pushes

log = logging.getLogger(__name__)

LOCK_PATIENCE_S = 30.0  # for another push of the app; its part under the lock takes milliseconds
ORPHAN_PATIENCE_S = 5.0  # for the git of a web process that was killed
POLL_S = 0.005

UNCHANGED = bang("The push is rejected; nothing was changed, and what runs keeps running.")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reception works with."""

    instance: Instance
    database: Database
    nudges: Nudges


@dataclass(frozen=True, slots=True)
class Offer:
    """What git has received and asks about.

    Attributes:
        quarantine: folder of the objects sent; empty when none were.
        receive_pid: the process that will move the refs.
    """

    updates: tuple[RefUpdate, ...]
    quarantine: str
    receive_pid: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an offer.

    Attributes:
        lines: for the pusher, in the form of a build log.
        repeated: it is a push that was accepted before, sent again because its answer was lost:
            git must not take it, yet the pusher is to be told that it is done.
    """

    taken: bool
    lines: tuple[str, ...] = ()
    repeated: bool = False


class Reception:
    """Takes one push. Call `offered`, then `moved`, then `close`; the latter whatever happens."""

    def __init__(self, parts: Parts, app: App, who: str) -> None:
        self._parts, self._app, self._who = parts, app, who
        self._layout = parts.instance.layout
        self._lock = ExitStack()
        self._journaled: dict[str, int] = {}  # ref → push id
        self.build: Build | None = None  # what the push, or the one that it repeats, caused

    def offered(self, offer: Offer) -> Verdict:
        """Decide whether git may move the refs; never raises."""
        try:
            verdict = self._decide(offer)
        except ProcfileInvalid as error:
            verdict = _refused(*(str(problem) for problem in error.problems))
        except StratumError as error:
            verdict = _refused(error.message, error.hint)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("internal error %s in a push to %s", number, self._app.label)
            verdict = _refused(f"Internal error {number}; its cause is in the server's log.")
        if not verdict.taken:
            self._lock.close()
        return verdict

    def moved(self, updates: Iterable[RefUpdate]) -> tuple[str, ...]:
        """Accept the updates that git has made and queue the build; return lines for the pusher.

        When the database fails now the rows stay pending, and the reconciler accepts them.
        """
        reach("receive.moved")
        refs = {update.ref for update in updates}
        try:
            self._accept(refs)
        except StratumError as error:
            log.exception("push to %s is stored but not yet accepted", self._app.label)
            return (bang(f"The push is stored; its build follows once this is mended: {error}"),)
        finally:
            self._journaled = {}
            self._lock.close()
        reach("receive.accepted")
        return ()

    def nudge(self) -> None:
        """Have the build begin."""
        if self.build is not None:
            self._parts.nudges.build(self._app.id)
            reach("receive.nudged")

    def close(self) -> None:
        """End the reception; git has ended too. What it journaled but git did not do is rejected."""
        try:
            if self._journaled:
                settle_held(self._parts.instance, self._parts.database, self._app.id)
        except StratumError as error:
            log.warning("push to %s is left to the reconciler: %s", self._app.label, error)
        finally:
            self._journaled = {}
            self._lock.close()

    # -- before
    def _decide(self, offer: Offer) -> Verdict:
        self._take_lock()
        if self._look_again():
            self._settle_earlier()
            self._look_again()
        judgement = judge(self._app, offer.updates)
        if judgement.refusals:
            return Verdict(taken=False, lines=(*judgement.refusals, UNCHANGED))
        if self._is_repeated(offer.updates):
            return Verdict(taken=False, repeated=True)
        self._check_places(offer.updates)
        self._check_procfile(judgement, offer)
        reach("receive.checked")
        self._journal(judgement, offer)
        reach("receive.journaled")
        return Verdict(taken=True, lines=judgement.notes)

    def _take_lock(self) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not self._lock.enter_context(exclusive(self._layout.push_lock(self._app.id))):
            self._lock.close()
            if time.monotonic() > deadline:
                message = f"Another push to {self._app.name} is under way."
                raise Conflict(message, "Try again in a moment.")
            time.sleep(POLL_S)

    def _settle_earlier(self) -> None:
        """Find out what became of pushes that a crash cut, so that this one comes after them."""
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        while True:
            found, at_work = settle_held(self._parts.instance, self._parts.database, self._app.id)
            if found:
                self._parts.nudges.build(self._app.id)
            if not at_work:
                return
            if time.monotonic() > deadline:
                message = f"An earlier push to {self._app.name} is still being finished."
                raise Conflict(message, "Try again in a moment.")
            time.sleep(POLL_S)

    def _look_again(self) -> bool:
        """Read the app as it is now, under the lock; whether pushes of it are pending."""
        with self._parts.database.read() as tx:
            app = environments.get_app(tx, self._app.id)
            pending = pushes.pending(tx, self._app.id)
        if app is None or app.destroying:
            raise NotFound("app", self._app.label)
        self._app = app
        return bool(pending)

    def _is_repeated(self, updates: Sequence[RefUpdate]) -> bool:
        """Whether this very push has been accepted: git clients repeat a request whose answer was lost."""
        repo = self._layout.repo(self._app.id)
        if any(read_ref(repo, update.ref) != update.new for update in updates):
            return False
        with self._parts.database.read() as tx:
            rows = [pushes.newest(tx, self._app.id, update.ref) for update in updates]
            for update, row in zip(updates, rows, strict=True):
                if row is None or (row.update, row.who, row.state) != (update, self._who, PushState.ACCEPTED):
                    return False
            found = [builds.build_of_push(tx, row.id) for row in rows if row is not None]
        self.build = next((build for build in found if build is not None), None)
        log.info("push to %s by %s was repeated", self._app.label, self._who)
        return True

    def _check_places(self, updates: Sequence[RefUpdate]) -> None:
        repo = self._layout.repo(self._app.id)
        for update in updates:
            if read_ref(repo, update.ref) != update.old:
                message = f"{short(update.ref)} has moved since you looked: somebody else pushed to it."
                raise Conflict(message, "Fetch first, then push again.")

    def _check_procfile(self, judgement: Judgement, offer: Offer) -> None:
        if judgement.deploying is None:
            return
        repo = self._layout.repo(self._app.id)
        inside = {
            "GIT_OBJECT_DIRECTORY": offer.quarantine,
            "GIT_QUARANTINE_PATH": offer.quarantine,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repo / "objects"),
        }
        commit = Commit(repo, judgement.deploying.new, inside if offer.quarantine else {})
        read_procfile(commit, self._app.environment.stage)

    def _journal(self, judgement: Judgement, offer: Offer) -> None:
        rows = [(update, update == judgement.deploying) for update in offer.updates]
        processes = {"web_process": this_process(), "receive_process": process_name(offer.receive_pid)}
        with self._parts.database.write() as tx:
            ids = pushes.journal(tx, self._app.id, rows, self._who, **processes)
        self._journaled = {update.ref: push for update, push in zip(offer.updates, ids, strict=True)}

    # -- after
    def _accept(self, refs: set[str]) -> None:
        with self._parts.database.write() as tx:
            built = accept(tx, [push_id for ref, push_id in self._journaled.items() if ref in refs])
            if unmoved := [push_id for ref, push_id in self._journaled.items() if ref not in refs]:
                pushes.reject(tx, unmoved)
        self.build = built[0] if built else self.build
        if self.build is not None and self._app.deploy_branch is None:
            point_head_of(self._parts.instance, self._parts.database, self._app.id)


def _refused(*reasons: str) -> Verdict:
    return Verdict(taken=False, lines=(*(bang(reason) for reason in reasons if reason), UNCHANGED))
