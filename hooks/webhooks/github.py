"""GitHub's deliveries, and those of Gitea, Forgejo and Gogs, which have the same shape. Pure.

Source: docs.github.com, "Webhook events and payloads", push and pull_request; docs.gitea.com, "Webhooks";
and Gitea's services/webhook, by which what is pushed to a pull request may be a `pull_request_sync`.
"""

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.reading import Part
from stratum.errors import DeliveryMalformed
from stratum.model import PullRequest

_CHECKS = ("status", "check_run", "check_suite", "workflow_run")
MOST_COMMITS = 20  # a sender may name no more of a push, so that with so many some may be left out


_PULLS = ("pull_request", "pull_request_sync")
_ACTIONS = ("opened", "reopened", "synchronize", "synchronized", "closed")


def github(delivery: Delivery) -> Event:
    """Read a delivery of GitHub's."""
    return _read(delivery, delivery.first("x-github-event"), delivery.first("x-github-delivery"))


def gitea(delivery: Delivery) -> Event:
    """Read a delivery of Gitea's, Forgejo's or Gogs'."""
    names = ("x-forgejo", "x-gitea", "x-gogs")
    event = delivery.first(*(f"{name}-event" for name in names))
    return _read(delivery, event, delivery.first(*(f"{name}-delivery" for name in names)))


def _read(delivery: Delivery, name: str, delivery_id: str) -> Event:
    if not name:
        reason = "no header names its event"
        raise DeliveryMalformed(reason)
    body = Part.read(delivery)
    if name in _CHECKS:
        return Event(Kind.CHECKS, name, delivery_id, checked=_checked(body, name))
    if name in _PULLS:
        return _pulled(body, name, delivery_id)
    if name != "push":
        return Event(Kind.PING if name == "ping" else Kind.OTHER, name, delivery_id)
    return Event(Kind.PUSH, name, delivery_id, (_change(body),), _repository(body))


def _checked(body: Part, name: str) -> tuple[str, ...]:
    """Name the commit that checks are of; docs.github.com, "Webhook events and payloads"."""
    commit = body.commit("sha") if name == "status" else body.needed(name).commit("head_sha")
    return (commit,) if commit else ()


def _pulled(body: Part, name: str, delivery_id: str) -> Event:
    """Read what is told of a pull request; drafts are as good as others."""
    action = body.text("action")
    if action not in _ACTIONS:
        return Event(Kind.OTHER, f"{name} {action}".rstrip(), delivery_id)
    told, number = body.needed("pull_request"), body.number("number")
    head, base = told.needed("head"), told.needed("base")
    source, target = _repository(head, "repo"), _repository(base, "repo")
    pull = PullRequest(
        number=number,
        is_open=told.text("state") == "open",
        ref=f"refs/pull/{number}/head",
        branch=head.short("ref"),
        commit=head.commit("sha"),
        source=source,
        target=target,
        is_fork=not source or source.lower() != target.lower(),
        at=told.moment("updated_at"),
    )
    return Event(Kind.PULL, name, delivery_id, repository=target, pull=pull)


def _change(body: Part) -> Change:
    old, new = body.commit("before"), body.commit("after")
    if body.truth("deleted"):
        new = ""
    return Change(body.ref("ref"), old, new, _message(body, new), _paths(body, old))


def _message(body: Part, new: str) -> str:
    head = body.part("head_commit")
    if head is not None:
        return head.text("message")
    return next((one.text("message") for one in body.parts("commits") if one.text("id") == new), "")


def _paths(body: Part, old: str) -> frozenset[str] | None:
    """Name what differs, if that is sure: what a forced push leaves out is in none of its commits."""
    commits = body.parts("commits")
    if body.truth("forced") is not False or not old or not 0 < len(commits) < MOST_COMMITS:
        return None
    kinds = ("added", "modified", "removed")
    return frozenset(path for commit in commits for kind in kinds for path in commit.texts(kind))


def _repository(body: Part, name: str = "repository") -> str:
    found = body.part(name)
    return found.text("full_name") if found else ""
