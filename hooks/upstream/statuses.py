"""What each git server's API is sent to say what becomes of a commit. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from hooks.upstream.api import Repository
from stratum.model import Verdict
from stratum.webhooks import Provider

Words = Mapping[Verdict, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a commit.

    Attributes:
        description: a line, of at most 140 characters, the least that one of them allows (GitHub).
        url: where there is more to see.
        context: names us beside others, for people.
        key: names us to Bitbucket, which allows 40 characters.
        branch: on which the commit came.
    """

    commit: str
    verdict: Verdict
    description: str
    url: str
    context: str
    key: str
    branch: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A `POST` to an API.

    Attributes:
        below: the path below the API's.
    """

    below: str
    body: bytes


def status(provider: Provider, repository: Repository, said: Said) -> Sent:
    """Write the request that says it."""
    return _WRITERS[provider](repository, said)


def is_known_already(provider: Provider, answered: int | None, text: str) -> bool:
    """Whether a refusal means that the same was said before: GitLab refuses to make pending what is.

    Source: gitlab.com/gitlab-org/gitlab-foss, issue 25807.
    """
    refused = answered == HTTPStatus.BAD_REQUEST and provider is Provider.GITLAB
    return refused and "Cannot transition status via :enqueue" in text


def _sent(below: str, body: Mapping[str, object]) -> Sent:
    return Sent(below, json.dumps(body).encode())


def _as_github(repository: Repository, said: Said) -> Sent:
    """Write a commit status, in the form that Gitea and Forgejo share.

    Source: docs.github.com, "REST API endpoints for commit statuses"; Gitea's `/swagger.v1.json`,
    CreateStatusOption.
    """
    body = {"state": _GITHUB[said.verdict], "target_url": said.url, "description": said.description}
    return _sent(
        f"/repos/{repository.path}/statuses/{said.commit}",
        {**body, "context": said.context},
    )


def _as_gitlab(repository: Repository, said: Said) -> Sent:
    """Source: docs.gitlab.com, "Commits API", set commit pipeline status."""
    body = {"state": _GITLAB[said.verdict], "target_url": said.url, "description": said.description}
    ref = {"ref": said.branch} if said.branch else {}
    return _sent(
        f"/projects/{repository.key}/statuses/{said.commit}",
        {**body, "name": said.context, **ref},
    )


def _as_cloud(repository: Repository, said: Said) -> Sent:
    """Source: developer.atlassian.com/cloud/bitbucket/rest, "Commit statuses", create a build status."""
    body = {"key": said.key, "state": _CLOUD[said.verdict], "url": said.url, "name": said.context}
    return _sent(
        f"/repositories/{repository.path}/commit/{said.commit}/statuses/build",
        {**body, "description": said.description},
    )


def _as_data_center(repository: Repository, said: Said) -> Sent:
    """Source: developer.atlassian.com/server/bitbucket, "Updating build status for commits"."""
    project, _, name = repository.path.partition("/")
    body = {"key": said.key, "state": _DATA_CENTER[said.verdict], "url": said.url, "name": said.context}
    ref = {"ref": f"refs/heads/{said.branch}"} if said.branch else {}
    return _sent(
        f"/projects/{project}/repos/{name}/commits/{said.commit}/builds",
        {**body, "description": said.description, **ref},
    )


_GITHUB: Words = {verdict: verdict.value for verdict in Verdict} | {Verdict.CANCELED: "error"}
_GITLAB: Words = {
    Verdict.PENDING: "pending",
    Verdict.SUCCESS: "success",
    Verdict.FAILURE: "failed",
    Verdict.ERROR: "failed",
    Verdict.CANCELED: "canceled",
}
_CLOUD: Words = {
    Verdict.PENDING: "INPROGRESS",
    Verdict.SUCCESS: "SUCCESSFUL",
    Verdict.FAILURE: "FAILED",
    Verdict.ERROR: "FAILED",
    Verdict.CANCELED: "STOPPED",
}
_DATA_CENTER: Words = {**_CLOUD, Verdict.CANCELED: "CANCELLED"}
_WRITERS: Mapping[Provider, Callable[[Repository, Said], Sent]] = {
    Provider.GITHUB: _as_github,
    Provider.GITLAB: _as_gitlab,
    Provider.GITEA: _as_github,
    Provider.BITBUCKET: _as_cloud,
    Provider.BITBUCKET_DC: _as_data_center,
}
