"""What a push has brought, looked at in its quarantine before anything moves.

git itself would find most of it, but only after the pre-receive hook has said "yes", when the
objects are in the repository already (git 2.39, builtin/receive-pack.c, execute_commands and update).
"""

import logging
from collections.abc import Iterable

from gitserver.git.limits import overfull, oversized
from gitserver.git.packsizes import BadPack, Pack, opened, whole_commits
from gitserver.git.reasons import of_ref
from hooks.care.stock import bytes_below
from hooks.checks import inside
from hooks.policy import BRANCHES, ZERO, Refusal
from hooks.verdict import Offer, Verdict, refused, refused_for
from stratum.errors import InvalidInput, Unavailable
from stratum.git import Commit, reason
from stratum.instance import Instance
from stratum.model import App, RefUpdate
from stratum.settings import Settings

log = logging.getLogger(__name__)

FOLLOWED = Refusal("", "something follows its pack")


def unfit(instance: Instance, app: App, offer: Offer, sent: int) -> Verdict | None:
    """Refuse what is too large, or cannot be where the push would put it; None when all is well.

    Args:
        sent: bytes that git was given after the commands.

    Raises:
        Unavailable: what was sent cannot be read.
    """
    try:
        with opened(offer.quarantine) as packs:
            if _is_followed(packs, sent):
                return refused([FOLLOWED])
            if excess := _too_much(packs, instance.settings):
                return refused_for(excess)
            refusals = _cut(packs, offer) or _tips(instance, app, packs, offer)
    except (OSError, BadPack) as error:
        raise _unreadable(app, error) from error
    return refused(refusals) if refusals else None


def size_of(app: App, quarantine: str) -> int:
    """Return how many bytes a push has brought.

    Raises:
        Unavailable: what was sent cannot be read.
    """
    try:
        return bytes_below(quarantine) if quarantine else 0
    except OSError as error:
        raise _unreadable(app, error) from error


def _unreadable(app: App, error: Exception) -> Unavailable:
    log.warning("what was sent to %s cannot be read: %s", app.label, error)
    return Unavailable(f"What was sent cannot be read: {reason(error)}.", "Push again.")


def _is_followed(packs: Iterable[Pack], sent: int) -> bool:
    """Whether something was sent after the pack: then git keeps less than came; a thin pack only grows."""
    return 0 < sum(len(pack.data) for pack in packs) < sent


def _too_much(packs: Iterable[Pack], settings: Settings) -> InvalidInput | None:
    too_many = overfull(packs, settings.max_push_objects)  # first: the others take time for each
    return too_many or oversized(packs, settings.max_object_bytes)


def _cut(packs: Iterable[Pack], offer: Offer) -> list[Refusal]:
    """Refuse what begins at a commit whose parents nobody has: git would, once it is built."""
    if offer.shallow and any(whole_commits(pack, set(offer.shallow)) for pack in packs):
        return [Refusal("", of_ref("shallow update not allowed"))]
    return []


def _tips(instance: Instance, app: App, packs: Iterable[Pack], offer: Offer) -> list[Refusal]:
    """See that branches are commits, and that all else leads to one."""
    wanted = {update.new for update in offer.updates if update.new != ZERO}
    unclear = sorted(wanted.difference(*(whole_commits(pack, wanted) for pack in packs)))
    if not unclear:
        return []
    git = Commit(instance.layout.repo(app.id), "", inside(instance, app, offer))
    kinds = git.kinds([*unclear, *map(_peeled, unclear)])
    return list(_wrong(offer.updates, kinds))


def _peeled(oid: str) -> str:
    return f"{oid}^{{commit}}"


def _wrong(updates: Iterable[RefUpdate], kinds: dict[str, str]) -> Iterable[Refusal]:
    for update in updates:
        kind = kinds.get(update.new, "commit")
        named = f"{update.new[:12]} is a {kind}"
        if kind == "missing":
            yield Refusal(
                update.ref, f"object {update.new[:12]} was not sent", "Run git fsck, and push again."
            )
        elif kind != "commit" and update.ref.startswith(BRANCHES):
            yield Refusal(update.ref, f"a branch is a commit, and {named}")
        elif kinds.get(_peeled(update.new), "commit") != "commit":
            led = " that leads to no commit" if kind == "tag" else ""
            yield Refusal(update.ref, f"a ref leads to a commit, and {named}{led}")
