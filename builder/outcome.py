"""How a build ends: a release with its rollout in one transaction, or a failure told to the pusher."""

import logging

from builder.bench import Bench
from builder.pipeline import Lost, Slug
from stratum.buildlog import superseded
from stratum.errors import BuildFailed, Unavailable
from stratum.first_scales import first_scales
from stratum.model import App, Build, BuildState, Release
from stratum.scaling import Limits, changed, check_total, total, without_room
from stratum.store import Transaction, builds, environments, formation, releases, rollouts

log = logging.getLogger(__name__)


def record(bench: Bench, slug: Slug) -> BuildState:
    """Record what was built, and return the state of the build.

    Succeeded: released. Waiting: not before the push that it was built for has been taken. Canceled:
    nobody wants it any more.

    The applier tells the pusher, as the first line of the rollout: it may begin at once, and only what
    has been recorded is to be told.

    Raises:
        Lost: there is nothing to record it for.
        Unavailable: the database cannot be written.
        TooManyProcesses: the scales that were asked for go beyond what the app may have.
    """
    build = bench.build
    bench.doing = "Recording the release"
    with bench.shop.db.write() as tx:
        app = environments.get_app(tx, build.app_id)
        if app is None:
            raise Lost
        given_up = _why_given_up(tx, app, build)
        if given_up:
            return _drop(tx, bench, given_up, slug.digest)
        if build.gate and build.push_id is None:  # which is set before it is claimed to be released
            return _wait(tx, bench, slug)
        version = _release(tx, app, bench, slug)
    log.info("released %s v%d from %s", app.label, version, build.commit[:7])
    return BuildState.SUCCEEDED


def call_off(bench: Bench) -> bool:
    """Record that a build was given up while it was worked on; False when it could not be recorded."""
    build = bench.build
    try:
        with bench.shop.db.write() as tx:
            _drop(tx, bench, _why_given_up(tx, environments.get_app(tx, build.app_id), build))
    except (Lost, Unavailable) as error:
        log.error("build %d of app %d was given up, unrecorded: %r", build.number, build.app_id, error)  # noqa: TRY400
        return False
    return True


def fail(bench: Bench, failure: BuildFailed) -> bool:
    """Tell the pusher, then record the failure; False when it could not be recorded.

    What failed because its app is being destroyed, which ends each step of it, has no fault of its own.
    """
    build, narration = bench.build, bench.narration
    try:
        app = _app(bench)
        if app is None or app.destroying:
            return call_off(bench)
        narration.failure(failure)
        narration.error(_what_runs(bench, app))
        with bench.shop.db.write() as tx:
            recorded = _finish_failed(tx, bench, failure)
    except Unavailable as error:
        log.error("build %d of app %d failed, unrecorded: %s", build.number, build.app_id, error)  # noqa: TRY400
        return False
    except Lost:
        recorded = False
    if not recorded:
        log.error("build %d of app %d failed, and was lost to somebody else", build.number, build.app_id)
        return False
    log.info("build %d of app %d failed: %s", build.number, build.app_id, failure.summary)
    return True


def _finish_failed(tx: Transaction, bench: Bench, failure: BuildFailed) -> bool:
    """Record a failure, or that the build was given up in that moment: a newer one has its scales then."""
    given_up = builds.get_build(tx, bench.build.id).error
    if given_up:
        _drop(tx, bench, given_up)
        return True
    return builds.finish(tx, bench.build, BuildState.FAILED, error=str(failure))


def _release(tx: Transaction, app: App, bench: Bench, slug: Slug) -> int:
    build, limits = bench.build, Limits.of(app, bench.shop.instance.settings)
    reason = build.options.reason
    cause = f"{build.source} {build.commit[:7]}" + (f": {reason}" if reason else "")
    made = releases.add_release(
        tx,
        app.id,
        slug=slug.digest,
        commit=build.commit,
        targets=slug.targets,
        cause=cause,
        who=build.who,
        build_id=build.id,
        contents=slug.contents,
    )
    rollouts.add_rollout(
        tx,
        app.id,
        cause=cause,
        who=build.who,
        release_id=made.id,
        build_id=build.id,
        formation_before=_scale(tx, app, build, made, limits),
    )
    if not builds.finish(tx, build, BuildState.SUCCEEDED, release_id=made.id):
        raise Lost
    return made.version


def _scale(tx: Transaction, app: App, build: Build, made: Release, limits: Limits) -> dict[str, int]:
    """Wish the first scales of new targets, and those that were asked for; return what these were before.

    A failed rollout puts back only what was asked for: a first scale is what the target starts with
    whenever it comes up. What joins an app all of which is paused is paused, too, and so is what an app
    has no room for.
    """
    names, before = made.process_names(), formation.get_formation(tx, app.id)
    first = first_scales(names, before, made.contents.settings, start_all=app.environment.start_all)
    formation.set_scales(tx, app.id, first)
    if before.is_paused:
        formation.set_paused(tx, app.id, first, paused=True)
    plain = formation.get_formation(tx, app.id)
    asked = {
        target: changed(given, plain.remembered(target))
        for target, given in build.options.scale.items()
        if target in names
    }
    former = formation.set_scales(tx, app.id, asked)
    wished = formation.get_formation(tx, app.id)
    check_total(app.label, total(plain, names), total(wished, names), limits.processes)
    there = _process_names(tx, app)
    formation.set_paused(tx, app.id, without_room(wished, names, there, limits.processes), paused=True)
    return former


def _process_names(tx: Transaction, app: App) -> tuple[str, ...]:
    """Name the targets of what runs now."""
    if app.current_release_id is None:
        return ()
    return releases.get_release(tx, app.current_release_id).process_names()


def _wait(tx: Transaction, bench: Bench, slug: Slug) -> BuildState:
    build = bench.build
    state = builds.wait(tx, build, slug.digest, slug.targets, slug.contents)
    if state is None:
        raise Lost
    log.info("build %d of app %d is %s: it was made before its ref moved", build.number, build.app_id, state)
    return state


def _why_given_up(tx: Transaction, app: App | None, build: Build) -> str:
    """Say why nobody wants a build; nothing when it is wanted."""
    if app is None:
        raise Lost
    return "The app is being destroyed." if app.destroying else builds.get_build(tx, build.id).error


def _drop(tx: Transaction, bench: Bench, why: str, slug: str = "") -> BuildState:
    """End a build that is given up; who follows it is told before its end can be seen."""
    build = bench.build
    if not builds.drop(tx, build, why, slug):
        raise Lost
    ended = builds.get_build(tx, build.id)
    if ended.superseded_by is None:
        bench.narration.error(f"Build {ended.state}: {why}")
    else:
        app = environments.get_app(tx, build.app_id)
        assert app is not None, "or there was nothing to give up"
        bench.narration.step(superseded(app.environment.name, app.name, ended.superseded_by))
    log.info("build %d of app %d was given up: %s", build.number, build.app_id, why)
    return ended.state


def _app(bench: Bench) -> App | None:
    with bench.shop.db.read() as tx:
        return environments.get_app(tx, bench.build.app_id)


def _what_runs(bench: Bench, app: App) -> str:
    if app.current_release_id is None:
        return "Nothing is running yet."
    with bench.shop.db.read() as tx:
        return f"v{releases.get_release(tx, app.current_release_id).version} keeps running."
