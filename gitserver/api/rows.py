"""Values of the model as JSON objects. Times are ISO 8601 in UTC; nothing secret passes here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from hooks.webhooks.ssh.keys import fingerprint
from stratum.comparison import Difference
from stratum.events import Event
from stratum.history import Log
from stratum.instance import Instance
from stratum.model import (
    App,
    Attempt,
    Build,
    CommitStatus,
    Crash,
    Environment,
    Message,
    MessageState,
    RecordedDelivery,
    Release,
    ReviewApp,
    ReviewPolicy,
    Rollout,
    Subscriber,
    Token,
    Upstream,
    UsedBuildpack,
    Volume,
    Webhook,
)
from stratum.processes import Process, crash_text, label
from stratum.store.buildpacks import Pin

Row = dict[str, object]


def environment(found: Environment) -> Row:
    """An environment."""
    return {
        "name": found.name,
        "stage": found.stage,
        "start_all": found.start_all,
        "created_at": _moment(found.created_at),
    }


def app(found: App, instance: Instance) -> Row:
    """An app, without what needs another look into the database."""
    return {
        "environment": found.environment.name,
        "name": found.name,
        "url": instance.app_url(found.host(instance.settings.apps_domain)),
        "deploy_branch": found.deploy_branch,
        "gate": found.gate or "none",
        "protected": found.protected,
        "supersede_running": found.supersede_running,
        "maintenance": found.maintenance,
        "max_push_bytes": found.max_push_bytes,
        "max_repo_bytes": found.max_repo_bytes,
        "max_processes": found.max_processes,
        "roll_back_within_s": found.roll_back_within_s,
        "plain_http": found.plain_http,
        "destroying": found.destroying,
        "created_at": _moment(found.created_at),
    }


def process(found: Process, last: Sequence[str] = (), note: str = "") -> Row:
    """A process; where it is crash-looping, with the last lines that it wrote; and a note on its app."""
    looping = None if found.crash is None else crash(found.crash, last)
    row = {**asdict(found), "release": f"v{found.release}", "since": _moment(found.since)}
    return {**row, "crash": looping, "note": note}


def crash(found: Crash, last: Sequence[str]) -> Row:
    """How a process keeps ending."""
    return {
        "since": _moment(found.since),
        "count": found.count,
        "exit_status": found.exit_status,
        "last_at": _moment(found.last_at),
        "message": crash_text(found),
        "lines": list(last),
    }


def event(found: Event) -> Row:
    """A change of a process's state."""
    version, target, index = found.process.rsplit(".", 3)[1:]
    return {
        "number": found.number,
        "at": _moment(found.at),
        "name": found.process,
        "release": version,
        "target": target,
        "index": int(index),
        "kind": found.kind.value,
        "pid": found.pid,
        "exit_status": found.exit_status,
        "lived_s": found.lived_s,
        "message": found.message,
    }


def build(found: Build) -> Row:
    """A build."""
    return {
        "number": found.number,
        "status": found.state.value,
        "commit": found.commit,
        "source": found.source,
        "reason": found.options.reason,
        "who": found.who,
        "error": found.error,
        "superseded_by": found.superseded_by,
        "created_at": _moment(found.created_at),
        "started_at": _moment(found.started_at),
        "finished_at": _moment(found.finished_at),
    }


def whole_build(found: Build, rollout: Rollout | None, made: Release | None) -> Row:
    """A build with all that is known of it."""
    return {
        **build(found),
        "gated": bool(found.gate),
        "attempt": found.attempt,
        "options": asdict(found.options),
        "release": None if made is None else made.version,
        "rollout": None if rollout is None else rollout.number,
    }


def release(found: Release, current_id: int | None, reason: str) -> Row:
    """A release, whether it is the one that runs, and what its pusher gave as the reason."""
    return {
        "version": found.version,
        "commit": found.commit,
        "status": found.state.value,
        "phase": found.phase.value,
        "cause": found.cause,
        "reason": reason,
        "who": found.who,
        "targets": [target.name for target in found.targets],
        "current": found.id == current_id,
        "name": found.name,
        "note": found.note,
        "pinned": found.pinned,
        "staying": found.staying,
        "created_at": _moment(found.created_at),
    }


def volume(found: Volume, path: str | None, size_bytes: int | None) -> Row:
    """Storage of an app, where it is mounted, and what it takes of the disk, if that is known."""
    return {
        "name": found.name,
        "path": path,
        "size_bytes": size_bytes,
        "destroying": found.destroying,
        "created_at": _moment(found.created_at),
    }


def webhook(found: Webhook, upstream: Upstream) -> Row:
    """A web hook without its secrets; `path` is where its deliveries go."""
    return {
        "id": found.public_id,
        "provider": found.provider.value,
        "enabled": found.enabled,
        "branches": list(found.branches),
        "paths": list(found.paths),
        "clone_url": found.clone_url,
        "credential": found.credential.value,
        "deploy_keys": [_key(line) for line in found.deploy_keys],
        "host_keys": [_key(line) for line in found.host_keys],
        "statuses": upstream.statuses,
        "deployments": upstream.deployments,
        "wait_for_ci": upstream.wait_for_ci,
        "ci_limit_s": upstream.ci_limit_s,
        "status_token": upstream.sealed_token is not None,
        "api_url": upstream.api_url,
        "path": f"/hooks/{found.provider}/{found.public_id}",
        "created_by": found.created_by,
        "created_at": _moment(found.created_at),
        "rotated_at": _moment(found.rotated_at),
    }


def _key(line: str) -> Row:
    return {"key": line, "fingerprint": fingerprint(line)}


def commit_status(found: CommitStatus) -> Row:
    """What a git server was told of a commit; `next_at` is when more is tried, by itself."""
    return {
        "kind": found.kind.value,
        "commit": found.commit,
        "branch": found.branch,
        "context": found.context,
        "build": found.build,
        "delivery": found.delivery,
        "told": found.told or None,
        "told_at": _moment(found.told_at),
        "attempts": found.attempts,
        "status": found.answered,
        "error": found.error,
        "next_at": _moment(found.due_at),
    }


def delivery(found: RecordedDelivery, webhook_id: str, build_app: App | None) -> Row:
    """What a web hook has delivered, and what has become of it.

    Args:
        build_app: whose build it has led to; None: there is none, or that app is gone.
    """
    return {
        "number": found.id,
        "webhook": webhook_id,
        "delivery_id": found.delivery_id,
        "event": found.event,
        "size": found.size,
        "verdict": found.state.value,
        "reason": found.reason,
        "branch": found.branch,
        "commit": found.commit,
        "app": build_app.label if build_app else None,
        "build": found.build,
        "repeats": found.repeats,
        "attempts": found.attempts,
        "received_at": _moment(found.received_at),
        "next_at": _moment(found.next_at),
        "ended_at": _moment(found.ended_at),
    }


def review_policy(found: ReviewPolicy, values: Sequence[str]) -> Row:
    """What is wished for pull requests.

    Args:
        values: names of the variables that review apps are given besides.
    """
    return {
        "enabled": found.enabled,
        "limit": found.most,
        "ttl_days": found.ttl_days,
        "variables": list(found.variables),
        "values": list(values),
    }


def review(found: ReviewApp, made: App | None, instance: Instance) -> Row:
    """A pull request, and the review app that was made for it, if there is one."""
    url = instance.app_url(made.host(instance.settings.apps_domain)) if made else None
    return {
        "number": found.number,
        "status": found.state.value,
        "app": made.name if made else None,
        "url": url,
        "destroying": made is not None and made.destroying,
        "branch": found.pull.branch,
        "commit": found.pull.commit,
        "source": found.pull.source,
        "fork": found.pull.is_fork,
        "approved": found.approved or None,
        "lent": list(found.lent),
        "created_at": _moment(found.created_at),
        "updated_at": _moment(found.updated_at),
    }


def buildpacks(used: Sequence[UsedBuildpack], pins: Sequence[Pin]) -> list[Row]:
    """Buildpacks that made a release, in order, then those that are pinned besides.

    What a pin says goes with those that were made from its commit; `pinned_at` of others is null.
    """
    of_commit = {(one.url, one.commit): one for one in pins}
    found = [(one, of_commit.pop((one.url, one.commit), None)) for one in used]
    made: list[Row] = [{**asdict(one), "ref": "", "pinned_at": None, **_pinned(by)} for one, by in found]
    return made + [{"name": "", **pin(one)} for one in of_commit.values()]


def pin(found: Pin) -> Row:
    """What a buildpack is pinned to."""
    return {"url": found.url, "commit": found.commit, **_pinned(found)}


def _pinned(found: Pin | None) -> Row:
    return {} if found is None else {"ref": found.ref, "pinned_at": _moment(found.pinned_at)}


def difference(found: Difference) -> Row:
    """What a release has changed."""
    return {
        "commits": _log(found.added),
        "commits_dropped": _log(found.dropped),
        "targets": [asdict(one) for one in found.targets],
        "variables": [asdict(one) for one in found.variables],
        "packages": [asdict(one) for one in found.packages],
        "buildpacks": [asdict(one) for one in found.buildpacks],
        "storage": [asdict(one) for one in found.storage],
    }


def _log(found: Log | None) -> Row | None:
    return None if found is None else {"more": found.more, "list": [asdict(one) for one in found.entries]}


def rollout(found: Rollout) -> Row:
    """A rollout with its report."""
    return {
        "number": found.number,
        "status": found.state.value,
        "cause": found.cause,
        "who": found.who,
        "error": found.error,
        "report": [{**asdict(line), "label": label(line.name)} for line in found.report],
        "created_at": _moment(found.created_at),
        "finished_at": _moment(found.finished_at),
    }


def token(found: Token, environments: Mapping[int, str], apps: Mapping[int, str]) -> Row:
    """A token without its secret.

    Args:
        environments, apps: names by id.
    """
    grants = [
        {
            "environment": environments.get(grant.environment_id),
            "app": None if grant.app_id is None else apps.get(grant.app_id),
            "right": grant.right.value,
        }
        for grant in found.rights
    ]
    return {
        "name": found.name,
        "admin": found.is_admin,
        "grants": grants,
        "created_at": _moment(found.created_at),
        "created_by": found.created_by or None,
        "last_used_at": _moment(found.last_used_at),
        "expires_at": _moment(found.expires_at),
        "expired": found.has_expired(datetime.now(UTC)),
    }


def made_token(name: str, secret: str, expires_at: datetime | None) -> Row:
    """A token that was just made, with its secret for the only time."""
    return {"name": name, "token": secret, "expires_at": _moment(expires_at)}


def subscriber(found: Subscriber, counts: Mapping[MessageState, int]) -> Row:
    """Who is told news, without what is secret about it; and how many messages are in each state."""
    return {
        "name": found.name,
        "channel": found.channel.value,
        "url": found.shown,
        "events": list(found.kinds),
        "enabled": not found.stopped,
        "stopped": found.stopped,
        **{state.value: count for state, count in counts.items()},
        "who": found.who,
        "created_at": _moment(found.created_at),
    }


def message(found: Message) -> Row:
    """A piece of news for one subscriber; `due_at` while it waits."""
    is_waiting = found.state is MessageState.WAITING
    return {
        "id": found.key,
        "event": found.kind.value,
        "status": found.state.value,
        "attempts": found.attempts,
        "created_at": _moment(found.created_at),
        "due_at": _moment(found.due_at) if is_waiting else None,
        "finished_at": _moment(found.finished_at),
    }


def attempt(found: Attempt) -> Row:
    """One attempt to deliver a message."""
    return {**asdict(found), "at": _moment(found.at), "seconds": round(found.seconds, 3)}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
