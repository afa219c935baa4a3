"""What is to be done about an event: which branch of it is deployed, or why none is. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hooks.policy import BRANCHES, FIRST_BRANCHES, TAGS, short
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.filters import asks_to_skip, choose_any, chooses
from hooks.webhooks.source import Source
from stratum.model import App, PullRequest, Webhook

SHOWN = 3  # refs named one by one
MAX_SHOWN = 80  # characters of what a sender calls something


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done.

    Attributes:
        change: that is to be deployed; None: nothing is.
        reason: why not, a clause.
        pull: that is to be followed; None: none is.
    """

    change: Change | None
    reason: str = ""
    pull: PullRequest | None = None

    @property
    def branch(self) -> str:
        """Name what is to be fetched; empty: nothing is."""
        if self.change is not None:
            return short(self.change.ref)
        return self.pull.branch if self.pull else ""

    @property
    def commit(self) -> str:
        """Return the commit that it is said to be at."""
        if self.change is not None:
            return self.change.new
        return self.pull.commit if self.pull else ""


def decide(app: App, webhook: Webhook, event: Event, at: Callable[[str], str]) -> Decision:
    """Choose the last of the changes that the web hook deploys: a delivery leads to one build at most.

    Args:
        at: tells at which commit a branch of the app's own repository is.
    """
    if event.kind is Kind.PING:
        return Decision(None, "a ping; all is well")
    if event.kind is Kind.CHECKS:
        return Decision(None, f"it tells of checks of {', '.join(one[:7] for one in event.checked)}")
    if event.pull is not None:
        return _about(webhook, event.pull)
    if event.kind is Kind.OTHER:
        return Decision(None, f"the event {event.name[:MAX_SHOWN]!r} deploys nothing")
    reasons = {change: _against(app, webhook, change, at) for change in event.changes}
    chosen = [change for change, reason in reasons.items() if not reason]
    if chosen:
        return Decision(chosen[-1])
    return Decision(None, _joined(reasons.values()) or "it tells of no ref")


def deploy_branch(app: App, branch: str) -> str:
    """Return which branch of the app's own repository a branch elsewhere becomes."""
    return app.deploy_branch or (branch if branch in FIRST_BRANCHES else FIRST_BRANCHES[1])


def _about(webhook: Webhook, pull: PullRequest) -> Decision:
    """See that a pull request is of what is fetched: its number means another one elsewhere.

    A web hook of a whole group or organisation tells of all its repositories, with one secret.
    """
    path = "/" + Source.read(webhook.clone_url).path.removesuffix("/").removesuffix(".git").lower()
    if pull.target and path.endswith(f"/{pull.target.lower()}"):
        return Decision(None, pull=pull)
    return Decision(
        None, f"pull request {pull.number} is of {pull.target[:MAX_SHOWN]!r}, which is not what is fetched"
    )


def _against(app: App, webhook: Webhook, change: Change, at: Callable[[str], str]) -> str:
    """Say why a change is not deployed; empty when it is."""
    branch = short(change.ref)
    if change.ref.startswith(TAGS):
        return f"{branch} is a tag, and tags deploy nothing"
    if not change.ref.startswith(BRANCHES):
        return f"{change.ref} is no branch"
    if not change.new:
        return f"{branch} was deleted, which deploys nothing"
    filtered = _filtered(app, webhook, change, branch)
    if filtered or change.paths is None or at(deploy_branch(app, branch)) != change.old:
        return filtered  # what differs from what is deployed has to be fetched to be known
    if not choose_any(webhook.paths, change.paths):
        return f"nothing differs among its paths ({', '.join(webhook.paths[:SHOWN])})"
    return ""


def _filtered(app: App, webhook: Webhook, change: Change, branch: str) -> str:
    wished = webhook.branches or ((app.deploy_branch,) if app.deploy_branch else FIRST_BRANCHES)
    if not chooses(wished, branch):
        return f"{branch} is not among its branches ({', '.join(wished[:SHOWN])})"
    if asks_to_skip(change.message):
        return f"the newest commit of {branch} says [skip deploy]"
    return ""


def _joined(reasons: Iterable[str]) -> str:
    found = list(reasons)
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more
