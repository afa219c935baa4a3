"""Which slugs of an app are kept, so that its newest releases can be gone back to, and which may go.

First a release is marked as pruned, in the transaction that decides so; its slug goes afterwards, and
whoever wants to go back to it meanwhile is refused. Only who builds for the app may remove slugs: a
build could just be making the same one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, select, update

from stratum.model import BuildState, ReleaseState
from stratum.store import tables as t
from stratum.store.database import Transaction

_RAN = (ReleaseState.LIVE, ReleaseState.RETIRED)
_UNFINISHED = [state.value for state in BuildState if not state.is_terminal]
_OF_RELEASES = (
    select(
        t.releases.c.id,
        t.releases.c.app_id,
        t.releases.c.version,
        t.releases.c.state,
        t.releases.c.slug,
        t.releases.c.pinned,
        t.releases.c.staying,
        t.apps.c.current_release_id,
    )
    .join(t.apps, t.apps.c.id == t.releases.c.app_id)
    .where(~t.releases.c.slug_gone)
    .order_by(t.releases.c.app_id, t.releases.c.version.desc())
)
_WANTED = select(t.builds.c.app_id, t.builds.c.slug).where(
    t.builds.c.state.in_(_UNFINISHED), t.builds.c.slug != ""
)
_others = t.builds.alias("others")
_same = (t.releases.c.app_id == t.builds.c.app_id, t.releases.c.slug == t.builds.c.slug)
_alike = (_others.c.app_id == t.builds.c.app_id, _others.c.slug == t.builds.c.slug)
# A release whose slug has been removed is none that has it: the same commit may have been built once more.
_IS_UNUSED = and_(
    t.builds.c.slug != "",
    t.builds.c.release_id.is_(None),
    ~exists().where(*_same, ~t.releases.c.slug_gone),
    ~exists().where(*_alike, _others.c.state.in_(_UNFINISHED)),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A release with a slug, as far as it matters here.

    Attributes:
        pinned: by somebody, or by its processes that newer releases leave alone.
    """

    id: int
    version: int
    state: ReleaseState
    slug: str
    pinned: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Surplus:
    """What an app need not keep.

    Attributes:
        releases: ids of those to be marked as pruned.
        slugs: digests that no release needs then.
    """

    releases: tuple[int, ...] = ()
    slugs: tuple[str, ...] = ()


def surplus(found: Sequence[Kept], keep: int, wanted: Collection[str] = ()) -> Surplus:
    """Decide, for one app.

    Kept are the current release, the one that a rollback goes back to, those that are pinned, run still or
    have not run yet, and as many of the newest that ran as are asked for. A failed one needs no slug.

    Args:
        found: newest first.
        wanted: digests that builds still want.
    """
    ran = [one for one in found if one.state in _RAN]
    current = next((one for one in found if one.current), None)
    before = [one for one in ran if current is not None and one.version < current.version]
    stay = {one.id for one in (*ran[:keep], *before[:1])}
    stay |= {one.id for one in found if one.current or one.pinned or one.state is ReleaseState.PENDING}
    needed = {one.slug for one in found if one.id in stay} | set(wanted)
    pruned = tuple(one.id for one in ran if one.id not in stay)
    return Surplus(pruned, tuple(sorted({one.slug for one in found} - needed)))


def apps_with_surplus(tx: Transaction, keep: int) -> list[int]:
    """Ids of the apps that keep more than they need."""
    wanted = _wanted(tx)
    return [app for app, found in _by_app(tx).items() if surplus(found, keep, wanted[app]) != Surplus()]


def prune(tx: Transaction, app_id: int, keep: int) -> tuple[str, ...]:
    """Mark the releases of an app that need not be kept, and return the slugs that may then go."""
    found = surplus(_by_app(tx, app_id)[app_id], keep, _wanted(tx)[app_id])
    if found.releases:
        mine = t.releases.c.id.in_(found.releases)
        tx.execute(update(t.releases).where(mine).values(state=ReleaseState.PRUNED.value))
    return found.slugs


def forget(tx: Transaction, app_id: int, slug: str) -> None:
    """Note that a slug that no release needs is gone."""
    useless = t.releases.c.state.in_((ReleaseState.PRUNED.value, ReleaseState.FAILED.value))
    mine = (t.releases.c.app_id == app_id, t.releases.c.slug == slug, useless)
    tx.execute(update(t.releases).where(*mine).values(slug_gone=True))


def unused(tx: Transaction, app_id: int) -> list[str]:
    """What an app's builds have made that was never released, nor will be."""
    made = select(t.builds.c.slug).where(t.builds.c.app_id == app_id, _IS_UNUSED)
    return list(tx.scalars(made.distinct()))


def apps_with_unused(tx: Transaction) -> list[int]:
    """Ids of the apps that have something unused, as of a builder that was killed before it tidied."""
    return list(tx.scalars(select(t.builds.c.app_id).where(_IS_UNUSED).distinct()))


def forget_unused(tx: Transaction, app_id: int, slug: str) -> None:
    """Note that what an app's builds have made without a release is gone."""
    made = (t.builds.c.app_id == app_id, t.builds.c.slug == slug)
    tx.execute(update(t.builds).where(*made).values(slug=""))


def _by_app(tx: Transaction, app_id: int | None = None) -> dict[int, list[Kept]]:
    found: dict[int, list[Kept]] = defaultdict(list)
    chosen = _OF_RELEASES if app_id is None else _OF_RELEASES.where(t.releases.c.app_id == app_id)
    for row in tx.execute(chosen):
        is_current = row.id == row.current_release_id
        pinned = row.pinned or row.staying
        kept = Kept(row.id, row.version, ReleaseState(row.state), row.slug, pinned, is_current)
        found[row.app_id].append(kept)
    return found


def _wanted(tx: Transaction) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for app_id, slug in _pairs(tx):
        found[app_id].add(slug)
    return found


def _pairs(tx: Transaction) -> Iterable[tuple[int, str]]:
    return ((row.app_id, row.slug) for row in tx.execute(_WANTED))
