"""What texts of a `static.json` may look like. Pure.

They reach the router as values that it does not look into, but two of its habits decide here: braces
are where it fills in values, and the stars of its path patterns mean something else than in static.json.
Source: Caddy 2.11, modules/caddyhttp, MatchPath and MatchVarsRE; older ones of that fill in values twice
(caddyserver/caddy#7629).
"""

import re

MAX_PATTERN = 256
MAX_URL = 2048
MAX_VALUE = 4096
STATUSES = (301, 302, 303, 307, 308)

PATTERN_RULE = (
    "it has to begin with a slash; * stands for a part of one folder's or file's name, ** at the end for "
    "all below, /**/*.EXT for all files of an ending; else letters, digits and ._~!$&'()+,;=:@- are allowed"
)
FILE_RULE = "it is the path of a file within the site, without .. and of letters, digits and ._~+,=@- only"
URL_RULE = "it is a path that begins with one slash, or an address that begins with http:// or https://"
VALUE_RULE = f"it is at most {MAX_VALUE} characters of ASCII on one line, without braces"

_PATTERN = re.compile(r"(?:/[\w.~!$&'()+,;=:@*-]*)+", re.ASCII)
_FILE = re.compile(r"/?[\w.~+,=@-]+(?:/[\w.~+,=@-]+)*", re.ASCII)
_URL = re.compile(
    r"(?:/(?!/)|https?://[A-Za-z0-9.\[\]:-]+(?=[/?#]|$))[\w.~!$&'()*+,;=:@/?#%\[\]|-]*", re.ASCII
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[ -z|~]*", re.ASCII)
_ENDING = re.compile(r"/\*\*(?:/\*)?(\.[\w.-]+)", re.ASCII)

# What the router itself, or the connection, has to be right about.
_OWN = frozenset(
    (
        *("accept-ranges", "connection", "content-encoding", "content-length", "content-range", "date"),
        *("etag", "keep-alive", "last-modified", "location", "proxy-authenticate", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade", "vary"),
    )
)


def is_pattern(text: str) -> bool:
    """Whether a path, or a pattern of paths, can be asked of the router."""
    if len(text) > MAX_PATTERN or not _PATTERN.fullmatch(text) or "//" in text:
        return False
    return "**" not in text or bool(_ENDING.fullmatch(text)) or _is_below(text)


def router_pattern(pattern: str) -> str:
    """Turn a pattern that has passed into the router's own; in lower case, as the router compares.

    The router takes a single star at either end for any number of folders, and every other star for a
    part of one name.
    """
    lower = pattern.lower()
    if ending := _ENDING.fullmatch(lower):
        return f"*{ending[1]}"
    if lower.endswith("/**"):
        return lower.removesuffix("*")
    return f"{lower}*" if lower.endswith("*") and lower.count("*") == 1 else lower


def is_file(text: str) -> bool:
    """Whether a text names a file within the site."""
    return len(text) <= MAX_PATTERN and bool(_FILE.fullmatch(text)) and ".." not in text.split("/")


def is_url(text: str) -> bool:
    """Whether a request may be sent on to a text."""
    return len(text) <= MAX_URL and bool(_URL.fullmatch(text))


def is_header(name: str) -> bool:
    """Whether a site may set a header of this name."""
    return bool(_NAME.fullmatch(name)) and name.lower() not in _OWN


def is_value(text: str) -> bool:
    """Whether a header may have this value."""
    return len(text) <= MAX_VALUE and bool(_VALUE.fullmatch(text))


def _is_below(text: str) -> bool:
    return text.endswith("/**") and "*" not in text.removesuffix("**")
