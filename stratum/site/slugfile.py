"""What the static buildpack leaves in a slug: which folder is the site, and how it is served.

Hostile as all that a build leaves, so reading it checks everything again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from stratum.errors import InvalidInput
from stratum.site.reading import read
from stratum.site.rules import Rules

FILE = ".site.json"
MAX_BYTES = 128 * 1024  # as much as a static.json can make, which says less


@dataclass(frozen=True, slots=True)
class Site:
    """A site within a slug; the folder is relative, `.` for all of the slug."""

    folder: str
    rules: Rules


def parse(content: bytes) -> Site:
    """Read what `render` has made.

    Raises:
        InvalidInput: it is not that.
    """
    found = read(content, MAX_BYTES)
    if found.problems or not found.root:
        message = f"{FILE} of the slug cannot be used. {' '.join(found.problems)}".strip()
        raise InvalidInput(message, "It is the static buildpack's own; leave it out of the repository.")
    return Site(found.root, found.rules)


def read_table(checked: Mapping[str, object]) -> Rules:
    """Read what `table` has made of rules, which were checked."""
    return read(json.dumps(checked).encode(), MAX_BYTES).rules


def render(site: Site) -> bytes:
    """Write it down, as a `static.json` that says all."""
    return json.dumps({"root": site.folder, **table(site.rules)}).encode() + b"\n"


def table(rules: Rules) -> Mapping[str, object]:
    """The rules as static.json has them."""
    headers: dict[str, dict[str, str]] = {}
    for one in rules.headers:
        headers.setdefault(one.pattern, {})[one.name] = one.value
    return {
        "clean_urls": rules.clean_urls,
        "https_only": rules.https_only,
        "error_page": rules.error_page,
        "redirects": {one.pattern: {"url": one.url, "status": one.status} for one in rules.redirects},
        "headers": headers,
        "routes": {one.pattern: one.file for one in rules.routes},
    }
