"""What a push has brought, looked at in its quarantine before anything moves.

git itself would find most of it, but only after the pre-receive hook has said "yes", when the
objects are in the repository already (git 2.39, builtin/receive-pack.c, execute_commands and update).
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from gitserver.git.limits import overfull, oversized
from gitserver.git.packsizes import BadPack, whole_commits
from hooks.checks import inside
from hooks.policy import BRANCHES, ZERO, Refusal
from hooks.verdict import Offer, Verdict, refused, refused_for
from stratum.errors import InvalidInput, Unavailable
from stratum.git import Commit, reason
from stratum.instance import Instance
from stratum.model import App, RefUpdate
from stratum.settings import Settings

log = logging.getLogger(__name__)


def unfit(instance: Instance, app: App, offer: Offer) -> Verdict | None:
    """Refuse what is too large, or cannot be where the push would put it; None when all is well.

    Raises:
        Unavailable: what was sent cannot be read.
    """
    try:
        if offer.quarantine and (excess := _too_much(Path(offer.quarantine), instance.settings)):
            return refused_for(excess)
        refusals = _tips(instance, app, offer)
    except (OSError, BadPack) as error:
        log.warning("what was sent to %s cannot be read: %s", app.label, error)
        message = f"What was sent cannot be read: {reason(error)}."
        raise Unavailable(message, "Push again.") from error
    return refused(refusals) if refusals else None


def _too_much(quarantine: Path, settings: Settings) -> InvalidInput | None:
    too_many = overfull(quarantine, settings.max_push_objects)  # first: the others take time for each
    return too_many or oversized(quarantine, settings.max_object_bytes)


def is_followed(offer: Offer, sent: int) -> bool:
    """Whether something was sent after the pack: then git keeps less than came; a thin pack only grows.

    Args:
        sent: bytes that git was given after the commands.
    """
    packs = Path(offer.quarantine).glob("pack/*.pack")
    kept = sum(pack.stat().st_size for pack in packs)
    return 0 < kept < sent


def _tips(instance: Instance, app: App, offer: Offer) -> list[Refusal]:
    """See that branches are commits, and that all else is there at all."""
    wanted = {update.new for update in offer.updates if update.new != ZERO}
    packs = Path(offer.quarantine).glob("pack/*.idx") if offer.quarantine else ()
    unclear = wanted.difference(*(whole_commits(index, wanted) for index in packs))
    if not unclear:
        return []
    repo = instance.layout.repo(app.id)
    kinds = Commit(repo, "", inside(instance, app, offer)).kinds(sorted(unclear))
    return list(_wrong(offer.updates, kinds))


def _wrong(updates: Iterable[RefUpdate], kinds: dict[str, str]) -> Iterable[Refusal]:
    for update in updates:
        kind = kinds.get(update.new, "commit")
        if kind == "missing":
            yield Refusal(
                update.ref, f"object {update.new[:12]} was not sent", "Run git fsck, and push again."
            )
        elif kind != "commit" and update.ref.startswith(BRANCHES):
            yield Refusal(update.ref, f"a branch is a commit, and {update.new[:12]} is a {kind}")
