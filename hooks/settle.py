"""Deciding what became of pushes that a crash cut between journal and acceptance.

The journal row of a push is written before git moves the ref; here the ref says whether it did. The
push lock of the app is held from the one to the other, so that whoever holds it and finds a pending
row knows that no request is behind it any more; only its git may still be at work.
"""

import logging
from contextlib import suppress

from hooks.policy import BRANCHES
from hooks.refs import has_moved, point_head
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
    moved = {push.id for push in ended if has_moved(repo, push.update, push.created_at)}
    with db.write() as tx:
        builds = [_settle_one(tx, push, has_moved=push.id in moved) for push in ended]
    point_head_of(instance, db, app_id)
    return [build for build in builds if build is not None], at_work


def accept(tx: Transaction, push_id: int) -> Build | None:
    """Accept a push whose ref has moved, and queue its build; the first one fixes the deploy branch."""
    push = pushes.get_push(tx, push_id)
    if push is None:  # its app has been destroyed
        return None
    app = environments.get_app(tx, push.app_id) if push.deploys else None
    if app is not None and app.deploy_branch is None:
        environments.set_deploy_branch(tx, app.id, push.update.ref.removeprefix(BRANCHES))
    return pushes.accept(tx, push_id)


def point_head_of(instance: Instance, db: Database, app_id: int) -> None:
    """Have clones of an app check out its deploy branch; a failure costs no push."""
    with db.read() as tx:
        app = environments.get_app(tx, app_id)
    if app is not None and app.deploy_branch is not None:
        with suppress(OSError):
            point_head(instance.layout.repo(app_id), app.deploy_branch)


def _settle_one(tx: Transaction, push: Push, *, has_moved: bool) -> Build | None:
    if has_moved or pushes.was_followed(tx, push):
        log.info("settled push %d of app %d: it moved %s", push.id, push.app_id, push.update.ref)
        return accept(tx, push.id)
    log.info("settled push %d of app %d: it never moved %s", push.id, push.app_id, push.update.ref)
    pushes.reject(tx, push.id)
    return None
