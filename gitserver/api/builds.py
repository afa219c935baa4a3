"""Builds of an app and their logs."""

from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response

from gitserver.api import rows, streams
from gitserver.api.access import app_named
from gitserver.api.shapes import Following, Number
from gitserver.services import services
from stratum.errors import NotFound
from stratum.model import Build
from stratum.store import Transaction, builds, rollouts

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
        found = _build(tx, number)
        rollout = rollouts.rollout_of_build(tx, found.id)
    return {**rows.build(found), "rollout": None if rollout is None else rollout.number}


@blueprint.get("/<number:number>/log")
@blueprint.input(Following, location="query")
def log(environment: str, app: str, number: int, query_data: Following) -> Response:
    """Stream its log as text; with `follow` until build and rollout are settled."""
    with services().database.read() as tx:
        found = _build(tx, number)
    with ExitStack() as held:
        if query_data.follow:
            held.enter_context(services().places.for_stream())
        chunks = streams.build_log(services(), found, query_data, streams.client())
        return streams.answer(chunks, held)


def _build(tx: Transaction, number: int) -> Build:
    found = builds.find_build(tx, app_named().id, number)
    if found is None:
        raise NotFound("build", str(number), "stratum builds lists them.")
    return found
