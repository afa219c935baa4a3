"""What a web hook that waits for checks deploys, and when: the commit of a delivery, once they are green."""

from hooks.parts import Parts
from hooks.policy import ZERO
from hooks.upstream.waiting import Waiting
from hooks.webhooks.fetching import Scratch
from stratum.model import RecordedDelivery, Upstream, Webhook
from stratum.queue import waiting
from stratum.store.clock import now


class NotDeployed(Exception):
    """There is nothing to do about a delivery.

    Attributes:
        reason: a clause.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def await_green(found: Parts, webhook: Webhook, upstream: Upstream, delivery: RecordedDelivery) -> None:
    """Return if the checks of a delivery's commit are green.

    Raises:
        Red, TooLate, Held: they are not.
        InvalidInput: the git server has no API that is known.
    """
    # Only now: a fetcher whose web hooks wait for nothing does not load what that needs.
    from hooks.upstream.checks import await_checks
    from hooks.upstream.exchange import Exchange

    exchange = Exchange.of(found.instance, webhook, upstream)
    with waiting():  # for a server elsewhere, which may be slow
        await_checks(exchange, Waiting(delivery, upstream.ci_limit_s, now()))


def checked_commit(delivery: RecordedDelivery, scratch: Scratch, tip: str, deployed: str) -> str:
    """Return the commit whose checks were looked at, if that is to be deployed.

    Args:
        tip: where its branch is by now, which may be further.
        deployed: where the app's own branch is.

    Raises:
        NotDeployed: the branch has left it, or a later one is deployed.
    """
    commit = delivery.commit
    if commit in (tip, deployed):
        return commit
    if not scratch.leads_to(tip, commit):
        reason = f"{delivery.branch} has left {commit[:7]} meanwhile"
        raise NotDeployed(reason)
    if deployed != ZERO and scratch.leads_to(deployed, commit):
        reason = "a later commit was deployed before its checks had ended"
        raise NotDeployed(reason)
    return commit
