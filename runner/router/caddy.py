"""Parts of Caddy's configuration that more than one of our modules writes. Pure."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Json: TypeAlias = dict[str, object]


def subroute(routes: Sequence[Json], errors: Sequence[Json] = ()) -> Json:
    """Go through routes of its own; what fails in them goes through those for errors."""
    return {"handler": "subroute", "routes": list(routes)} | (
        {"errors": {"routes": list(errors)}} if errors else {}
    )


def sentence(status: str, text: str, **more: str) -> Json:
    """Answer with a plain text that nobody keeps.

    Args:
        more: headers.
    """
    said = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", **more}
    headers = {name: [value] for name, value in said.items()}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}


def group(name: str, number: int) -> str:
    """Name a group of the regular expression of that name, as it matched last."""
    return f"{{http.regexp.{name}.{number}}}"


def reads(value: str, name: str, pattern: str) -> Json:
    """Match when all of a value is of a pattern, whose groups have a name from then on."""
    # With both ends said, Go goes over the text once ("one-pass"), at half the cost.
    return {"vars_regexp": {value: {"name": name, "pattern": f"^{pattern}$"}}}


def is_one_of(value: str, *words: str) -> Json:
    """Match when a value is one of some words."""
    return {"vars": {value: list(words)}}


def for_hosts(names: Iterable[str], handlers: Sequence[Json]) -> Json:
    """Render a route for names, and for the same written out in full, with a dot at the end."""
    hosts = [host for name in names for host in (name, f"{name}.")]
    return {"match": [{"host": hosts}], "handle": list(handlers), "terminal": True}
