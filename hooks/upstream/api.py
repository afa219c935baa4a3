"""Where the API of a git server is, what it calls a repository, and how it is signed in to. Pure."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from hooks.webhooks.source import PORTS, Source
from stratum.errors import InvalidInput
from stratum.webhooks import TOKEN_USER, Provider

_CLONED = "/scm/"  # before project and repository, in clone URLs of Bitbucket Data Center


@dataclass(frozen=True, slots=True)
class Credential:
    """With what one signs in; `user` may be empty."""

    user: str
    token: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as its git server's API knows it.

    Attributes:
        base: URL of the API, without a slash at its end.
        project: `octo/app`; on GitLab there may be more parts.
    """

    base: str
    project: str

    @property
    def path(self) -> str:
        """The project as a part of a path."""
        return quote(self.project)

    @property
    def key(self) -> str:
        """The project as one part of a path, as GitLab wants it."""
        return quote(self.project, safe="")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is a provider's own.

    Attributes:
        below: what the path of its API ends in.
        headers: those by which one signs in.
        parts: how many a project has; GitLab's has so many or more.
    """

    below: str
    headers: Callable[[Credential], Mapping[str, str]]
    parts: int = 2


def repository(provider: Provider, clone_url: str, api_url: str) -> Repository:
    """Find a repository's by where it is cloned from.

    Args:
        api_url: where the API is; empty: where it follows from the clone URL.

    Raises:
        InvalidInput: the provider has no API, or the repository is not named as it has them.
    """
    dialect = _dialect(provider)
    source = Source.read(clone_url)
    above, project = _project(provider, unquote(source.path))
    base = api_url.rstrip("/") or _base(provider, source, above)
    above = "/" + base.removesuffix(dialect.below).partition("://")[2].partition("/")[2] + "/"
    project = project.removeprefix(above.lstrip("/"))
    count = len(project.split("/"))
    if count < dialect.parts or (count > dialect.parts and provider is not Provider.GITLAB):
        message = f"{project!r} is no repository of {provider}: it is not of the form OWNER/NAME."
        raise InvalidInput(message, "Where the API is elsewhere: stratum webhooks set ID --api-url URL.")
    return Repository(base, project)


def origin(url: str) -> str:
    """Return the scheme and the server of a URL, of which a token is a secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].lower()}"


def signed_in(provider: Provider, credential: Credential) -> dict[str, str]:
    """Return the headers of a request to a provider's API."""
    own = _dialect(provider).headers(credential)
    return {"User-Agent": "Stratum", "Accept": "application/json", "Content-Type": "application/json", **own}


def _dialect(provider: Provider) -> Dialect:
    if provider not in DIALECTS:
        message = f"Stratum knows no API of a {provider} web hook's sender."
        raise InvalidInput(message, "Tell it by an outgoing web hook: stratum notifications add.")
    return DIALECTS[provider]


def _project(provider: Provider, path: str) -> tuple[str, str]:
    """Return where the server's own root is, and what below it is the repository."""
    path = path.rstrip("/").removesuffix(".git")
    if provider is Provider.BITBUCKET_DC and _CLONED in path:
        above, _, project = path.partition(_CLONED)
        return above, project
    return "", path.lstrip("/")


def _base(provider: Provider, source: Source, above: str) -> str:
    known = _ELSEWHERE.get((provider, source.host))
    if known:
        return known
    host = f"[{source.host}]" if ":" in source.host else source.host
    scheme = "https" if source.is_by_ssh else source.scheme
    port = f":{source.port}" if not source.is_by_ssh and source.port != PORTS[scheme] else ""
    return f"{scheme}://{host}{port}{above}{DIALECTS[provider].below}"


def _github(credential: Credential) -> Mapping[str, str]:
    """Source: docs.github.com, "Getting started with the REST API", headers; "API Versions"."""
    accept = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return {**accept, "Authorization": f"Bearer {credential.token}"}


def _gitlab(credential: Credential) -> Mapping[str, str]:
    """Source: docs.gitlab.com, "REST API authentication"."""
    return {"PRIVATE-TOKEN": credential.token}


def _gitea(credential: Credential) -> Mapping[str, str]:
    """Source: docs.gitea.com, "API Usage"; forgejo.org/docs, "API Usage"."""
    return {"Authorization": f"token {credential.token}"}


def _bitbucket(credential: Credential) -> Mapping[str, str]:
    """Sign in with an access token, or as a user with what is theirs.

    Source: support.atlassian.com, "Using access tokens" (Cloud); confluence.atlassian.com, "HTTP access
    tokens" (Data Center).
    """
    if credential.user in ("", TOKEN_USER):
        return {"Authorization": f"Bearer {credential.token}"}
    pair = base64.b64encode(f"{credential.user}:{credential.token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


DIALECTS: Mapping[Provider, Dialect] = {
    Provider.GITHUB: Dialect("/api/v3", _github),  # GitHub Enterprise Server
    Provider.GITLAB: Dialect("/api/v4", _gitlab),
    Provider.GITEA: Dialect("/api/v1", _gitea),
    Provider.BITBUCKET: Dialect("/2.0", _bitbucket),
    Provider.BITBUCKET_DC: Dialect("/rest/api/latest", _bitbucket),
}
_ELSEWHERE = {
    (Provider.GITHUB, "github.com"): "https://api.github.com",
    (Provider.BITBUCKET, "bitbucket.org"): "https://api.bitbucket.org/2.0",
}
