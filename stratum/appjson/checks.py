"""Reads the startup checks of a target.

Source: docker-container-healthchecker, which Dokku reads `healthchecks` with: names, defaults, and that
of listening, command, path and uptime the first in this order counts.
"""

import re
from collections.abc import Iterator

from stratum.appjson.found import Node, shown
from stratum.model import Check, CheckKind

WEB = "web"
MAX_CHECKS = 10  # of one target
MAX_HEADERS = 20
MAX_WORDS = 100
LONGEST_S = 3600
_MAX_PORT = 65535
_KNOWN = (
    *("attempts", "command", "content", "httpHeaders", "initialDelay", "listening", "name", "path", "port"),
    *("scheme", "timeout", "type", "uptime", "wait", "warn"),
)
_TYPES = ("startup", "liveness", "readiness")
_NO_EFFECT = {"onFailure": "What a failure does is fixed: the release does not come up"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
_NAME_RULE = "Give 1 to 63 letters, digits, blanks or ._- that begin with a letter or digit"
_PATH = re.compile(r"/[!-~]{0,1023}")
_PATH_RULE = "Give a path that begins with a slash, of ASCII without blanks"
_CONTENT = re.compile(r".{0,4096}", re.DOTALL)
_CONTENT_RULE = "Give a text of at most 4096 characters"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # RFC 9110, 5.6.2: token
_HEADER_RULE = "Give the name of a header, such as X-Forwarded-Proto"
_VALUE = re.compile(r"[\t -~]{0,4096}")
_VALUE_RULE = "Give at most 4096 characters of ASCII on one line"
_WORD = re.compile(r"[^\0\ud800-\udfff]{0,4096}", re.DOTALL)


def read_checks(target: str, node: Node) -> tuple[Check, ...]:
    """Read the list of a target's checks, without those that are not of startup."""
    items = list(node.items())
    if len(items) > MAX_CHECKS:
        node.refuse(f"{len(items)} checks are too many", f"At most {MAX_CHECKS} are made of a process")
        return ()
    checks = [check for item in items if (check := _read(target, item)) is not None]
    return tuple(checks)


def _read(target: str, node: Node) -> Check | None:
    if not isinstance(node.value, dict):
        node.refuse(f"{shown(node.value)} is no check", 'Write it as {"path": "/health"}')
        return None
    if not _is_of_startup(node):
        return None
    node.know(_KNOWN, _NO_EFFECT)
    node.flag("listening")
    check = Check(
        kind=_kind(node),
        name=node.text("name", _NAME, _NAME_RULE),
        path=node.text("path", _PATH, _PATH_RULE, "/"),
        content=node.text("content", _CONTENT, _CONTENT_RULE),
        headers=tuple(_headers(node)),
        command=tuple(_words(node)),
        port=_port(target, node),
        uptime_s=node.whole("uptime", 0, 0, LONGEST_S),
        attempts=node.whole("attempts", 3, 1, 100),
        initial_delay_s=node.whole("initialDelay", 0, 0, LONGEST_S),
        timeout_s=node.whole("timeout", 5, 1, 300),
        wait_s=node.whole("wait", 5, 0, 300),
        only_warns=node.flag("warn"),
    )
    _look_at_whole(target, node, check)
    return check


def _look_at_whole(target: str, node: Node, check: Check) -> None:
    if check.longest_s > LONGEST_S:
        message = f"it may take {check.longest_s} s; {LONGEST_S} are allowed"
        node.refuse(message, "Lower attempts, timeout, wait or initialDelay")
    if node.has("scheme") and node.value["scheme"] != "http":
        message = f"{shown(node.value['scheme'])} is not spoken by processes here"
        mend = "Use http; where the app insists on https, send the header X-Forwarded-Proto with https"
        node.at("scheme").refuse(message, mend)
    needs_port = check.kind in (CheckKind.PATH, CheckKind.LISTENING)
    if needs_port and target != WEB and not node.has("port"):
        node.refuse(f"processes of {target} are given no port to look at", "Add the port that they listen on")


def _is_of_startup(node: Node) -> bool:
    kind = node.value.get("type", _TYPES[0])
    if kind not in _TYPES:
        node.at("type").refuse(f"{shown(kind)} is no type", f"There are: {', '.join(_TYPES)}")
    elif kind != _TYPES[0]:
        node.warn(f'checks of type "{kind}" are not made', "A crashed process is started again without one")
    return bool(kind == _TYPES[0])


def _kind(node: Node) -> CheckKind:
    """Choose what counts; a check that names none asks for a path."""
    named = [
        kind
        for kind in (CheckKind.LISTENING, CheckKind.COMMAND, CheckKind.PATH, CheckKind.UPTIME)
        if node.value.get(kind.value)
    ]
    for other in named[1:]:
        node.at(other.value).warn(f"it has no effect beside {named[0]}", "Make it a check of its own")
    return named[0] if named else CheckKind.PATH


def _port(target: str, node: Node) -> int:
    port = node.whole("port", 0, 1, _MAX_PORT)
    if target == WEB and node.has("port"):
        node.at("port").warn("it has no effect here", "Processes of web are asked on the port of $PORT")
        return 0
    return port


def _words(node: Node) -> Iterator[str]:
    if not node.has("command"):
        return
    words = list(node.at("command").items())
    if len(words) > MAX_WORDS:
        node.at("command").refuse(f"{len(words)} words are too many", "Move them into a script and call that")
        return
    for word in words:
        if isinstance(word.value, str) and _WORD.fullmatch(word.value):
            yield word.value
        else:
            word.refuse(f"{shown(word.value)} is no word of a command", 'Write it as ["python", "ready.py"]')


def _headers(node: Node) -> Iterator[tuple[str, str]]:
    if not node.has("httpHeaders"):
        return
    listed = node.at("httpHeaders")
    headers = list(listed.items())
    if len(headers) > MAX_HEADERS:
        listed.refuse(f"{len(headers)} headers are too many", f"At most {MAX_HEADERS} are sent")
        return
    for header in headers:
        if not isinstance(header.value, dict):
            header.refuse(f"{shown(header.value)} is no header", 'Write it as {"name": …, "value": …}')
        elif not header.has("name"):
            header.refuse("it has no name", _HEADER_RULE)
        else:
            yield (
                header.text("name", _HEADER, _HEADER_RULE, "-"),
                header.text("value", _VALUE, _VALUE_RULE),
            )
