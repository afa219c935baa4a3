"""Where an app's source is fetched from: what a person gave, checked, and what git is told. Pure.

A URL of the web, of a host by name or address, or an address of SSH; never one that a delivery has named.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from stratum.door.wayout.hosts import Place
from stratum.errors import InvalidInput
from stratum.excerpt import quoted

MAX_URL = 2000  # characters
SSH = "ssh"
PORTS = {"https": 443, "http": 80, SSH: 22}
_PATH = re.compile(r"(/[A-Za-z0-9._~%+@-]+)+/?")

# By SSH no `%`, which git would decode in a URL; a `~` only where it begins somebody's home.
_USER = r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}"
_PART = r"[A-Za-z0-9._+-]+"
_SSH_URL = re.compile(rf"ssh://({_USER})@([^/@]+)(/~?{_PART}(?:/{_PART})*/?)")
_SCP = re.compile(rf"({_USER})@(\[[^]]+\]|[^][:/@]+):(/?(?!-){_PART}(?:/{_PART})*/?)")
_WITH_PASSWORD = re.compile(r"ssh://[^/]*:[^/]*@")
_FORMS = "it is of none of the forms https://HOST/PATH, git@HOST:PATH, ssh://git@HOST:PORT/PATH"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository elsewhere.

    Attributes:
        host: a name in small letters, or an address, IPv6 without brackets.
        path: with the slash that it begins with; by SSH without one it is below a home.
        user: who is signed in as, by SSH; empty else.
    """

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""

    @classmethod
    def read(cls, text: str) -> "Source":
        """Read a URL, or an address such as `git@github.com:octo/app.git`.

        Raises:
            InvalidInput: git is not to be told of it.
        """
        if "://" not in text or text.startswith("ssh://"):
            return cls._by_ssh(text)
        url = _split(text)
        if url is None or url.scheme not in PORTS:
            raise _refused(text, _FORMS)
        if url.username is not None or url.password is not None:
            raise _refused("", "it holds a user or a password", "Give a token by --token-file instead.")
        place = Place.read(url.netloc)
        if place is None or not _PATH.fullmatch(url.path) or ".." in url.path or url.query or url.fragment:
            raise _refused(text, "it is not of the form https://HOST/PATH")
        return cls(url.scheme, place.host, place.port or PORTS[url.scheme], url.path)

    @classmethod
    def _by_ssh(cls, text: str) -> "Source":
        if _WITH_PASSWORD.match(text):
            raise _refused("", "it holds a password", "Give it without: by SSH a deploy key is used.")
        found = (_SSH_URL.fullmatch(text) or _SCP.fullmatch(text)) if _is_sound(text) else None
        user, netloc, path = found.groups() if found else ("", "", "")
        place = Place.read(netloc)
        if place is None or ".." in path:
            raise _refused(text, _FORMS)
        return cls(SSH, place.host, place.port or PORTS[SSH], path, user)

    @property
    def is_by_ssh(self) -> bool:
        """Whether it is fetched with a deploy key."""
        return self.scheme == SSH

    @property
    def url(self) -> str:
        """What git is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if not self.path.startswith("/"):
            return f"{self.user}@{host}:{self.path}"
        user = f"{self.user}@" if self.user else ""
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{user}{host}{port}{self.path}"

    @property
    def command(self) -> str:
        """What git asks an SSH server for; of `/~user` it leaves the slash out (git-fetch(1))."""
        path = self.path.removeprefix("/") if self.path.startswith("/~") else self.path
        return f"git-upload-pack '{path}'"


def allowed_hosts(listed: str) -> frozenset[Place]:
    """Read STRATUM_FETCH_HOSTS: hosts, with commas between, each with a port or for all of its ports.

    Raises:
        InvalidInput: one is none.
    """
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    places = {entry: Place.read(entry) for entry in entries}
    for entry, place in places.items():
        if place is None:
            message = f"STRATUM_FETCH_HOSTS names {quoted(entry)}, which is no host."
            raise InvalidInput(message, "Give hosts with commas between, as git.example.com:8443.")
    return frozenset(place for place in places.values() if place is not None)


def is_allowed(allowed: frozenset[Place], source: Source) -> bool:
    """Whether the operator has named a host himself: so it may be private, and asked without TLS."""
    return bool({Place(source.host, source.port), Place(source.host, None)} & allowed)


def checked_source(text: str, allowed: frozenset[Place]) -> Source:
    """Read a URL that an app's source may be fetched from.

    Raises:
        InvalidInput: it may not.
    """
    source = Source.read(text)
    if source.scheme == "http" and not is_allowed(allowed, source):
        reason = "what comes by http could be anybody's"
        hint = "Give an https URL; or the operator names the host in STRATUM_FETCH_HOSTS."
        raise _refused(text, reason, hint)
    return source


def _is_sound(text: str) -> bool:
    return 0 < len(text) <= MAX_URL and text.isascii() and text.isprintable() and not text.startswith("-")


def _split(text: str) -> SplitResult | None:
    if not _is_sound(text):
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _refused(
    text: str, reason: str, hint: str = "Give the URL by which it is cloned, by https or by SSH."
) -> InvalidInput:
    shown = f"{quoted(text)} cannot be fetched from" if text else "That URL cannot be fetched from"
    return InvalidInput(f"{shown}: {reason}.", hint)
