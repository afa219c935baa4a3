"""Deliveries as git servers send them, signed here by other means than the code that checks them."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

OLD, NEW, ZERO = "1" * 40, "2" * 40, "0" * 40
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = bytes(range(32))


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Sign with openssl."""
    argv = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary"]
    return subprocess.run(argv, input=data, capture_output=True, check=True).stdout


def standard_headers(
    body: bytes, key: bytes = KEY, *, at: float | None = None, ident: str = "msg_1"
) -> dict[str, str]:
    sent = str(int(time.time() if at is None else at))
    signature = hmac_sha256(key, f"{ident}.{sent}.".encode() + body)
    return {
        "webhook-id": ident,
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def github_push(ref: str = "refs/heads/main", **changed: Any) -> dict[str, Any]:
    commit = {"id": NEW, "message": "Say hello", "added": ["a.py"], "removed": [], "modified": ["docs/b.md"]}
    return {
        "ref": ref,
        "before": OLD,
        "after": NEW,
        "created": False,
        "deleted": False,
        "forced": False,
        "repository": {"full_name": "octo/app", "clone_url": "https://evil.example/x.git"},
        "head_commit": commit,
        "commits": [commit],
        **changed,
    }


def gitea_push(ref: str = "refs/heads/main", **changed: Any) -> dict[str, Any]:
    body = github_push(ref, **changed)
    return {name: value for name, value in body.items() if name not in ("created", "deleted", "forced")}


def gitlab_push(ref: str = "refs/heads/main", **changed: Any) -> dict[str, Any]:
    return {
        "object_kind": "push",
        "ref": ref,
        "before": OLD,
        "after": NEW,
        "checkout_sha": NEW,
        "project": {"path_with_namespace": "group/app", "git_http_url": "http://evil.example/x.git"},
        "commits": [{"id": OLD, "message": "old"}, {"id": NEW, "message": "Say hello"}],
        "total_commits_count": 2,
        **changed,
    }


def cloud_ref(name: str | None, commit: str, kind: str = "branch") -> dict[str, Any] | None:
    if name is None:
        return None
    return {"type": kind, "name": name, "target": {"hash": commit, "message": "Say hello"}}


def cloud_push(*changes: dict[str, Any], branch: str = "main") -> dict[str, Any]:
    usual = {"old": cloud_ref(branch, OLD), "new": cloud_ref(branch, NEW), "forced": False}
    return {"push": {"changes": [*changes] or [usual]}, "repository": {"full_name": "team/app"}}


def data_center_change(ref: str = "refs/heads/main", kind: str = "UPDATE", **changed: Any) -> dict[str, Any]:
    shown = {"id": ref, "displayId": ref.rpartition("/")[2], "type": "BRANCH"}
    return {"ref": shown, "refId": ref, "fromHash": OLD, "toHash": NEW, "type": kind, **changed}


def data_center_push(*changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventKey": "repo:refs_changed",
        "repository": {"slug": "app", "project": {"key": "PRJ"}},
        "changes": [*changes] or [data_center_change()],
    }


def generic_push(ref: str = "refs/heads/main", **changed: Any) -> dict[str, Any]:
    data = {"ref": ref, "before": OLD, "after": NEW, "message": "Say hello", "repository": "octo/app"}
    return {"type": "push", "data": {**data, **changed}}


PUSHES: dict[str, Callable[..., dict[str, Any]]] = {
    "github": github_push,
    "gitlab": gitlab_push,
    "gitea": gitea_push,
    "bitbucket": cloud_push,
    "bitbucket-dc": data_center_push,
    "generic": generic_push,
}


def push(provider: str, branch: str = "master") -> dict[str, Any]:
    """A push to a branch, as a provider tells of it."""
    if provider == "bitbucket":
        return cloud_push(branch=branch)
    if provider == "bitbucket-dc":
        return data_center_push(data_center_change(f"refs/heads/{branch}"))
    return PUSHES[provider](f"refs/heads/{branch}")


def encoded(body: Mapping[str, Any] | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def event_headers(provider: str, ident: str = "delivery-1") -> dict[str, str]:
    """The headers with which a provider names a push, unsigned."""
    own = {
        "github": {"X-GitHub-Event": "push", "X-GitHub-Delivery": ident},
        "gitlab": {"X-Gitlab-Event": "Push Hook", "Idempotency-Key": ident},
        "gitea": {"X-Gitea-Event": "push", "X-Gitea-Delivery": ident, "X-GitHub-Event": "push"},
        "bitbucket": {"X-Event-Key": "repo:push", "X-Request-UUID": ident},
        "bitbucket-dc": {"X-Event-Key": "repo:refs_changed", "X-Request-Id": ident},
        "generic": {"webhook-id": ident},
    }
    return {"Content-Type": "application/json", **own[provider]}


def headers(provider: str, body: bytes, secret: str = SECRET, ident: str = "delivery-1") -> dict[str, str]:
    """The headers with which a provider sends a push."""
    return event_headers(provider, ident) | _signed(provider, body, secret, ident)


def _signed(provider: str, body: bytes, secret: str, ident: str) -> dict[str, str]:
    if provider == "gitlab":
        return {"X-Gitlab-Token": secret}
    if provider == "generic":
        return standard_headers(body, base64.b64decode(secret.removeprefix("whsec_")), ident=ident)
    hexadecimal = hmac_sha256(secret.encode(), body).hex()
    if provider == "gitea":
        return {"X-Gitea-Signature": hexadecimal}
    name = "X-Hub-Signature-256" if provider == "github" else "X-Hub-Signature"
    return {name: f"sha256={hexadecimal}"}
