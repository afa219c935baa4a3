"""Deliveries of Bitbucket Cloud and of Bitbucket Data Center, of which one may tell of several refs. Pure.

Neither has a pull request's commits in the repository that it is to be merged into, but where it comes from
the same: Data Center's `refs/pull-requests/` are internal, and follow late (community.atlassian.com, 772142).

Source: support.atlassian.com, "Event payloads" (Cloud); confluence.atlassian.com, "Event payload"
(Data Center 8.19).
"""

from hooks.webhooks.delivery import Delivery
from hooks.webhooks.event import Change, Event, Kind
from hooks.webhooks.reading import Part
from stratum.errors import DeliveryMalformed
from stratum.model import PullRequest

_WITHIN = {"branch": "refs/heads/", "named_branch": "refs/heads/", "bookmark": "refs/heads/"}
_CHECKS = ("repo:commit_status_created", "repo:commit_status_updated")
_TAGS = "refs/tags/"
_CLOUD_PULLS = ("pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected")
_PULLS = ("pr:opened", "pr:from_ref_updated", "pr:merged", "pr:declined", "pr:deleted")


def cloud(delivery: Delivery) -> Event:
    """Read a delivery of Bitbucket Cloud."""
    name, delivery_id = _name(delivery), delivery.first("x-request-uuid")
    body = Part.read(delivery)
    if name in _CHECKS:
        return Event(Kind.CHECKS, name, delivery_id, checked=_checked(body))
    if name in _CLOUD_PULLS:
        return _pulled(name, delivery_id, _cloud_pull(body.needed("pullrequest")))
    if name != "repo:push":
        return Event(_kind(name), name, delivery_id)
    changes = tuple(_cloud_change(one) for one in body.needed("push").parts("changes"))
    repository = body.part("repository")
    return Event(Kind.PUSH, name, delivery_id, changes, repository.text("full_name") if repository else "")


def data_center(delivery: Delivery) -> Event:
    """Read a delivery of Bitbucket Data Center."""
    name, delivery_id = _name(delivery), delivery.first("x-request-id")
    body = Part.read(delivery)
    if name in _PULLS:
        return _pulled(name, delivery_id, _data_center_pull(name, body.needed("pullRequest")))
    if name != "repo:refs_changed":
        return Event(_kind(name), name, delivery_id)
    changes = tuple(_data_center_change(body, one) for one in body.parts("changes"))
    return Event(Kind.PUSH, name, delivery_id, changes, _slug(body))


def _checked(body: Part) -> tuple[str, ...]:
    """Name the commit that a status is of, which stands at the end of its address."""
    status = body.needed("commit_status")
    links = status.part("links")
    link = links.part("commit") if links else None
    if link is None:
        return ()
    last = link.text("href").rstrip("/").rpartition("/")[2]
    commit = Part({"href": last}, link.where).commit("href")
    return (commit,) if commit else ()


def _name(delivery: Delivery) -> str:
    name = delivery.first("x-event-key")
    if not name:
        reason = "no header names its event (X-Event-Key)"
        raise DeliveryMalformed(reason)
    return name


def _kind(name: str) -> Kind:
    return Kind.PING if name == "diagnostics:ping" else Kind.OTHER


def _cloud_change(change: Part) -> Change:
    old, new = change.part("old"), change.part("new")
    ref = new or old
    if ref is None:
        reason = f"{change.where}new and old are both missing"
        raise DeliveryMalformed(reason)
    name = ref.ref("name", within=_WITHIN.get(ref.text("type"), _TAGS))
    head = new.needed("target") if new else None
    before = old.needed("target").commit("hash") if old else ""
    return Change(name, before, head.commit("hash") if head else "", head.text("message") if head else "")


def _data_center_change(body: Part, change: Part) -> Change:
    new = "" if change.text("type") == "DELETE" else change.commit("toHash")
    head = body.part("toCommit")
    message = head.text("message") if head and head.text("id") == new else ""
    return Change(change.needed("ref").ref("id"), change.commit("fromHash"), new, message)


def _pulled(name: str, delivery_id: str, pull: PullRequest) -> Event:
    return Event(Kind.PULL, name, delivery_id, repository=pull.target, pull=pull)


def _cloud_pull(told: Part) -> PullRequest:
    head = told.needed("source")
    source, target = _full_name(head), _full_name(told.needed("destination"))
    is_fork = not source or source.lower() != target.lower()
    branch, commit = head.needed("branch"), head.part("commit")
    return PullRequest(
        number=told.number("id"),
        is_open=told.text("state") == "OPEN",
        ref="" if is_fork else branch.ref("name", within="refs/heads/"),
        branch=branch.short("name"),
        commit=commit.beginning("hash") if commit else "",
        source=source,
        target=target,
        is_fork=is_fork,
        at=told.moment("updated_on"),
    )


def _data_center_pull(name: str, told: Part) -> PullRequest:
    head = told.needed("fromRef")
    source, target = _slug(head), _slug(told.needed("toRef"))
    is_fork = not source or source.lower() != target.lower()
    return PullRequest(
        number=told.number("id"),
        is_open=told.text("state") == "OPEN" and name != "pr:deleted",
        ref="" if is_fork else head.ref("id"),
        branch=head.short("displayId"),
        commit=head.commit("latestCommit"),
        source=source,
        target=target,
        is_fork=is_fork,
        at=told.moment("updatedDate"),
    )


def _full_name(side: Part) -> str:
    repository = side.part("repository")
    return repository.short("full_name") if repository else ""


def _slug(body: Part) -> str:
    repository = body.part("repository")
    project = repository.part("project") if repository else None
    if repository is None or project is None:
        return ""
    return f"{project.text('key')}/{repository.text('slug')}"
