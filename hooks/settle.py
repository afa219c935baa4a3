"""Deciding what became of pushes that a crash cut between journal and acceptance.

The journal row of a push is written before git moves the ref; here the ref says whether it did. The
push lock of the app is held from the one to the other, so that whoever holds it and finds a pending
row knows that no request is behind it any more; only its git may still be at work.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dulwich.errors import FileFormatException

from hooks.policy import BRANCHES
from hooks.refs import has_moved, keep, point_head, sync_names
from stratum.errors import Unavailable
from stratum.instance import Instance
from stratum.model import Build, Push
from stratum.ownership import exclusive, is_alive
from stratum.store import Database, Transaction, environments, pushes

log = logging.getLogger(__name__)


def settle(instance: Instance, db: Database, app_id: int) -> list[Build]:
    """Accept or reject the app's pending pushes whose request and git are both gone.

    For the reconciler: does nothing while a push of the app is under way.

    Returns:
        The builds that were queued by it, for the caller to nudge.
    """
    with exclusive(instance.layout.push_lock(app_id)) as held:
        return settle_held(instance, db, app_id)[0] if held else []


def settle_held(instance: Instance, db: Database, app_id: int) -> tuple[list[Build], list[Push]]:
    """Do what `settle` does, for a caller that holds the app's push lock.

    Returns:
        The builds queued, and the pushes left because their git is still at work.
    """
    with db.read() as tx:
        pending = pushes.pending(tx, app_id)
    at_work = [push for push in pending if is_alive(push.receive_process)]
    ended = [push for push in pending if push not in at_work]
    if not ended:
        return [], at_work
    repo = instance.layout.repo(app_id)
    moved = {push.id for push in ended if has_moved(repo, push.update)}
    sync_names(repo, [push.update for push in ended])
    with db.write() as tx:
        moved |= {push.id for push in ended if push.id not in moved and pushes.was_followed(tx, push)}
        pushes.reject(tx, [push.id for push in ended if push.id not in moved])
        builds = accept(tx, sorted(moved))
    for push in ended:
        did = "moved" if push.id in moved else "never moved"
        log.info("settled push %d of app %d: it %s %s", push.id, app_id, did, push.update.ref)
    keep_commits(repo, builds)
    point_head_of(instance, db, app_id)
    return builds, at_work


def accept(tx: Transaction, push_ids: Sequence[int]) -> list[Build]:
    """Accept pushes whose refs have moved, and queue their builds; the first one fixes the deploy branch.

    Statements are few, however many refs: all others who write wait for this transaction.
    """
    queued = pushes.accept(tx, push_ids)
    for push_id in [build.push_id for build in queued if build.push_id is not None]:
        push = pushes.get_push(tx, push_id)
        app = None if push is None else environments.get_app(tx, push.app_id)
        if push is not None and app is not None and app.deploy_branch is None:
            environments.set_deploy_branch(tx, app.id, push.update.ref.removeprefix(BRANCHES))
    return queued


def keep_commits(repo: Path, builds: Sequence[Build]) -> None:
    """Keep what was queued from gc; a failure costs no push, and is made up for before the next upkeep."""
    for build in builds:
        try:
            keep(repo, build.number, build.commit)
        except (Unavailable, FileFormatException) as error:
            log.warning("%s: %s", repo.name, error)


def point_head_of(instance: Instance, db: Database, app_id: int) -> None:
    """Have clones of an app check out its deploy branch; a failure costs no push."""
    with db.read() as tx:
        app = environments.get_app(tx, app_id)
    if app is not None and app.deploy_branch is not None:
        with suppress(OSError, FileFormatException):
            point_head(instance.layout.repo(app_id), app.deploy_branch)
