"""News in words, for people. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from stratum.model import NewsKind

Data = Mapping[str, Any]  # of a piece of news, as `stratum.store.news` has written it
MAX_REASON = 300


def sentence(kind: NewsKind, app: str, data: Data) -> str:
    """Say what has happened, in a line.

    Args:
        app: its name with its environment.
    """
    return f"{app}: {_SAID[kind](data)}"


def _build(how: str) -> Callable[[Data], str]:
    def said(data: Data) -> str:
        build = data["build"]
        of = f" of {build['commit'][:7]}" if build["commit"] else ""
        return f"build #{build['number']}{of} by {build['who']} {how}{_why(build['error'])}"

    return said


def _live(data: Data) -> str:
    release = data["release"]
    return f"v{release['version']} is live: {_line(release['cause'])}, by {release['who']}."


def _failed(data: Data) -> str:
    release, reason = data["release"], _why(data["rollout"]["error"])
    return f"v{release['version']} ({_line(release['cause'])}, by {release['who']}) did not go live{reason}"


def _crash(data: Data) -> str:
    return _line(data["crash"]["message"])  # which begins with what crashes


def _test(data: Data) -> str:
    return f"a test by {data['who']}; nothing has happened."


def _why(reason: str) -> str:
    return f": {_line(reason)}" if reason else "."


def _line(text: str) -> str:
    """Make a line of any text; what is long goes on with dots."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= MAX_REASON else f"{line[: MAX_REASON - 1]}…"


_SAID: Mapping[NewsKind, Callable[[Data], str]] = {
    NewsKind.BUILD_SUCCEEDED: _build("has succeeded"),
    NewsKind.BUILD_FAILED: _build("has failed"),
    NewsKind.BUILD_CANCELED: _build("was canceled"),
    NewsKind.BUILD_SUPERSEDED: _build("was superseded"),
    NewsKind.RELEASE_LIVE: _live,
    NewsKind.RELEASE_FAILED: _failed,
    NewsKind.CRASH_LOOPING: _crash,
    NewsKind.TEST: _test,
}
