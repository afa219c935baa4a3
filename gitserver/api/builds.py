"""Builds of an app and their logs."""

import logging
from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response

from gitserver.api import rows, streams
from gitserver.api.access import again, app_named, caller
from gitserver.api.shapes import Following, Number
from gitserver.services import services
from stratum import spool
from stratum.buildlog import Log
from stratum.errors import Conflict
from stratum.model import Build, BuildState
from stratum.ownership import exclusive
from stratum.store import Transaction, builds, releases, rollouts
from stratum.verbs import build as verbs

log = logging.getLogger(__name__)

blueprint = APIBlueprint("builds", __name__, url_prefix="/api/apps/<environment>/<app>/builds")
blueprint.record(Number.tell)


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List the newest hundred, newest first."""
    with services().database.read() as tx:
        return [rows.build(found) for found in builds.list_builds(tx, app_named().id)]


@blueprint.get("/<number:number>")
def show(environment: str, app: str, number: int) -> rows.Row:
    """Show one, with the number of the rollout it led to."""
    with services().database.read() as tx:
        return _whole(tx, verbs.find(tx, app_named(), number))


@blueprint.post("/purge")
def purge(environment: str, app: str) -> rows.Row:
    """Remove all that the app's builds have kept for the next ones."""
    found = app_named()
    with exclusive(services().instance.layout.locks / f"build-{found.id}") as is_idle:
        if not is_idle:
            message = f"A build of {found.label} is at work, with what is to be removed."
            raise Conflict(message, "Wait for its end, or give it up: stratum builds cancel N.")
        services().door.empty_cache(found.id)
    services().nudges.build(found.id)  # one that came meanwhile has found the lock held
    return {"changed": True}


@blueprint.post("/<number:number>/cancel")
def cancel(environment: str, app: str, number: int) -> rows.Row:
    """Give one up; a build that runs, or the release phase of one, is ended at once by whoever runs it."""
    with services().database.write() as tx:
        build = verbs.cancel(tx, again(tx), number, who=caller().name)
        if build.state is BuildState.CANCELED:
            _tell(build)
        answer = _whole(tx, build)
    if build.state is BuildState.CANCELED:
        spool.remove(services().instance.layout, build)
        services().nudges.build(build.app_id)  # the builder removes what was built
    if build.state is BuildState.SUCCEEDED:
        services().nudges.rollout(build.app_id)  # which may wait for a place
    return answer


@blueprint.post("/<number:number>/retry")
def retry(environment: str, app: str, number: int) -> rows.Row:
    """Build its commit once more, with the same options."""
    with services().database.write() as tx:
        build = verbs.retry(tx, again(tx), number, who=caller().name)
    services().nudges.build(build.app_id)
    return {"changed": True, "build": build.number}


@blueprint.get("/<number:number>/log")
@blueprint.input(Following, location="query")
def log_of(environment: str, app: str, number: int, query_data: Following) -> Response:
    """Stream its log as text; with `follow` until build and rollout are settled."""
    with services().database.read() as tx:
        found = verbs.find(tx, app_named(), number)
    with ExitStack() as held:
        held.enter_context(services().places.for_stream())
        chunks = streams.build_log(services(), found, query_data, streams.client())
        return streams.answer(chunks, held)


def _whole(tx: Transaction, build: Build) -> rows.Row:
    made = None if build.release_id is None else releases.get_release(tx, build.release_id)
    return rows.whole_build(build, rollouts.rollout_of_build(tx, build.id), made)


def _tell(build: Build) -> None:
    """Give those who follow it a last line, before its end can be seen."""
    try:
        with Log(services().instance.layout.build_log(build.app_id, build.number)) as lines:
            lines.error(f"Build canceled: {build.error}")
    except OSError as error:
        log.warning("the log of build %d of app %d: %s", build.number, build.app_id, error)
