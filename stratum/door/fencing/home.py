"""What a view would show of the home of the account that steps share with us."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from stratum.door.fencing.view import SYSTEM


def of_account() -> Path | None:
    """Find our account's home; None for root's, which steps do not share, and where there is none."""
    if os.geteuid() == 0:
        return None
    with suppress(KeyError, OSError):
        home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
        if home.stat().st_uid == os.geteuid():  # a system's account may have /bin
            return home
    return None


def private(home: Path | None, shown: tuple[Path, ...]) -> tuple[Path, ...]:
    """List what of a home is to be hidden: all of it, or, where we are installed in it, all that has a dot.

    Args:
        shown: what a step has to see, besides the system's folders.
    """
    if home is None:
        return ()
    home = home.resolve()
    if not any(home.is_relative_to(one) for one in shown):
        return (home,) if any(home.is_relative_to(one) for one in SYSTEM) else ()
    with suppress(OSError):
        dotted = (one for one in sorted(home.iterdir()) if one.name.startswith("."))
        return tuple(one for one in dotted if not any(path.is_relative_to(one) for path in shown))
    return ()
