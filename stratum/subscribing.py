"""Who may be told of news, of which kinds, and where: what is checked before it is kept. Pure.

Where it is told may itself be a secret (addresses of chats are), so it is kept encrypted with the secrets
(`Wire`), and `shown` leaves out what follows the path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import SplitResult, urlsplit

from stratum.errors import InvalidInput
from stratum.mailing import checked_address
from stratum.model import Channel, NewsKind
from stratum.signing import new_signing_secret

MAX_URL = 2000
_HTTP = 80
MAILTO = "mailto:"
SLACK = "slack+"
ROTATION = timedelta(days=1)
_FAMILIES = sorted({f"{kind.partition('.')[0]}.*" for kind in NewsKind if kind is not NewsKind.TEST})
_KINDS = [kind.value for kind in NewsKind if kind is not NewsKind.TEST]


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a subscriber is told, and how it knows that it is us.

    Attributes:
        url: of the web, or `mailto:` with an address.
        secret: signs what is sent; empty where the channel knows no signature.
        previous: the one before, which signs besides until its time is over; empty: none.
        previous_until: ISO 8601; empty: no such time.
    """

    url: str
    secret: str
    previous: str = ""
    previous_until: str = ""

    @classmethod
    def read(cls, kept: Mapping[str, str]) -> Self:
        """Make one of what was kept."""
        return cls(**kept)

    def kept(self) -> dict[str, str]:
        """As it is kept, encrypted."""
        return asdict(self)

    def secrets(self, at: datetime) -> list[str]:
        """Return those in force at a time, the newest first."""
        still = bool(self.previous_until) and at < datetime.fromisoformat(self.previous_until)
        return [self.secret, self.previous] if still else [self.secret]

    def rotated(self, at: datetime) -> Self:
        """Return it with a new secret; the present one stays in force for a day."""
        until = (at.astimezone(UTC) + ROTATION).isoformat()
        return type(self)(self.url, new_signing_secret(), self.secret, until)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the operator has set up.

    Attributes:
        allowed: whether a host at a port may be told in the clear.
        has_mail: there is a server that takes mail.
    """

    allowed: Callable[[str, int], bool]
    has_mail: bool


def addressed(given: str, reach: Reach) -> tuple[Channel, Wire, str]:
    """Return how somebody is told, where, and that without what is secret about it.

    Args:
        given: `mailto:` and an address, `slack+` and a URL, or a URL.

    Raises:
        InvalidInput: it is no address of the channel, or the operator has not set that up.
    """
    if given.startswith(MAILTO):
        if not reach.has_mail:
            message = "This server sends no mail."
            raise InvalidInput(message, "An operator sets STRATUM_SMTP_URL and STRATUM_MAIL_FROM.")
        address = checked_address(given.removeprefix(MAILTO))
        return Channel.MAIL, Wire(MAILTO + address, ""), address
    url = checked_url(given.removeprefix(SLACK), allowed=reach.allowed)
    if given.startswith(SLACK):
        return Channel.SLACK, Wire(given.removeprefix(SLACK), ""), f"{SLACK}{url.scheme}://{url.netloc}/…"
    return Channel.WEBHOOK, Wire(given, new_signing_secret()), shown(url)


def checked_url(given: str, *, allowed: Callable[[str, int], bool]) -> SplitResult:
    """Return an address that news can be sent to, in parts.

    Args:
        allowed: whether the operator allows a host at a port; then it may be told in the clear.

    Raises:
        InvalidInput: it is no URL, has no host, a password, a fragment, or may not be asked by HTTP.
    """
    try:
        found = urlsplit(given)
        port = found.port
    except ValueError:
        found, port = urlsplit(""), None
    is_clean = given.isascii() and given.isprintable() and " " not in given and len(given) <= MAX_URL
    if not is_clean or found.scheme not in ("http", "https") or not found.hostname or port == 0:
        message = f"{given[:80]!r} is no address that news can be sent to."
        raise InvalidInput(message, "Give an address such as https://ops.example.com/stratum.")
    if found.username is not None or found.fragment:
        message = "An address with a password or a fragment in it cannot be sent to."
        raise InvalidInput(message, "Leave them out: what is sent is signed, so that its sender is known.")
    if found.scheme == "http" and not allowed(found.hostname.removesuffix("."), port or _HTTP):
        message = f"{found.hostname} can be told by https only."
        raise InvalidInput(
            message, f"Give https://…, or have the operator allow it: STRATUM_HOOK_HOSTS={found.netloc}."
        )
    return found


def shown(url: SplitResult) -> str:
    """Write an address without what may be secret about it: all that comes after the path."""
    return f"{url.scheme}://{url.netloc}{url.path}" + ("?…" if url.query else "")


def checked_kinds(given: Sequence[str]) -> tuple[str, ...]:
    """Return kinds of news, each once; none: all.

    Raises:
        InvalidInput: one is none.
    """
    for one in given:
        if one not in (*_KINDS, *_FAMILIES):
            message = f"{one[:80]!r} is no kind of news."
            raise InvalidInput(message, f"There are {', '.join([*_KINDS, *_FAMILIES])}.")
    return tuple(dict.fromkeys(given))
