"""GitLab's deliveries. Pure.

Source: docs.gitlab.com, "Webhook events", push, tag push, merge request and pipeline events.
"""

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.reading import Part
from stratum.errors import DeliveryMalformed
from stratum.model import PullRequest

_PUSHES = ("push", "tag_push")
_ACTIONS = ("open", "reopen", "update", "close", "merge")


def gitlab(delivery: Delivery) -> Event:
    """Read a delivery; whether a push was forced it does not say, so its paths are not sure."""
    name = delivery.first("x-gitlab-event")
    if not name:
        reason = "no header names its event (X-Gitlab-Event)"
        raise DeliveryMalformed(reason)
    # Not x-gitlab-event-uuid: a push that a web hook has led to shares it with the push before.
    delivery_id = delivery.first("webhook-id", "idempotency-key")
    body = Part.read(delivery)
    kind = body.text("object_kind") or body.text("event_name")
    if kind == "pipeline":
        commit = body.needed("object_attributes").commit("sha")
        return Event(Kind.CHECKS, name, delivery_id, checked=(commit,) if commit else ())
    if kind == "merge_request":
        return _merging(body, name, delivery_id)
    if kind not in _PUSHES:
        return Event(Kind.OTHER, name, delivery_id)
    new = body.commit("after")
    messages = (one.text("message") for one in body.parts("commits") if one.text("id") == new)
    change = Change(body.ref("ref"), body.commit("before"), new, next(messages, ""))
    project = body.part("project")
    return Event(
        Kind.PUSH, name, delivery_id, (change,), project.text("path_with_namespace") if project else ""
    )


def _merging(body: Part, name: str, delivery_id: str) -> Event:
    """Read what is told of a merge request; an update without `oldrev` has pushed nothing."""
    told = body.needed("object_attributes")
    action = told.text("action")
    if action not in _ACTIONS or (action == "update" and not told.text("oldrev")):
        return Event(Kind.OTHER, f"{name} {action}".rstrip(), delivery_id)
    number, source, target = told.number("iid"), told.part("source"), told.needed("target")
    last = told.part("last_commit")
    pull = PullRequest(
        number=number,
        is_open=told.text("state") == "opened",
        ref=f"refs/merge-requests/{number}/head",
        branch=told.short("source_branch"),
        commit=last.commit("id") if last else "",
        source=source.short("path_with_namespace") if source else "",
        target=target.short("path_with_namespace"),
        is_fork=told.value.get("source_project_id") != told.number("target_project_id"),
        at=told.moment("updated_at"),
    )
    return Event(Kind.PULL, name, delivery_id, repository=pull.target, pull=pull)
