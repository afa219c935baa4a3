"""Deliveries of whoever signs as Standard Webhooks has it, such as a CI job or a script. Pure.

The body is `{"type": "push", "data": {"ref": "refs/heads/main", "after": "<commit>"}}`; the type `ping`
only asks for an answer.
"""

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.reading import Part
from stratum.errors import DeliveryMalformed

_SHOWN = 80  # characters of a type that is not ours


def generic(delivery: Delivery) -> Event:
    """Read a delivery."""
    delivery_id, body = delivery.first("webhook-id"), Part.read(delivery)
    name = body.text("type")
    if name != "push":
        return Event(Kind.PING if name == "ping" else Kind.OTHER, name[:_SHOWN], delivery_id)
    data = body.needed("data")
    if not data.text("after"):  # a branch that was deleted has zeros there
        reason = f"{data.where}after is missing"
        raise DeliveryMalformed(reason)
    change = Change(data.ref("ref"), data.commit("before"), data.commit("after"), data.text("message"))
    return Event(Kind.PUSH, name, delivery_id, (change,), data.text("repository"))
