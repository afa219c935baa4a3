"""The environment as the person at the terminal set it; apart from the settings, which git need not wait for."""

import os
from collections.abc import Mapping


def client_environ() -> Mapping[str, str]:
    """The environment as the command line tool sees it (STRATUM_URL, STRATUM_TOKEN, HOME, …)."""
    return os.environ
