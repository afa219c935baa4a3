"""What each update of a push means for its app. Pure.

One branch deploys: what the app says, else the first of master or main that is pushed. All other
refs are stored, and the pusher is told that they do not deploy.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dulwich.refs import Ref, check_ref_format

from stratum.buildlog import ARROW, BANG, INDENT, harmless
from stratum.model import App, RefUpdate
from stratum.names import MAX_PART_BYTES, MAX_REF_BYTES, MAX_REF_PARTS, is_too_long

ZERO = "0" * 40  # as an old value: not there yet; as a new one: removed
BRANCHES, TAGS = "refs/heads/", "refs/tags/"
FIRST_BRANCHES = ("master", "main")
HIDDEN = "refs/stratum"
REMOTE = "catalyze"  # what `stratum associate` names it
MAX_SHOWN = 40  # characters of a name that is too long
MAX_UPDATES = 1000  # all others who write wait while a push is recorded
SHOWN = 3  # refs named one by one
_NAMES = f"A ref may have {MAX_REF_BYTES:,} bytes and {MAX_REF_PARTS} parts, each of {MAX_PART_BYTES} bytes."
ID_DIGITS = 12  # of an object's id: enough to tell it from all others in the largest repositories


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be done with a push.

    Attributes:
        deploying: the one update that is to be built, if any.
        notes: lines for a pusher whose push goes on.
        refusals: why it must not; empty when it may.
    """

    deploying: RefUpdate | None
    notes: tuple[str, ...]
    refusals: tuple["Refusal", ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a push is not taken.

    Attributes:
        ref: the one that it is about; empty when it is about all.
        reason: a clause without a full stop, for git's own line about the ref.
        advice: a sentence; may be empty.
    """

    ref: str
    reason: str
    advice: str = ""

    def lines(self) -> tuple[str, ...]:
        """Say it in full."""
        return (bang(f"{self.reason}."), *([bang(self.advice)] if self.advice else []))


def judge(app: App, updates: Sequence[RefUpdate]) -> Judgement:
    """Decide what a push may do."""
    deploying = _deploying(app, updates)
    stored = [update for update in updates if update != deploying and update.new != ZERO]
    each = (found for update in updates for found in _refusals(app, update))
    refusals = _too_many(updates) or (*each, *_twice(updates))
    return Judgement(deploying, tuple(_notes(app, stored)), refusals)


def step(text: str) -> str:
    """Say what begins, as the build log does."""
    return ARROW + _one_line(text)


def detail(text: str) -> str:
    """Add to the step."""
    return INDENT + _one_line(text)


def bang(text: str) -> str:
    """Say what is wrong."""
    return BANG + _one_line(text)


def short(ref: str) -> str:
    """Name a ref as people do: `master`, `v1.0`, else in full."""
    return ref.removeprefix(BRANCHES).removeprefix(TAGS)


def _deploying(app: App, updates: Sequence[RefUpdate]) -> RefUpdate | None:
    branches = (app.deploy_branch,) if app.deploy_branch else FIRST_BRANCHES
    pushed = {update.ref: update for update in updates if ZERO != update.new != update.old}
    return next((pushed[ref] for ref in map(BRANCHES.__add__, branches) if ref in pushed), None)


def _too_many(updates: Sequence[RefUpdate]) -> tuple[Refusal, ...]:
    if len(updates) <= MAX_UPDATES:
        return ()
    said = f"a push may change {MAX_UPDATES:,} refs, and this one changes {len(updates):,}"
    return (Refusal("", said, "Push them in parts, or only those that are needed here: one branch deploys."),)


def _twice(updates: Sequence[RefUpdate]) -> tuple[Refusal, ...]:
    """Refuse a push that moves a ref twice: git would take one of the two."""
    counted = Counter(update.ref for update in updates)
    return tuple(
        Refusal(ref, f"{short(ref)} is in this push twice", "Push it once.")
        for ref, n in counted.items()
        if n > 1
    )


def _refusals(app: App, update: RefUpdate) -> Iterator[Refusal]:
    ref = update.ref
    if not ref.isprintable() or not _is_utf8(ref):
        yield Refusal(ref, f"{ref!a} cannot name a ref here", "Use printable UTF-8.")
    elif not ref.startswith("refs/") or ref.startswith(HIDDEN + "/"):
        yield Refusal(ref, f"{ref} is no place to push to", "Use a branch or a tag.")
    elif is_too_long(ref):
        yield Refusal(ref, f"{short(ref)[:MAX_SHOWN]}… has too long a name", _NAMES)
    elif not check_ref_format(Ref(ref.removeprefix("refs/").encode())):
        yield Refusal(ref, f"{ref} cannot name a ref", "What can is in: git help check-ref-format.")
    elif update.new == ZERO and app.deploy_branch and ref == f"{BRANCHES}{app.deploy_branch}":
        destroy = f"stratum apps destroy {app.name} -E {app.environment.name}"
        yield Refusal(
            ref,
            f"{app.deploy_branch} cannot be deleted: {app.name} is deployed from it",
            f"To remove the app with all it has: {destroy}",
        )


def _notes(app: App, stored: Sequence[RefUpdate]) -> Iterator[str]:
    if not stored:
        return
    branch = app.deploy_branch or " or ".join(FIRST_BRANCHES)
    names = (
        ", ".join(short(update.ref) for update in stored) if len(stored) <= SHOWN else f"{len(stored)} refs"
    )
    verbs = ("is stored but does", "are stored but do")[len(stored) > 1]
    yield step(f"{names} {verbs} not deploy: {app.name} deploys {branch}")
    yield detail(f"To deploy {short(stored[0].ref)}: git push {REMOTE} {_refspec(app, stored[0])}")


def _refspec(app: App, update: RefUpdate) -> str:
    """Say how to deploy what was pushed: by its id, as its name may be another at the pusher's.

    Source: git-push(1): a source that is no ref needs a target in full, or one that is there.
    """
    source = update.new[:ID_DIGITS] + ("^{}" if update.ref.startswith(TAGS) else "")
    return f"{source}:{app.deploy_branch or BRANCHES + FIRST_BRANCHES[0]}"


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _one_line(text: str) -> str:
    return harmless(text.replace("\n", " ").encode("utf-8", "replace")).decode("utf-8", "replace")
