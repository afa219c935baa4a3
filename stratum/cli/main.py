"""The entry point: which command it is, and how errors end.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import gc
import sys

# Cycles that a command makes while it imports are gone with it; looking for them takes 4 ms of its 70.
_MANY = 50_000


def main() -> None:
    """Run the command line."""
    gc.set_threshold(_MANY)
    if sys.argv[1:2] == ["git-credential"]:
        from stratum.cli.git_credential import run

        raise SystemExit(run(sys.argv[2:], sys.stdin, sys.stdout, sys.stderr))
    from stratum.cli.commands import stratum

    stratum()
