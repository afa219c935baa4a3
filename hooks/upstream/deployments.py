"""GitHub's deployments: one for each build, whose state follows that of the build and its release.

Source: docs.github.com, "REST API endpoints for deployments" and "… for deployment statuses".
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from hooks.outgoing.http import Answer
from hooks.upstream.exchange import Exchange, said
from stratum.model import Verdict

INACTIVE = "inactive"
_STATES = {
    Verdict.PENDING: "in_progress",
    Verdict.SUCCESS: "success",
    Verdict.FAILURE: "failure",
    Verdict.ERROR: "error",
    Verdict.CANCELED: "error",
}
_NO_ID = "its answer names no deployment"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is said of a build.

    Attributes:
        payload: tells the builds of a commit, and of several web hooks, apart.
        environment: what GitHub shows it as: `app02.MyProdEnv`.
        address: where the app is reached.
    """

    commit: str
    payload: str
    environment: str
    is_production: bool
    state: str
    description: str
    log_url: str
    address: str


def state(verdict: Verdict, *, is_current: bool) -> str:
    """Return GitHub's word for how a deployment is.

    Args:
        is_current: the app's current release is what its build has made.
    """
    return INACTIVE if verdict is Verdict.SUCCESS and not is_current else _STATES[verdict]


def deploy(
    exchange: Exchange, one: Deployment, known: str, *, may_be_there: bool, note: Callable[[str], object]
) -> Answer:
    """Say how a deployment is, and make it before if it is not there.

    Args:
        known: GitHub's id of it; empty: not known.
        may_be_there: somebody may have made it, and been killed before it was noted.
        note: is called with the id of one that was made, or found.
    """
    if not known and may_be_there:
        answer = exchange.get(
            f"{_all(exchange)}?{urlencode({'sha': one.commit, 'environment': one.environment})}"
        )
        if answer.error:
            return answer
        known = _found(answer, one)
    if not known:
        answer = exchange.post(_all(exchange), _new(one))
        if answer.error:
            return answer
        known = _id(said(answer))
        if not known:
            return Answer(answer.status, _NO_ID)
    note(known)
    return exchange.post(f"{_all(exchange)}/{known}/statuses", _status(one))


def _all(exchange: Exchange) -> str:
    return f"/repos/{exchange.repository.path}/deployments"


def _new(one: Deployment) -> bytes:
    """Ask for no merge, and for no checks: what is built here is built already."""
    body = {
        "ref": one.commit,
        "environment": one.environment,
        "auto_merge": False,
        "required_contexts": [],
        "payload": one.payload,
        "description": one.payload,
        "production_environment": one.is_production,
        "transient_environment": False,
    }
    return json.dumps(body).encode()


def _status(one: Deployment) -> bytes:
    body = {
        "state": one.state,
        "description": one.description,
        "log_url": one.log_url,
        "environment_url": one.address,
        "auto_inactive": False,  # GitHub would do it only where it is no production; we do it everywhere
    }
    return json.dumps(body).encode()


def _found(answer: Answer, one: Deployment) -> str:
    rows = said(answer)
    mine = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return next((_id(row) for row in mine if row.get("payload") == one.payload), "")


def _id(row: object) -> str:
    found = row.get("id") if isinstance(row, dict) else None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""
