"""What the replay of a delivery is to fetch: of one that was ignored, what its web hook says by now.

It was signed when it came, and what is read again is our own record of it; so it is not checked once more.
What was refused stays refused: nobody knows who had sent it.
"""

from hooks.parts import Parts
from hooks.webhooks.deciding import decide
from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Event
from hooks.webhooks.intake import places
from hooks.webhooks.providers import DIALECTS
from stratum.errors import Conflict, DeliveryMalformed
from stratum.model import App, DeliveryState, RecordedDelivery, Webhook
from stratum.store import deliveries, webhooks
from stratum.verbs import webhooks as verbs


def wanted(parts: Parts, app: App, number: int) -> verbs.Again:
    """Return what to fetch.

    Raises:
        NotFound: the app has no such delivery.
        Conflict: it was ignored, and would be again, or it is not kept whole.
    """
    with parts.database.read() as tx:
        found = verbs.delivery(tx, app, number)
        webhook = webhooks.get_webhook(tx, found.webhook_id)
        body = deliveries.body_of(tx, number)
    if found.branch or found.state is not DeliveryState.IGNORED or webhook is None:
        return verbs.Again(found.branch, found.commit, found.pull)
    decision = decide(app, webhook, _event(found, webhook, body), places(parts, app))
    if decision.change is None and decision.pull is None:
        message = f"Delivery {number} would be ignored again: {decision.reason}."
        raise Conflict(message, "Change what its web hook deploys: stratum webhooks set ID.")
    return verbs.Again(decision.branch, decision.commit, decision.pull)


def _event(found: RecordedDelivery, webhook: Webhook, body: bytes) -> Event:
    try:
        return DIALECTS[webhook.provider].read(Delivery(found.headers, body))
    except DeliveryMalformed as error:  # of long ones, and of all but the newest, the body is not kept
        message = f"Delivery {found.id} was ignored, and is not kept whole."
        raise Conflict(message, "Have the sender send it again.") from error
