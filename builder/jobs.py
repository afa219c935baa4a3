"""The job behind a nudge: build what an app has queued, one after the other, until nothing is left."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

from builder import lease, outcome
from builder.bench import Bench
from builder.failure import explained
from builder.narration import Narration
from builder.pipeline import Lost, Slug, made_before, make_slug
from builder.room import has_room
from builder.workshop import Workshop
from stratum import faults, spool
from stratum.errors import BuildFailed, DoorLost, NotFound, StratumError, Unavailable
from stratum.model import Build, BuildState
from stratum.ownership import exclusive, this_process
from stratum.store import builds, environments, retention

log = logging.getLogger(__name__)

_DOOR_LOOKS, _DOOR_LOOK_S = 100, 0.1  # supervisord has started it again within a second or two


@cache
def workshop() -> Workshop:
    """The one of this process."""
    return Workshop.open()


def run_builds(app_id: int) -> None:
    """Build an app's queued builds, unless somebody on this host already does."""
    build_queued(workshop(), app_id)


def build_queued(shop: Workshop, app_id: int) -> None:
    """Do the same in a given workshop.

    A nudge that comes while the lock is held does nothing. So who has held it looks again after
    letting it go: a build queued in between would otherwise wait for the reconciler. An app that has
    more queued, and others wait for a builder, gets its next turn after theirs.
    """
    again, is_tidy = True, True
    try:
        while again:
            with exclusive(shop.instance.layout.locks / f"build-{app_id}") as held:
                again = held and _build_each(shop, app_id)
                is_tidy = not again or _tidy_patiently(shop, app_id)
            again = again and is_queued(shop, app_id)
            if again and _others_wait(shop, app_id):
                shop.nudges.build(app_id)
                again = False
        if not is_tidy and not shop.door.erase_left(app_id):
            shop.nudges.build(app_id)  # when other apps have had their turn
    except Unavailable as error:
        log.error("builds of app %d wait for the reconciler: %s", app_id, error)  # noqa: TRY400 - no traceback


def _build_each(shop: Workshop, app_id: int) -> bool:
    """Build until nothing is queued, or others wait; False when the end of a build could not be recorded."""
    while (build := _claim(shop, app_id)) is not None:
        faults.reach("build.claimed")
        path = shop.instance.layout.build_log(app_id, build.number)
        with closing(Narration(path, color=build.options.color)) as narration:
            if not _build(Bench(shop, build, narration)):
                return False
        if _others_wait(shop, app_id):
            break
    return True


def _tidy_patiently(shop: Workshop, app_id: int) -> bool:
    """Tidy; should the door have been killed, once supervisord has started it again."""
    for _ in range(_DOOR_LOOKS):
        try:
            return _tidy(shop, app_id)
        except DoorLost:
            time.sleep(_DOOR_LOOK_S)
    return _tidy(shop, app_id)


def _tidy(shop: Workshop, app_id: int) -> bool:
    """Remove what killed builders have left, what was built for nobody, and what is kept for nothing.

    The caller holds the app's lock: nobody builds. False when not all of it is erased, which takes none.
    """
    with shop.db.read() as tx:
        slugs = retention.unused(tx, app_id)
    for slug in slugs:
        shop.door.drop_slug(app_id, slug)
        with shop.db.write() as tx:
            retention.forget_unused(tx, app_id, slug)
    _prune(shop, app_id)
    return shop.door.sweep(app_id)


def _prune(shop: Workshop, app_id: int) -> None:
    keep = shop.instance.settings.keep_releases
    with shop.db.read() as tx:
        is_due = app_id in retention.apps_with_surplus(tx, keep)
    if not is_due:
        return
    with shop.db.write() as tx:
        slugs = retention.prune(tx, app_id, keep)
    for slug in slugs:
        shop.door.drop_slug(app_id, slug)
        with shop.db.write() as tx:
            retention.forget(tx, app_id, slug)
    log.info("pruned releases of app %d; removed %d slugs", app_id, len(slugs))


def _build(bench: Bench) -> bool:
    try:
        with lease.held(bench):
            result = _attempt(bench)
        if isinstance(result, Slug):
            return _record(bench, result)
    except DoorLost as error:
        return _give_back(bench, error)
    except Lost:
        return _lost(bench)
    if result is None:
        return _ended(bench, outcome.call_off(bench))
    return _ended(bench, outcome.fail(bench, result))


def _record(bench: Bench, slug: Slug) -> bool:
    try:
        with _clearing(bench):
            state = outcome.record(bench, slug)
    except Lost:
        raise
    except Exception as error:
        return _ended(bench, outcome.fail(bench, explained(bench, error)))
    if state is BuildState.SUCCEEDED:
        faults.reach("build.released")
        bench.shop.nudges.rollout(bench.build.app_id)
    if state is BuildState.WAITING:
        faults.reach("build.waiting")
    else:
        spool.remove(bench.shop.instance.layout, bench.build)
    return True


def _lost(bench: Bench) -> bool:
    log.error("build %d of app %d was lost to somebody else", bench.build.number, bench.build.app_id)
    return False


def _ended(bench: Bench, is_recorded: bool) -> bool:
    if is_recorded:
        spool.remove(bench.shop.instance.layout, bench.build)
    return is_recorded


def _give_back(bench: Bench, error: DoorLost) -> bool:
    """Leave a build to the next attempt: that a part of ours went away says nothing of the app.

    True when the door is back, so that it can be begun.
    """
    build = bench.build
    log.warning("build %d of app %d is left to another attempt: %s", build.number, build.app_id, error)
    with bench.shop.db.write() as tx:
        builds.give_back(tx, build)
    for _ in range(_DOOR_LOOKS):
        if bench.shop.door.is_there():
            return True
        time.sleep(_DOOR_LOOK_S)
    return False


def _attempt(bench: Bench) -> Slug | BuildFailed | None:
    """Make the slug, or say why there is none: None once it is given up.

    The scratch of what has not come to its end is gone, and what worked there.
    """
    try:
        return _make(bench)
    except Lost:  # what it has left is in the way of nobody: the next attempt removes it
        raise
    except Exception as error:
        if isinstance(error, DoorLost) and not bench.is_called_off:
            raise
        failure = None if bench.is_called_off else explained(bench, error)
        _clear(bench)
        _make_room(bench)
        return failure


def _make(bench: Bench) -> Slug:
    build = bench.build
    if build.attempt > builds.MAX_ATTEMPTS:
        raise _builder_lost()
    made = made_before(bench)
    if made is not None:
        return made
    if build.attempt > 1:
        bench.narration.step(f"Building again (attempt {build.attempt}): the builder before was lost")
        bench.clear()
    with bench.shop.db.read() as tx:
        app = environments.get_app(tx, build.app_id)
    if app is None:
        raise NotFound("app", str(build.app_id))
    return make_slug(bench, app)


def _builder_lost() -> BuildFailed:
    detail = f"builder lost: the process that worked on it was gone {builds.MAX_ATTEMPTS} times."
    return BuildFailed("The build", detail, hint="Push again; the server's log may say more.")


@contextmanager
def _clearing(bench: Bench) -> Iterator[None]:
    """Remove the scratch beside the block, since the pusher waits for both."""
    beside = threading.Thread(target=_clear, args=(bench,), name="clear")
    beside.start()
    try:
        yield
    finally:
        beside.join()


def _clear(bench: Bench) -> None:
    try:
        bench.clear()
    except StratumError as error:
        log.warning("scratch of build %d of app %d: %s", bench.build.number, bench.build.app_id, error)


def _make_room(bench: Bench) -> None:
    """Erase what was cleared away before the end is recorded, where the disk may have no room for that."""
    instance = bench.shop.instance
    if has_room(instance.layout.data, instance.settings.min_free_bytes):
        return
    try:
        bench.shop.door.erase_left(bench.build.app_id)
    except StratumError as error:
        log.warning("scratch of app %d: %s", bench.build.app_id, error)


def _claim(shop: Workshop, app_id: int) -> Build | None:
    with shop.db.write() as tx:
        return builds.claim_next(tx, app_id, this_process())


def is_queued(shop: Workshop, app_id: int) -> bool:
    """Whether an app has a build that waits."""
    with shop.db.read() as tx:
        return any(build.app_id == app_id for build in builds.in_state(tx, BuildState.QUEUED))


def _others_wait(shop: Workshop, app_id: int) -> bool:
    """Whether another app has a build that waits, and none that runs."""
    with shop.db.read() as tx:
        found = builds.in_state(tx, BuildState.QUEUED, BuildState.RUNNING)
    running = {build.app_id for build in found if build.state is BuildState.RUNNING}
    return any(build.app_id not in running | {app_id} for build in found)
