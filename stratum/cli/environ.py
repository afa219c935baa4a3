"""What the person at the terminal has set; the server's settings are apart: git need not wait for those."""

import os
from collections.abc import Mapping


def client_environ() -> Mapping[str, str]:
    """The environment as the command line tool sees it (STRATUM_URL, STRATUM_TOKEN, HOME, …)."""
    return os.environ
