"""`stratum git-credential get`: tells git the token of a server that one is signed in to.

Runs without click and httpx, because git waits for it at every push.
"""

from collections.abc import Sequence
from typing import TextIO

from stratum.cli import credentials

USER = "stratum"  # the server looks at the password alone


def run(arguments: Sequence[str], asked: TextIO, answer: TextIO) -> int:
    """Speak git's protocol (gitcredentials(7)); `store` and `erase` are none of ours."""
    if list(arguments) != ["get"]:
        return 0
    wanted = dict(line.rstrip("\n").split("=", 1) for line in asked if "=" in line)
    url = f"{wanted.get('protocol', '')}://{wanted.get('host', '').lower()}"
    token = credentials.token_for(url)
    if token:
        answer.write(f"username={USER}\npassword={token}\n")
    return 0
