"""What a review app is given: the variables that its parent's people lend it, and what its app.json says."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from hooks.parts import Parts
from stratum.appjson import ReviewSetup
from stratum.model import App
from stratum.scaling import Limits, checked_scale
from stratum.secrets import seal, unseal
from stratum.store import Transaction, formation, releases
from stratum.store import reviews as store
from stratum.variables import checked_variables
from stratum.verbs import reviews
from stratum.verbs.configure import record

SECRET_BYTES = 32  # Dokku's and Heroku's `generator` give 64 hexadecimal digits


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


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a review app is to have.

    Attributes:
        setup: what its app.json says of it.
        lends: whether anything is lent to it; else what was is taken back.
        who: brings it there.
    """

    setup: ReviewSetup
    lends: bool
    who: str


def outfit(found: Parts, parent: App, app: App, wanted: Outfit) -> tuple[str, ...]:
    """Give a review app its variables, and before its first release its scales; what its people set stays.

    Returns:
        Names of variables that its app.json requires, and that it lacks.

    Raises:
        InvalidVariable: all of it is too much.
        InvalidScale: app.json wants more of a target than may be.
    """
    _begin_scales(found, app, wanted.setup)
    while (given := _try(found, (parent, app), wanted)) is None:  # somebody else changed them meanwhile
        pass
    return tuple(name for name in wanted.setup.required if name not in given.variables)


def lend(before: Given, lendable: Mapping[str, str], first: Mapping[str, str]) -> Given:
    """Return what an app is to have: its own, what is lent, and else what it begins with. Pure.

    Args:
        first: what its app.json says; from then on it is its own.
    """
    own = {name: value for name, value in before.variables.items() if name not in before.lent}
    lent = {name: value for name, value in lendable.items() if name not in own}
    return Given(before.version, checked_variables({**first, **own, **lent}), tuple(sorted(lent)))


def _begin_scales(found: Parts, app: App, setup: ReviewSetup) -> None:
    """Wish the scales of app.json for an app that nothing is wished of yet."""
    most = Limits.of(app, found.instance.settings).scale
    scales = {target: checked_scale(target, wished, 0, most) for target, wished in setup.quantities.items()}
    with found.database.read() as tx:
        is_new = app.current_release_id is None and not formation.get_formation(tx, app.id).scales
    if is_new and scales:
        with found.database.write() as tx:
            formation.set_scales(tx, app.id, scales)


def _first(setup: ReviewSetup) -> dict[str, str]:
    return {**setup.values, **{name: secrets.token_hex(SECRET_BYTES) for name in setup.secrets}}


def _try(found: Parts, apps: tuple[App, App], what: Outfit) -> Given | None:
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
    lendable = {**named, **unseal(key, policy.sealed_values)} if what.lends else {}
    wanted = lend(before, lendable, _first(what.setup))
    if wanted == before:
        return before
    sealed = seal(key, wanted.variables)
    with found.database.write() as tx:
        if releases.config_version(tx, app.id) != version:
            return None
        change = record(tx, app, sealed, "config: variables of a review app", who=what.who)
        store.change_review(tx, known.id, {"lent": list(wanted.lent)})
    if change.rollout is not None:
        found.nudges.rollout(app.id)
    return wanted


def _in_force(tx: Transaction, app_id: int) -> tuple[int, bytes | None]:
    version = releases.config_version(tx, app_id)
    return version, releases.get_config(tx, app_id, version)
