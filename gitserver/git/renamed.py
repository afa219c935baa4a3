"""Git by an app's former name: clones and fetches are led to the new one, with advice.

A git that has its credentials in the URL follows the redirect, says `warning: redirecting to …` and goes
on there. One that asks a helper for them follows in silence and sends what comes next to the old name
(git 2.39, http.c, http_request_reauth: only the first answer is looked at for where it came from); so
that is served too, and the advice goes along as progress.
"""

from collections.abc import Iterator

from gitserver.auth import sees
from gitserver.git import programs
from gitserver.git.pktline import HEADER, PROGRESS, side_band, size_of
from hooks.policy import REMOTE
from stratum.errors import Renamed
from stratum.model import App, Token
from stratum.store import Transaction, environments

MAX_LEAD = 4 << 20  # bytes of a fetch's answer before its pack
_BANDS = (b"\1", b"\2")  # what else comes before a pack begins with a letter


def refuse_former(tx: Transaction, token: Token, asked: tuple[str, str], host_url: str) -> None:
    """Tell who may see it where an app is now that was called so.

    Args:
        asked: the environment and the app.
        host_url: as the client wrote it, with a slash at its end.

    Raises:
        Renamed: with the address to go to.
    """
    app: App | None = environments.find_former(tx, *asked)
    if app is not None and sees(token, app):
        url = f"{host_url}{app.label}.git"
        raise Renamed(
            "/".join(asked), app.label, f"Point your remote there: git remote set-url {REMOTE} {url}"
        )


def redirect_headers(renamed: Renamed) -> dict[str, str]:
    """Say where the list of refs for a clone or fetch is."""
    return {"Location": f"/{renamed.now}.git/info/refs?service={programs.UPLOAD}"}


def advised(answer: Iterator[bytes], advice: str) -> Iterator[bytes]:
    """Put advice before the pack of a fetch's answer; where none follows in bands, it stays as it is.

    Source: gitprotocol-v2(5), fetch; gitprotocol-pack(5), Packfile Data, for versions 0 and 1.
    """
    lead = b""
    at = 0
    for output in answer:
        lead += output
        at, found = _bands_at(lead, at)
        if found:
            yield lead[:at] + b"".join(side_band(PROGRESS, advice.encode() + b"\n")) + lead[at:]
            break
        if at < 0 or len(lead) > MAX_LEAD:
            yield lead
            break
    else:
        yield lead
    yield from answer


def _bands_at(lead: bytes, at: int) -> tuple[int, bool]:
    """Go on through packets; return where the first of a band begins, else how far they are whole.

    -1: they are no packets.
    """
    while len(lead) >= at + HEADER:
        try:
            size = max(HEADER, size_of(lead[at : at + HEADER]))
        except ValueError:
            return -1, False
        if size > HEADER and lead[at + HEADER : at + HEADER + 1] in _BANDS:
            return at, True
        if len(lead) < at + size:
            break
        at += size
    return at, False
