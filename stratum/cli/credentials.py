"""Tokens by server, and associations by alias, in the person's configuration folder.

Git waits for `stratum git-credential get`, so nothing is imported before it is needed: pathlib, typing
and urllib would take longer than all the rest.
"""

import os
from collections.abc import Mapping

from stratum.cli.environ import client_environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def folder(environ: Mapping[str, str]) -> str:
    """Where the files are (XDG base directories)."""
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  # see above
    return f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/stratum"


def current_url() -> str | None:
    """The server to talk to: STRATUM_URL, else the one of the last login."""
    given = client_environ().get("STRATUM_URL")
    return checked_url(given) if given else _read("credentials.json").get("current")


def token_for(url: str) -> str | None:
    """The token for a server: STRATUM_TOKEN if the server is the current one, else a stored one."""
    given = client_environ().get("STRATUM_TOKEN")
    if given and current_url() in (None, url):
        return given.strip()
    token: str | None = _read("credentials.json").get("tokens", {}).get(url)
    return token


def keep_token(url: str, token: str) -> None:
    """Remember a token, and its server as the current one."""
    tokens = _read("credentials.json").get("tokens", {})
    _write("credentials.json", {"current": url, "tokens": {**tokens, url: token}})


def forget_token(url: str) -> bool:
    """Forget a server's token; whether there was one."""
    tokens = _read("credentials.json").get("tokens", {})
    kept = {server: token for server, token in tokens.items() if server != url}
    _write("credentials.json", {"current": next(iter(kept), None), "tokens": kept})
    return url in tokens


def associations() -> dict[str, dict[str, str]]:
    """Alias → url, environment and app."""
    return _read("associations.json")


def keep_association(alias: str, url: str, environment: str, app: str) -> None:
    """Remember an app under an alias."""
    added = {alias: {"url": url, "environment": environment, "app": app}}
    _write("associations.json", {**associations(), **added})


def checked_url(text: str) -> str:
    """Return a server's address as it is compared: scheme, host in lower case, port.

    Raises:
        InvalidInput: it is no such address.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        from stratum.errors import InvalidInput

        message = f"{text!r} is no address of a Stratum server."
        raise InvalidInput(message, "It looks like http://localhost:8080.")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _read(name: str) -> "dict[str, Any]":
    import json

    path = f"{folder(client_environ())}/{name}"
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # see above
            found = json.loads(file.read())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        from stratum.errors import InvalidInput

        message = f"{path} is damaged: {error}."
        raise InvalidInput(message, "Remove it and sign in again.") from error
    return found if isinstance(found, dict) else {}


def _write(name: str, content: Mapping[str, object]) -> None:
    """Replace a file whole; only its owner may read it, from its first moment."""
    import json
    from pathlib import Path

    target = Path(folder(client_environ())) / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = target.with_name(f"{name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
    scratch.replace(target)
