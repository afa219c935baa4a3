"""Rollouts: what became of a change, process by process."""

import time

from apiflask import APIBlueprint

from gitserver.api import rows
from gitserver.api.access import app_named
from gitserver.api.shapes import Number, Wait
from gitserver.api.streams import client
from gitserver.services import services
from gitserver.watch import Subject
from stratum.errors import NotFound
from stratum.model import Rollout
from stratum.store import rollouts
from stratum.store.progress import RolloutProgress

blueprint = APIBlueprint("rollouts", __name__, url_prefix="/api/apps/<environment>/<app>/rollouts")
blueprint.record(Number.tell)


@blueprint.get("/<number:number>")
@blueprint.input(Wait, location="query")
def show(environment: str, app: str, number: int, query_data: Wait) -> rows.Row:
    """Show one; with `wait_s` when it is as far, or at the latest after that time as it then is.

    While too many wait, it is shown at once.
    """
    found = _rollout(number)
    with services().places.for_poll() as place:
        if place and not _is_there(found, query_data.until):
            _await(found, query_data)
            found = _rollout(number)
    return {**rows.rollout(found), "done": _is_there(found, query_data.until)}


def _await(rollout: Rollout, wanted: Wait) -> None:
    """Sleep until it is as far, the time is over, or the caller has gone."""
    deadline = time.monotonic() + wanted.wait_s
    caller = client()
    with services().watcher.watching(Subject(rollout=rollout.id), caller) as watch:
        while (left_s := deadline - time.monotonic()) > 0 and not caller.is_gone():
            news = watch.news.rollout
            if watch.news.is_gone or (news is not None and _has_come(news, wanted.until)):
                return
            watch.wait(left_s)


def _is_there(rollout: Rollout, until: str) -> bool:
    return _has_come(RolloutProgress(rollout.state, rollout.finished_at is not None), until)


def _has_come(progress: RolloutProgress, until: str) -> bool:
    return progress.is_ended if until == "ended" else progress.state.is_settled


def _rollout(number: int) -> Rollout:
    with services().database.read() as tx:
        found = rollouts.find_rollout(tx, app_named().id, number)
    if found is None:
        raise NotFound("rollout", str(number))
    return found
