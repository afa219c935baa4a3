"""GitLab's deliveries. Pure.

Source: docs.gitlab.com, "Webhook events", push, tag push and pipeline events.
"""

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.reading import Part
from stratum.errors import DeliveryMalformed

_PUSHES = ("push", "tag_push")


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
    if kind not in _PUSHES:
        return Event(Kind.OTHER, name, delivery_id)
    new = body.commit("after")
    messages = (one.text("message") for one in body.parts("commits") if one.text("id") == new)
    change = Change(body.ref("ref"), body.commit("before"), new, next(messages, ""))
    project = body.part("project")
    return Event(
        Kind.PUSH, name, delivery_id, (change,), project.text("path_with_namespace") if project else ""
    )
