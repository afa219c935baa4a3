"""What the router answers by itself where no process of an app does, and what it says then.

Which of these an app's visitors get is one word in a file of the app's, read at each request as its
upstreams are (docs/decisions.md), so that none of it has Caddy load anything. Browsers get a page,
whoever else asks the same sentence as text. All texts are fixed: nothing of a user's is in one.

Pure. Source: Caddy 2.11, https://caddyserver.com/docs/json/; the pages have no braces, which Caddy
would take for something to fill in.
"""

from dataclasses import dataclass
from enum import StrEnum
from html import escape

from runner.router.caddy import Json, is_one_of, subroute
from stratum.store.quiet import Quiet

OWN = "own"  # stands in files where a page of the app's own is shown for MAINTENANCE
_SOON_S, _LATER_S = "5", "60"


class Page(StrEnum):
    """What is said in an app's place; the values stand in files."""

    NONE = ""
    MAINTENANCE = "maintenance"
    EMPTY = "empty"
    FIRST = "first"
    NO_TARGET = "no-target"
    NO_PROCESS = "no-process"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Said:
    """A page.

    Attributes:
        status: an HTTP status, or what Caddy fills one in for.
        text: one sentence, which is all that others than browsers get.
        more: what a browser's page says besides.
        retry_s: when a client may come back; empty: not said.
    """

    status: str
    text: str
    more: str
    retry_s: str = ""


PAGES = {
    Page.MAINTENANCE: Said("503", "This app is down for maintenance.", "It will be back soon.", _LATER_S),
    Page.EMPTY: Said("404", "This app has not been deployed yet.", "Its first push will put it here."),
    Page.FIRST: Said(
        "503", "This app is being deployed for the first time.", "Try again in a few seconds.", _SOON_S
    ),
    Page.NO_TARGET: Said(
        "404", "This app has no web target.", "Its Procfile has no line that begins with web."
    ),
    Page.NO_PROCESS: Said("503", "This app has no web process running.", "Nothing of it can answer now."),
    Page.PAUSED: Said("503", "This app is paused.", "Whoever runs it has stopped it for a while.", _LATER_S),
}
UNKNOWN_APP = Said("404", "There is no app at this address.", "Perhaps the address has a slip in it.")
_STATUS = "{http.error.status_code}"
NO_ANSWER = Said(
    "502", "This app does not answer.", "It may be starting, or be busy. Try again in a few seconds.", _SOON_S
)
CRASHED = Said(
    "503", "This app has crashed.", "It is started again and again, and has ended each time so far.", "30"
)
TOO_SLOW = Said("504", "This app takes too long to answer.", "It may be busy. Try again in a few seconds.")
FAILED = Said(_STATUS, "This app has not answered.", "Nothing else is known of it.")
TOO_LARGE = Said("413", "This request is too large.", "It has more to it than this server passes on.")

_HTML = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>%(text)s</title></head>'
    '<body style="margin:20vh auto;max-width:30em;padding:0 1em;font-family:sans-serif;text-align:center">'
    "<h1>%(text)s</h1><p>%(more)s</p></body></html>\n"
)


def why(quiet: Quiet | None) -> Page:
    """Choose the page of an app that sends requests to no process; none for one that does."""
    if quiet is None:
        return Page.NONE
    if not quiet.released:
        return Page.FIRST if quiet.deploying else Page.EMPTY
    if not quiet.has_web:
        return Page.NO_TARGET
    return Page.PAUSED if quiet.paused else Page.NO_PROCESS


def answers(said: Said) -> list[Json]:
    """Routes that answer a request with a page, or with its sentence."""
    return _alternatives(said, _HTML % {"text": escape(said.text), "more": escape(said.more)})


def _alternatives(said: Said, page: str) -> list[Json]:
    wants_page = {"header": {"Accept": ["*text/html*"]}}
    return [
        {"match": [wants_page], "handle": [_static(said, "text/html", page)], "terminal": True},
        {"handle": [_static(said, "text/plain", f"{said.text}\n")], "terminal": True},
    ]


def handler(said: Said) -> Json:
    """Render what `answers` gives as one handler."""
    return subroute(answers(said))


def handler_of(word: str, own: str) -> Json:
    """Answer with the page of a word; one that is none is taken for an app that does not run.

    Args:
        word, own: what Caddy fills it in for, and the app's own page, in which it fills in nothing more.
    """
    shown = subroute(_alternatives(PAGES[Page.MAINTENANCE], own))
    routes: list[Json] = [
        {"match": [is_one_of(word, page.value)], "handle": [handler(said)], "terminal": True}
        for page, said in PAGES.items()
    ]
    its_own: Json = {"match": [is_one_of(word, OWN)], "handle": [shown], "terminal": True}
    return subroute([its_own, *routes, *answers(PAGES[Page.NO_PROCESS])])


def crashed() -> Json:
    """Say that an app has crashed, whatever became of the request."""
    return handler(CRASHED)


def whatever_becomes_of_it() -> list[Json]:
    """Routes for errors that are the request's, or say enough by themselves."""
    return [_of_status(TOO_LARGE, TOO_LARGE.status), _of_status(TOO_SLOW, TOO_SLOW.status)]


def no_answer() -> list[Json]:
    """Routes for all other errors: 503 is Caddy's word for several processes that cannot be reached."""
    return [_of_status(NO_ANSWER, "502", "503"), *answers(FAILED)]


def _of_status(said: Said, *statuses: str) -> Json:
    return {"match": [is_one_of(_STATUS, *statuses)], "handle": [handler(said)], "terminal": True}


def _static(said: Said, kind: str, body: str) -> Json:
    headers = {"Content-Type": [f"{kind}; charset=utf-8"], "Cache-Control": ["no-store"], "Vary": ["Accept"]}
    if said.retry_s:
        headers["Retry-After"] = [said.retry_s]
    return {"handler": "static_response", "status_code": said.status, "headers": headers, "body": body}
