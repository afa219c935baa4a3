"""A push as git offers it, and the answer: taken or not, and why, for git's report and for the pusher."""

from collections.abc import Sequence
from dataclasses import dataclass

from hooks.policy import Refusal, bang
from stratum.errors import FileInvalid, StratumError
from stratum.model import Build, RefUpdate

UNCHANGED = bang("The push is rejected; nothing was changed, and what runs keeps running.")
BESIDE = "refused with another ref of this push, which is taken whole or not at all"


@dataclass(frozen=True, slots=True)
class Pusher:
    """Who pushes.

    Attributes:
        may_deploy: else only what does not deploy may be pushed.
        is_webhook: whether it is a web hook, for which Stratum itself has fetched what is pushed.
    """

    name: str
    may_deploy: bool
    is_webhook: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What git has received and asks about, with all that can be known of it before the app's turn.

    Attributes:
        quarantine: folder of the objects sent; empty when none were.
        receive: name of the process that will move the refs.
        size: bytes of the objects sent.
        options: as given with `git push -o`.
        shallow: ids of commits whose parents the pusher lacks.
    """

    updates: tuple[RefUpdate, ...]
    quarantine: str
    receive: str
    size: int = 0
    options: tuple[str, ...] = ()
    shallow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an offer.

    Attributes:
        lines: for the pusher, in the form of a build log.
        refusals: why it is not taken.
        repeated: it is a push that was accepted before, sent again because its answer was lost:
            git must not take it, yet the pusher is to be told that it is done.
        gated: the build that decides; the answer is then that of `Reception.built`.
    """

    taken: bool
    lines: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    repeated: bool = False
    gated: Build | None = None

    def reason(self, ref: str) -> str:
        """Say in one clause why a ref does not move."""
        own = next((refusal.reason for refusal in self.refusals if refusal.ref in (ref, "")), "")
        return own or BESIDE


def refused(refusals: Sequence[Refusal]) -> Verdict:
    """Refuse for reasons."""
    lines = [line for refusal in refusals for line in refusal.lines()]
    return Verdict(taken=False, lines=(*lines, UNCHANGED), refusals=tuple(refusals))


def refused_for(error: StratumError) -> Verdict:
    """Refuse because something was raised."""
    if not isinstance(error, FileInvalid):
        return refused([Refusal("", error.message.rstrip("."), error.hint)])
    first, *others = error.problems
    more = f" (and {len(others)} more)" if others else ""
    lines = (*map(bang, error.lines()), UNCHANGED)
    return Verdict(taken=False, lines=lines, refusals=(Refusal("", str(first).rstrip(".") + more),))
