"""The page of an app's own that visitors get while it is down for maintenance.

It is `maintenance.html` in the root of the code that runs, read from the app's repository when it is
wanted: so it goes with each release, and back with a rollback, and nothing of it is kept anywhere else.
"""

from dataclasses import dataclass
from pathlib import Path

from stratum.git import Commit

NAME = "maintenance.html"
MAX_BYTES = 64 << 10  # the router goes over it at each request, 0.3 ms for as many


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What there is.

    Attributes:
        html: to be shown as it is; empty for none.
        refusal: why one that is there is not shown.
    """

    html: str = ""
    refusal: str = ""


NO_PAGE = OwnPage()


def own_page(repo: Path, commit: str) -> OwnPage:
    """Look for the page of a commit.

    Args:
        commit: full id.

    Raises:
        NotFound: the repository lacks the commit.
        Unavailable: git failed.
    """
    found = Commit(repo, commit).files((NAME,), MAX_BYTES)
    return checked(found[NAME]) if NAME in found else NO_PAGE


def checked(content: bytes | None) -> OwnPage:
    """Take a file's content for a page if it can be one; None has more than `MAX_BYTES`."""
    if content is None:
        return OwnPage(refusal=f"{NAME} is not shown: it may have {MAX_BYTES >> 10} KiB.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return OwnPage(refusal=f"{NAME} is not shown: it is no UTF-8.")
    if "\0" in text:
        return OwnPage(refusal=f"{NAME} is not shown: it has a NUL byte.")
    return OwnPage(text)
