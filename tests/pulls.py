"""Pull requests as git servers tell of them, and the refs by which they are fetched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.deliveries import NEW, event_headers, headers
from tests.repos import git
from tests.sources import Source

TARGET, FORK = "octo/app", "mallory/app"
MINUTE = "2026-11-22T19:{:02}:00"


@dataclass(frozen=True)
class Pull:
    """One, and what has just happened to it: `opened`, `pushed`, `closed` or `reopened`."""

    number: int = 7
    action: str = "opened"
    commit: str = NEW
    branch: str = "topic"
    source: str | None = TARGET
    minute: int = 1

    @property
    def is_open(self) -> bool:
        return self.action != "closed"

    @property
    def at(self) -> str:
        return MINUTE.format(self.minute)

    def then(self, action: str, **changed: Any) -> "Pull":
        """What has happened to it a minute later."""
        return replace(self, action=action, minute=self.minute + 1, **changed)


def github(pull: Pull) -> dict[str, Any]:
    words = {"pushed": "synchronize"}
    repo = None if pull.source is None else {"full_name": pull.source}
    return {
        "action": words.get(pull.action, pull.action),
        "number": pull.number,
        "pull_request": {
            "number": pull.number,
            "state": "open" if pull.is_open else "closed",
            "title": "Say hello",
            "draft": False,
            "head": {"ref": pull.branch, "sha": pull.commit, "repo": repo},
            "base": {"ref": "main", "sha": "1" * 40, "repo": {"full_name": TARGET}},
            "updated_at": f"{pull.at}Z",
        },
        "repository": {"full_name": TARGET, "clone_url": "https://evil.example/x.git"},
    }


def gitea(pull: Pull) -> dict[str, Any]:
    body = github(pull)
    return {**body, "action": "synchronized"} if pull.action == "pushed" else body


def gitlab(pull: Pull) -> dict[str, Any]:
    words = {"opened": "open", "pushed": "update", "closed": "close", "reopened": "reopen"}
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "project": {"path_with_namespace": TARGET},
        "object_attributes": {
            "id": 99,
            "iid": pull.number,
            "state": "opened" if pull.is_open else "closed",
            "action": words[pull.action],
            "source_branch": pull.branch,
            "target_branch": "main",
            "source_project_id": 14 if pull.source == TARGET else 15,
            "target_project_id": 14,
            "source": None if pull.source is None else {"path_with_namespace": pull.source},
            "target": {"path_with_namespace": TARGET},
            "last_commit": {"id": pull.commit, "message": "Say hello"},
            "updated_at": f"{pull.at.replace('T', ' ')} UTC",
            **({"oldrev": "1" * 40} if pull.action == "pushed" else {}),
        },
    }


def bitbucket(pull: Pull) -> dict[str, Any]:
    repository = None if pull.source is None else {"full_name": pull.source}
    return {
        "repository": {"full_name": TARGET},
        "pullrequest": {
            "id": pull.number,
            "state": "OPEN" if pull.is_open else "MERGED",
            "source": {
                "branch": {"name": pull.branch},
                "commit": {"hash": pull.commit[:12]},
                "repository": repository,
            },
            "destination": {
                "branch": {"name": "main"},
                "commit": {"hash": "1" * 12},
                "repository": {"full_name": TARGET},
            },
            "updated_on": f"{pull.at}.123456+00:00",
        },
    }


def data_center(pull: Pull) -> dict[str, Any]:
    def side(branch: str, commit: str, name: str) -> dict[str, Any]:
        key, _, slug = name.partition("/")
        repository = {"slug": slug, "id": 84, "project": {"key": key.upper()}}
        return {
            "id": f"refs/heads/{branch}",
            "displayId": branch,
            "latestCommit": commit,
            "repository": repository,
        }

    return {
        "eventKey": data_center_event(pull.action),
        "date": f"{pull.at}+0000",
        "pullRequest": {
            "id": pull.number,
            "state": "OPEN" if pull.is_open else "DECLINED",
            "fromRef": side(pull.branch, pull.commit, pull.source or FORK),
            "toRef": side("main", "1" * 40, TARGET),
            "updatedDate": 1_795_374_000_000 + pull.minute * 60_000,
        },
    }


def data_center_event(action: str) -> str:
    return {"pushed": "pr:from_ref_updated", "closed": "pr:declined"}.get(action, "pr:opened")


PULLS: dict[str, Callable[[Pull], dict[str, Any]]] = {
    "github": github,
    "gitlab": gitlab,
    "gitea": gitea,
    "bitbucket": bitbucket,
    "bitbucket-dc": data_center,
}


def pull_event(provider: str, action: str) -> dict[str, str]:
    """The header that names the event, in place of a push's."""
    cloud = {"pushed": "pullrequest:updated", "closed": "pullrequest:fulfilled"}
    return {
        "github": {"X-GitHub-Event": "pull_request"},
        "gitlab": {"X-Gitlab-Event": "Merge Request Hook"},
        "gitea": {"X-Gitea-Event": "pull_request_sync" if action == "pushed" else "pull_request"},
        "bitbucket": {"X-Event-Key": cloud.get(action, "pullrequest:created")},
        "bitbucket-dc": {"X-Event-Key": data_center_event(action)},
    }[provider]


def pull_headers(provider: str, pull: Pull, body: bytes, secret: str, ident: str) -> dict[str, str]:
    return headers(provider, body, secret, ident) | pull_event(provider, pull.action)


def unsigned(provider: str, pull: Pull) -> dict[str, str]:
    return event_headers(provider) | pull_event(provider, pull.action)


def push_pull(source: Source, pull: Pull, files: dict[str, str]) -> Pull:
    """Commit to where a pull request comes from, and return it with that commit.

    A fork's branch is not in the repository; where it is to be merged into its commits are all the same.
    """
    own = [f"refs/heads/{pull.branch}"] if pull.source == TARGET else []
    tip = source.push(files, branch=f"tmp-{pull.number}")
    git(source.work, "push", "--quiet", str(source.folder / "app.git"), f":refs/heads/tmp-{pull.number}")
    for ref in (f"refs/pull/{pull.number}/head", f"refs/merge-requests/{pull.number}/head", *own):
        git(source.work, "push", "--quiet", "--force", str(source.folder / "app.git"), f"HEAD:{ref}")
    return replace(pull, commit=tip)
