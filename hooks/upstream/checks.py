"""What others say of a commit at its git server: whether its checks are green.

What Stratum says itself, this one or another, never counts, or two that deploy one commit would wait for
each other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hooks.upstream.check import Check, State
from hooks.upstream.exchange import Exchange, said
from hooks.upstream.waiting import Waiting
from stratum.webhooks import Provider

MAX_PAGES = 10
_OURS = ("stratum/", "stratum-")
_DATA_CENTER, _BUILDS = "/rest/api/latest", "/rest/build-status/1.0"


@dataclass(frozen=True, slots=True)
class _Pages:
    """How a list comes in pages.

    Attributes:
        within: the field that has the rows; empty: the answer is the list.
        query: ends in the parameter that says how many are on a page.
        size: as many as there may be on one.
        is_full: whether only the last has fewer; else an operator may have set less.
    """

    within: str
    query: str = "page={page}&per_page"
    size: int = 100
    is_full: bool = True


class Unseen(Exception):
    """The checks cannot be looked at, now.

    Attributes:
        reason: a clause without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def checks(provider: Provider, exchange: Exchange, commit: str) -> list[Check]:
    """Return the checks of a commit, but for ours.

    Raises:
        Unseen: the git server does not tell, now.
    """
    found = _READERS[provider](exchange, commit)
    return [one for one in found if not one.name.startswith(_OURS)]


def await_checks(exchange: Exchange, waiting: Waiting) -> None:
    """Return if a delivery's commit has checks, and all are green.

    Raises:
        Red, TooLate, Held: it is not so.
    """
    commit = waiting.delivery.commit
    try:
        found = checks(exchange.provider, exchange, commit)
    except Unseen as error:
        waiting.hold(f"the checks of {commit[:7]}, which cannot be seen: {error.reason}")
    else:
        waiting.decide(found)


def _github(exchange: Exchange, commit: str) -> Iterator[Check]:
    """Read commit statuses and check runs, and the suites of these, which may have more runs to come.

    A suite without runs is of an app that watches the repository and has nothing to say.

    Source: docs.github.com, "REST API endpoints for commit statuses", "… check runs", "… check suites".
    """
    at = f"/repos/{exchange.repository.path}/commits/{commit}"
    for row in _listed(exchange, f"{at}/status", _Pages("statuses")):
        yield Check(_text(row, "context"), _STATUS.get(_text(row, "state"), State.OPEN))
    for row in _listed(exchange, f"{at}/check-runs", _Pages("check_runs")):
        yield Check(_text(row, "name"), _ended(row))
    for row in _listed(exchange, f"{at}/check-suites", _Pages("check_suites")):
        if row.get("latest_check_runs_count") and _text(row, "status") != _COMPLETED:
            app = row.get("app")
            yield Check(_text(app if isinstance(app, dict) else {}, "name") or "checks", State.OPEN)


def _gitea(exchange: Exchange, commit: str) -> Iterator[Check]:
    """Source: Gitea's and Forgejo's `/swagger.v1.json`, CombinedStatus."""
    at = f"/repos/{exchange.repository.path}/commits/{commit}/status"
    for row in _listed(exchange, at, _Pages("statuses", "page={page}&limit", 50, is_full=False)):
        state = _text(row, "status") or _text(row, "state")
        yield Check(_text(row, "context"), _STATUS.get(state, State.OPEN))


def _gitlab(exchange: Exchange, commit: str) -> Iterator[Check]:
    """Read the jobs and the statuses of a commit; a pipeline may have none, as where its file is wrong.

    Source: docs.gitlab.com, "Commits API", list commit statuses, and get a commit, last_pipeline.
    """
    at = f"/projects/{exchange.repository.key}/repository/commits/{commit}"
    found = list(_listed(exchange, f"{at}/statuses", _Pages("")))
    for row in found:
        may_fail = row.get("allow_failure") is True
        state = _GITLAB.get(_text(row, "status"), State.OPEN)
        is_left = may_fail and (state is State.RED or _text(row, "status") == "manual")
        yield Check(_text(row, "name"), State.GREEN if is_left else state)
    if not found:
        pipeline = _page(exchange, at).get("last_pipeline")
        if isinstance(pipeline, dict):
            yield Check("pipeline", _GITLAB.get(_text(pipeline, "status"), State.OPEN))


def _cloud(exchange: Exchange, commit: str) -> Iterator[Check]:
    """Source: developer.atlassian.com/cloud/bitbucket/rest, "Commit statuses", list for a commit."""
    at = f"/repositories/{exchange.repository.path}/commit/{commit}/statuses"
    return _bitbucket(_listed(exchange, at, _Pages("values", "page={page}&pagelen")))


def _data_center(exchange: Exchange, commit: str) -> Iterator[Check]:
    """Source: confluence.atlassian.com, "Bitbucket Data Center REST API", build status of a commit."""
    base = exchange.repository.base.removesuffix(_DATA_CENTER) + _BUILDS
    pages = _Pages("values", "start={start}&limit")
    return _bitbucket(_listed(exchange.elsewhere(base), f"/commits/{commit}", pages))


def _bitbucket(rows: Iterator[dict[str, Any]]) -> Iterator[Check]:
    for row in rows:
        key = _text(row, "key")
        name = key if key.startswith(_OURS) else _text(row, "name") or key
        yield Check(name, _BITBUCKET.get(_text(row, "state"), State.OPEN))


def _listed(exchange: Exchange, below: str, pages: "_Pages") -> Iterator[dict[str, Any]]:
    """Yield the rows of all pages.

    Raises:
        Unseen: they do not end, so that a red one may be among what is left.
    """
    before = None
    for number in range(MAX_PAGES):
        query = pages.query.format(page=number + 1, start=number * pages.size)
        page = _page(exchange, f"{below}?{query}={pages.size}")
        rows = page.get(pages.within)
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if not found or found == before:
            return
        yield from found
        before = found
        is_last = pages.is_full and len(found) < pages.size
        if is_last and not page.get("next") and page.get("isLastPage") is not False:
            return
    reason = f"they are more than {MAX_PAGES} pages"
    raise Unseen(reason)


def _page(exchange: Exchange, below: str) -> dict[str, Any]:
    """Ask for a page; a list is put into the field without a name."""
    answer = exchange.get(below)
    if answer.error:
        raise Unseen(answer.error)
    found = said(answer)
    if isinstance(found, list):
        return {"": found}
    if not isinstance(found, dict):
        reason = "the answer is no JSON"
        raise Unseen(reason)
    return found


def _ended(run: Mapping[str, Any]) -> State:
    if _text(run, "status") != _COMPLETED:
        return State.OPEN
    return State.GREEN if _text(run, "conclusion") in ("success", "neutral", "skipped") else State.RED


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""


_COMPLETED = "completed"
_STATUS = {
    "success": State.GREEN,
    "warning": State.GREEN,  # Gitea's
    "skipped": State.GREEN,
    "failure": State.RED,
    "error": State.RED,
}
_GITLAB = {"success": State.GREEN, "skipped": State.GREEN, "failed": State.RED, "canceled": State.RED}
_BITBUCKET = {
    "SUCCESSFUL": State.GREEN,
    "FAILED": State.RED,
    "STOPPED": State.RED,
    "CANCELLED": State.RED,
}
_READERS: Mapping[Provider, Callable[[Exchange, str], Iterator[Check]]] = {
    Provider.GITHUB: _github,
    Provider.GITLAB: _gitlab,
    Provider.GITEA: _gitea,
    Provider.BITBUCKET: _cloud,
    Provider.BITBUCKET_DC: _data_center,
}
