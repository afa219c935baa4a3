"""What a review app is given: the variables that its parent's people lend it, and none of the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from hooks.parts import Parts
from stratum.model import App
from stratum.secrets import seal, unseal
from stratum.store import Transaction, releases
from stratum.store import reviews as store
from stratum.variables import checked_variables
from stratum.verbs import reviews
from stratum.verbs.configure import record


@dataclass(frozen=True, slots=True)
class Given:
    """Variables of a review app.

    Attributes:
        version: of the configuration that has them.
        lent: names of those that were lent.
    """

    version: int
    variables: Mapping[str, str]
    lent: tuple[str, ...]


def outfit(found: Parts, parent: App, app: App, *, who: str, lends: bool) -> None:
    """Lend a review app what there is to lend now; what its people have set stays.

    Args:
        lends: whether anything is to be lent; else what was is taken back.

    Raises:
        InvalidVariable: all of it is too much.
    """
    while not _try(found, (parent, app), who, lends=lends):  # somebody else changed them meanwhile
        pass


def lend(before: Given, lendable: Mapping[str, str]) -> Given:
    """Return what an app is to have: its own, and what is lent. Pure."""
    own = {name: value for name, value in before.variables.items() if name not in before.lent}
    lent = {name: value for name, value in lendable.items() if name not in own}
    return Given(before.version, checked_variables({**own, **lent}), tuple(sorted(lent)))


def _try(found: Parts, apps: tuple[App, App], who: str, *, lends: bool) -> bool:
    parent, app = apps
    key, review = found.instance.layout.config_key, app.review
    assert review is not None
    with found.database.read() as tx:
        policy, known = reviews.policy_of(tx, parent), reviews.find(tx, parent, review.number)
        _, parents = _in_force(tx, parent.id)
        version, own = _in_force(tx, app.id)
    theirs = unseal(key, parents)
    named = {name: theirs[name] for name in policy.variables if name in theirs}
    before = Given(version, unseal(key, own), known.lent)
    wanted = lend(before, {**named, **unseal(key, policy.sealed_values)} if lends else {})
    if wanted == before:
        return True
    sealed = seal(key, wanted.variables)
    with found.database.write() as tx:
        if releases.config_version(tx, app.id) != version:
            return False
        change = record(tx, app, sealed, "config: lent variables", who=who)
        store.change_review(tx, known.id, {"lent": list(wanted.lent)})
    if change.rollout is not None:
        found.nudges.rollout(app.id)
    return True


def _in_force(tx: Transaction, app_id: int) -> tuple[int, bytes | None]:
    version = releases.config_version(tx, app_id)
    return version, releases.get_config(tx, app_id, version)
