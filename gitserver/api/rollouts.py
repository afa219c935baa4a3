"""Rollouts: what became of a change, process by process."""

import time

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import app_named
from gitserver.api.shapes import Number, Wait
from gitserver.services import services
from stratum.errors import NotFound
from stratum.model import Rollout
from stratum.store import rollouts

POLL_S = 0.03

blueprint = APIBlueprint("rollouts", __name__, url_prefix="/api/apps/<environment>/<app>/rollouts")
blueprint.record(Number.tell)


@blueprint.get("/<number:number>")
@blueprint.input(Wait, location="query")
def show(environment: str, app: str, number: int, query_data: Wait) -> rows.Row:
    """Show one; with `wait_s` when it is as far, or at the latest after that time as it then is.

    While too many wait, it is shown at once.
    """
    with services().places.for_poll() as place:
        deadline = time.monotonic() + (query_data.wait_s if place else 0)
        while not _is_there(found := _rollout(number), query_data.until) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    return {**rows.rollout(found), "done": _is_there(found, query_data.until)}


def _is_there(rollout: Rollout, until: str) -> bool:
    return rollout.finished_at is not None if until == "ended" else rollout.state.is_settled


def _rollout(number: int) -> Rollout:
    with services().database.read() as tx:
        found = rollouts.find_rollout(tx, app_named().id, number)
    if found is None:
        raise NotFound("rollout", str(number))
    return found
