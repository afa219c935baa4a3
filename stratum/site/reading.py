"""Reads `static.json`, the file of the classic static buildpack. Pure, total: problems are values.

Source: heroku/heroku-buildpack-static, README, "Configuration". What of it there is here is described
in docs/builds.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from stratum.excerpt import quoted
from stratum.site import checks, rules
from stratum.site.rules import Fallback, Header, Redirect, Rules

T = TypeVar("T", Redirect, Header, Fallback)

NAME = "static.json"
MAX_BYTES = 64 * 1024
_NO_EFFECT = {
    "debug": "the router keeps no debugging log",
    "encoding": "texts are UTF-8",
    "logging": "the router keeps no log of requests",
    "proxies": "the site's own paths are served only; send requests to the other server's address",
    "canonical_host": "an app has one host",
}
_KNOWN = ("root", "clean_urls", "https_only", "error_page", "redirects", "headers", "routes")


@dataclass(slots=True)
class Reading:
    """What was read.

    Attributes:
        root: the folder that is asked for, relative; empty when it is left to us.
        rules: of use only without problems.
        problems, warnings: sentences.
    """

    root: str = ""
    rules: Rules = rules.PLAIN
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read(content: bytes, max_bytes: int = MAX_BYTES) -> Reading:
    """Read the file; never raises."""
    found = Reading()
    if len(content) > max_bytes:
        found.problems.append(f"{NAME} has more than {max_bytes} bytes.")
        return found
    try:
        asked = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        found.problems.append(f"{NAME} is no JSON: {error}.")
        return found
    if not isinstance(asked, dict):
        found.problems.append(f"{NAME} has to be an object: " + '{"root": "public"}.')
        return found
    _Reader(asked, found).read()
    return found


class _Reader:
    def __init__(self, asked: Mapping[str, object], found: Reading) -> None:
        self._asked, self._found = asked, found

    def read(self) -> None:
        self._look_at_names()
        found = self._found
        found.root = self._path("root", "").strip("/")
        found.rules = Rules(
            clean_urls=self._flag("clean_urls"),
            https_only=self._flag("https_only"),
            error_page=self._path("error_page", rules.PLAIN.error_page).lstrip("/"),
            redirects=tuple(self._few("redirects", rules.MAX_REDIRECTS, self._redirect)),
            headers=tuple(self._few("headers", rules.MAX_HEADERS, self._headers)),
            routes=tuple(self._few("routes", rules.MAX_ROUTES, self._route)),
        )
        if found.rules.characters > rules.MAX_CHARACTERS:
            self._refuse(
                f"redirects, headers and routes have {found.rules.characters:,} characters; "
                f"{rules.MAX_CHARACTERS:,} are allowed, since the router reads them at each request"
            )

    def _look_at_names(self) -> None:
        for name in self._asked:
            if name == "basic_auth" or name.startswith("basic_auth_"):
                self._refuse(f"{quoted(name)} is not known here: the site would be open to everybody")
            elif name in _NO_EFFECT:
                self._found.warnings.append(f"{NAME}: {quoted(name)} has no effect: {_NO_EFFECT[name]}.")
            elif name not in _KNOWN:
                known = ", ".join(_KNOWN)
                self._found.warnings.append(f"{NAME}: {quoted(name)} is not known. There are: {known}.")

    def _refuse(self, reason: str) -> None:
        self._found.problems.append(f"{NAME}: {reason}.")

    def _flag(self, name: str) -> bool:
        value = self._asked.get(name, False)
        if not isinstance(value, bool):
            self._refuse(f"{quoted(name)} is true or false")
            return False
        return value

    def _path(self, name: str, default: str) -> str:
        value = self._asked.get(name, default)
        plain = value.strip("/") if isinstance(value, str) else None
        if name == "root" and plain in ("", "."):
            return "" if name not in self._asked else "."
        if plain is None or not checks.is_file(plain.removeprefix("./")):
            self._refuse(f"{quoted(name)} cannot be {_shown(value)}: {checks.FILE_RULE}")
            return default
        return plain.removeprefix("./")

    def _few(self, name: str, most: int, each: Callable[[str, object], Iterator[T]]) -> list[T]:
        """Read a table of which the router has room for a number of lines."""
        table = self._asked.get(name, {})
        if not isinstance(table, dict):
            self._refuse(f"{quoted(name)} is an object, by path")
            return []
        lines: list[T] = []
        for pattern, value in table.items():
            if checks.is_pattern(pattern):
                lines += each(pattern, value)
            else:
                self._refuse(f"{quoted(name)} cannot have the path {quoted(pattern)}: {checks.PATTERN_RULE}")
        if len(lines) > most:
            self._refuse(f"{quoted(name)} has {len(lines)} entries; {most} are allowed")
        return lines

    def _redirect(self, pattern: str, value: object) -> Iterator[Redirect]:
        table = value if isinstance(value, dict) else {"url": value}
        url, status = table.get("url"), table.get("status", 301)
        if not isinstance(url, str) or not checks.is_url(url):
            self._refuse(f"{quoted(pattern)} cannot be redirected to {_shown(url)}: {checks.URL_RULE}")
        elif status not in checks.STATUSES or isinstance(status, bool):
            allowed = ", ".join(map(str, checks.STATUSES))
            self._refuse(f"{quoted(pattern)} cannot be redirected with {_shown(status)}: one of {allowed} is")
        else:
            yield Redirect(pattern, url, int(status))

    def _headers(self, pattern: str, value: object) -> Iterator[Header]:
        if not isinstance(value, dict):
            self._refuse(f'the headers of {quoted(pattern)} are an object: {{"Cache-Control": "no-cache"}}')
            return
        for name, text in value.items():
            if not checks.is_header(name):
                self._refuse(f"{quoted(name)} of {quoted(pattern)} is no header that a site can set")
            elif not isinstance(text, str) or not checks.is_value(text):
                self._refuse(
                    f"{quoted(name)} of {quoted(pattern)} cannot be {_shown(text)}: {checks.VALUE_RULE}"
                )
            else:
                yield Header(pattern, name, text)

    def _route(self, pattern: str, value: object) -> Iterator[Fallback]:
        if not isinstance(value, str) or not checks.is_file(value):
            self._refuse(f"{quoted(pattern)} cannot be answered with {_shown(value)}: {checks.FILE_RULE}")
            return
        yield Fallback(pattern, value.lstrip("/"))


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else quoted(json.dumps(value))
