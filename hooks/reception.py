"""One push, from git's question whether to take it to the build that it causes.

The app's push lock is held from before the journal row is written until the push is accepted, or left to
be by the next one that has it (`hooks.left`). So builds are queued in the order in which refs moved, any
other pending row found under the lock is one that a crash left, and a ref that is where a push found it
moves by that push or not at all.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Sequence

from hooks import checks, gate, quota
from hooks.left import Moves, left, recorded
from hooks.options import PushOptions, parse
from hooks.parts import Parts
from hooks.planned import planned
from hooks.policy import Judgement, Refusal, bang, judge
from hooks.refs import read_ref, sync_names
from hooks.scales import check_scales
from hooks.settle import accept, keep_commits, point_head_of, settle_held
from hooks.targets import Pushed, targets_of
from hooks.turn import Turn
from hooks.verdict import Offer, Pusher, Verdict, refused, refused_for
from stratum.errors import LAST_LINES, Conflict, StratumError
from stratum.faults import reach
from stratum.model import App, Build, BuildState, PushState, RefUpdate
from stratum.ownership import this_process
from stratum.store import Transaction, builds, pushes, reserved, webhooks
from stratum.store.reserved import Reserved

log = logging.getLogger(__name__)


class Reception:
    """Takes one push. Call `offered`, then `moved`, then `close`; the latter whatever happens."""

    def __init__(self, parts: Parts, app: App, pusher: Pusher) -> None:
        self._parts, self._app, self._pusher = parts, app, pusher
        self._layout = parts.instance.layout
        self._turn = Turn(parts, app.id)
        self._journaled: dict[str, int] = {}  # ref → push id
        self._offer: Offer | None = None
        self._judgement: Judgement | None = None
        self._gated: Build | None = None  # until its push is accepted
        self.options = PushOptions()
        self.build: Build | None = None  # what the push, or the one that it repeats, caused

    def wait(self, patience_s: float) -> bool:
        """Wait for the app's turn, which `offered` and `built` need; whether it has come."""
        return self._turn.wait(patience_s)

    def offered(self, offer: Offer) -> Verdict:
        """Decide whether git may move the refs; never raises."""
        return self._guarded(lambda: self._decide(offer))

    def built(self) -> Verdict:
        """Decide the same once the gated build has ended, or the pusher is gone; never raises."""
        return self._guarded(self._decide_gated)

    def _guarded(self, decide: Callable[[], Verdict]) -> Verdict:
        try:
            verdict = decide()
        except StratumError as error:
            verdict = refused_for(error)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("internal error %s in a push to %s", number, self._app.label)
            reason = f"internal error {number}; its cause is in the server's log"
            verdict = refused([Refusal("", reason)])
        if not verdict.taken:
            self._turn.let_go()
        return verdict

    def moved(self, refs: Collection[str], refused: Collection[str]) -> tuple[str, ...]:
        """Accept the updates that git has made and queue the build; return lines for the pusher.

        When the database fails now the rows stay pending, and the reconciler accepts them. What deploys
        nothing is only brought to the disk here: nobody waits for its acceptance, so whoever has the turn
        next records it, or `close`.

        Args:
            refused: refs that git has not moved; of others `close` finds out.
        """
        reach("receive.moved")
        try:
            self._sync()
            if self.deploys:
                self._accept(refs, refused)
            else:
                self._leave(refs, refused)
        except StratumError as error:
            log.exception("push to %s is stored but not yet accepted", self._app.label)
            self._let_go()
            return (bang(f"The push is stored; its build follows once this is mended: {error}"),)
        if not self._journaled:
            self._let_go()
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
                found, _ = settle_held(self._parts.instance, self._parts.database, self._app.id)
                self.build = next(iter(found), self.build)
                self.nudge()
            elif self._gated is not None:
                gate.cancel(self._parts, self._gated, "The push that it was for was not taken.")
        except StratumError as error:
            log.warning("push to %s is left to the reconciler: %s", self._app.label, error)
        finally:
            self._let_go()
            self._record_left()

    def _record_left(self) -> None:
        try:
            self._turn.record()
        except StratumError as error:
            log.warning("pushes to %s are left to the reconciler: %s", self._app.label, error)

    def _let_go(self) -> None:
        """Leave what is not decided to the reconciler."""
        self._journaled = {}
        if self._gated is not None:
            gate.leave(self._gated)
        self._gated = None
        self._turn.let_go()

    # -- before
    def _decide(self, offer: Offer) -> Verdict:
        self._offer = offer
        self.options = parse(offer.options, is_webhook=self._pusher.is_webhook)
        self._app = self._turn.take()
        reach("receive.locked")
        judgement = self._judgement = judge(self._app, offer.updates)
        instance = self._parts.instance
        if refusals := self._unwelcome(judgement):
            return refused(refusals)
        if not self.options.plan and self._is_repeated(offer.updates):
            return Verdict(taken=False, repeated=True)
        checks.check_places(instance, self._app, offer.updates)
        if refusals := self._hindered(offer):
            return refused(refusals)
        self._check_room(offer)
        pushed = self._pushed(judgement, offer)
        reach("receive.checked")
        if self.options.plan:
            return planned(self._parts, self._app, judgement, pushed, self.options.build.scale)
        if judgement.deploying is not None and (self.options.gate or self._app.gate):
            return self._begin_gate(judgement.deploying, offer)
        return self._take(judgement, offer)

    def _unwelcome(self, judgement: Judgement) -> tuple[Refusal, ...]:
        refusals = checks.refusals(self._app, self._pusher, judgement)
        if refusals or judgement.deploying is None:
            return refusals
        with self._parts.database.read() as tx:
            owner = webhooks.owner_of_deploys(tx, self._app.id)
        ref = judgement.deploying.ref
        in_review = checks.not_for_review(self._app, self._pusher, ref)
        return in_review or checks.not_owner(self._pusher, ref, owner)

    def _hindered(self, offer: Offer) -> tuple[Refusal, ...]:
        instance = self._parts.instance
        in_the_way = checks.in_the_way(instance, self._app, offer.updates)
        return in_the_way or checks.not_forward(instance, self._app, offer)

    def _check_room(self, offer: Offer) -> None:
        error = quota.no_room(self._parts.instance, self._app, offer.size)
        if error is not None:
            raise error

    def _pushed(self, judgement: Judgement, offer: Offer) -> Pushed:
        if judgement.deploying is None:
            return Pushed()
        pushed = targets_of(self._parts, self._app, judgement.deploying, offer)
        check_scales(self._parts, self._app, self.options, pushed)
        return pushed

    def _take(self, judgement: Judgement, offer: Offer) -> Verdict:
        self._journal(judgement, offer)
        reach("receive.journaled")
        notes = (*judgement.notes, *checks.without_effect(self.options, judgement))
        return Verdict(taken=True, lines=notes)

    # -- gated
    def _begin_gate(self, deploying: RefUpdate, offer: Offer) -> Verdict:
        """Have it built first. Others may push meanwhile: whoever is ready first moves the ref."""
        options = self.options
        wanted = gate.Wanted(
            deploying.new, offer.quarantine, self._pusher.name, options.build, options.reserved
        )
        self._gated = gate.begin(self._parts, self._app, wanted)
        reach("receive.gated")
        return Verdict(taken=False, gated=self._gated)

    def _decide_gated(self) -> Verdict:
        assert self._gated is not None
        assert self._offer is not None
        reach("receive.built")
        self._app = self._turn.take()
        with self._parts.database.read() as tx:
            build = builds.get_build(tx, self._gated.id)
        if build.state is not BuildState.WAITING:
            return refused([Refusal("", _why_not(build), _what_next(build))])
        judgement = judge(self._app, self._offer.updates)
        if judgement != self._judgement:
            message = f"{self._app.name} was changed while build #{build.number} ran."
            raise Conflict(message, "Push again.")
        checks.check_places(self._parts.instance, self._app, self._offer.updates)
        if refusals := self._hindered(self._offer):
            return refused(refusals)
        self._check_room(self._offer)
        return self._take(judgement, self._offer)

    def _is_repeated(self, updates: Sequence[RefUpdate]) -> bool:
        """Whether this very push has been accepted: git clients repeat a request whose answer was lost."""
        repo = self._layout.repo(self._app.id)
        if any(read_ref(repo, update.ref) != update.new for update in updates):
            return False
        moved = left(self._parts.database, self._app.id).moved
        with self._parts.database.read() as tx:
            rows = [pushes.newest(tx, self._app.id, update.ref) for update in updates]
            for update, row in zip(updates, rows, strict=True):
                if row is None or row.update != update or row.who != self._pusher.name:
                    return False
                if row.state is not PushState.ACCEPTED and row.id not in moved:
                    return False
            found = [builds.build_of_push(tx, row.id) for row in rows if row is not None]
        self.build = next((build for build in found if build is not None), None)
        log.info("push to %s by %s was repeated", self._app.label, self._pusher.name)
        return True

    def _journal(self, judgement: Judgement, offer: Offer) -> None:
        rows = [(update, update == judgement.deploying) for update in offer.updates]
        db = self._parts.database
        with db.write() as tx:
            left(db, self._app.id).record(tx)
            ids = pushes.journal(
                tx,
                self._app.id,
                rows,
                self._pusher.name,
                web_process=this_process(),
                receive_process=offer.receive,
                options=self.options.build,
            )
            if judgement.deploying is not None:
                self._belong(tx, judgement.deploying, ids[offer.updates.index(judgement.deploying)])
        recorded(db, self._app.id)
        self._journaled = {update.ref: push for update, push in zip(offer.updates, ids, strict=True)}

    def _belong(self, tx: Transaction, deploying: RefUpdate, push_id: int) -> None:
        """Tie the push to its build, where that is there before."""
        if self._gated is not None:
            builds.belong(tx, self._gated.id, push_id)
        elif self.options.reserved is not None:
            reserved.belong(tx, Reserved(self._app.id, self.options.reserved), push_id, deploying.new)

    @property
    def deploys(self) -> bool:
        """Whether a build follows from it."""
        return self._judgement is not None and self._judgement.deploying is not None

    # -- after
    def _sync(self) -> None:
        assert self._offer is not None
        sync_names(self._layout.repo(self._app.id), self._offer.updates)

    def _leave(self, refs: Collection[str], refused: Collection[str]) -> None:
        """Leave the record to others, unless git has not told of all: then `close` finds it all out."""
        if self._journaled.keys() <= {*refs, *refused}:
            moves = Moves(self._ids(refs), self._ids(refused))
            self._journaled = {}
            self._turn.leave(moves)

    def _accept(self, refs: Collection[str], refused: Collection[str]) -> None:
        with self._parts.database.write() as tx:
            built = accept(tx, self._ids(refs))
            if unmoved := self._ids(refused):
                pushes.reject(tx, unmoved)
        self._journaled = {
            ref: push_id for ref, push_id in self._journaled.items() if ref not in {*refs, *refused}
        }
        self.build = built[0] if built else self.build
        reach("receive.accepted")
        if self.build is None:
            return
        keep_commits(self._layout.repo(self._app.id), [self.build])
        reach("receive.kept")
        if self._app.deploy_branch is None:
            point_head_of(self._parts.instance, self._parts.database, self._app.id)

    def _ids(self, refs: Collection[str]) -> tuple[int, ...]:
        return tuple(push_id for ref, push_id in self._journaled.items() if ref in refs)


def _why_not(build: Build) -> str:
    why = build.error.partition("\n")[0].removesuffix(LAST_LINES).rstrip(":. ") or "see its log"
    if build.state.is_terminal:
        return f"build #{build.number} {build.state}: {why}"
    return f"build #{build.number} was not waited for"


def _what_next(build: Build) -> str:
    return "Mend it, commit, and push again." if build.state is BuildState.FAILED else "Push again."
