"""`stratum git-credential`: gives git the token of a server one is signed in to, so that no URL holds it.

Git waits for it at every push, so it imports as little as it can (see `credentials`).
"""

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

USER = "stratum"  # the server looks at the password alone


def run(arguments: Sequence[str], asked: "TextIO", answer: "TextIO", talk: "TextIO") -> int:
    """Speak git's protocol (gitcredentials(7)); operations that we do not know are ignored, as it demands.

    `store` has nothing to do: only `stratum login` keeps tokens. `erase` comes when a server has refused
    what git gave it, and forgets nothing, since the token may be good yet and serves other commands, too.

    Args:
        talk: where people read; git passes our stderr on.
    """
    operation = arguments[0] if len(arguments) == 1 else ""
    if operation not in ("get", "erase"):
        return 0
    try:
        url, token = _found(asked)
    except Exception as error:  # whatever it is, git shows this line, and no traceback
        talk.write(f"stratum: {error}\n")
        return 1
    if token and operation == "get":
        answer.write(f"username={USER}\npassword={token}\n")
    elif token:
        talk.write(
            f"stratum: {url} refused the token: it is unknown there, has expired or was revoked.\n"
            f"stratum: Sign in again with: stratum login {url}\n"
        )
    return 0


def _found(asked: "TextIO") -> tuple[str, str | None]:
    """Return the server that git asks about, and our token for it."""
    from stratum.cli import credentials

    wanted = dict(line.rstrip("\n").split("=", 1) for line in asked if "=" in line)
    url = f"{wanted.get('protocol', '')}://{wanted.get('host', '').lower()}"
    return url, credentials.token_for(url)
