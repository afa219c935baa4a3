"""Open files that a fork has of its parent's; closed by number, since most have no object to be closed by."""

import gc
import os

ALL = 1 << 20  # more than a process may have open, ordinarily


def close_all_but(*kept: int, first: int = 3) -> None:
    """Close them, from a number on, in a fork that goes on in Python and returns to no frame of its parent.

    What the parent had not collected yet, and this process would, must not close its file once more: the
    number is another file's by then. So the collector looks at nothing that was inherited from now on.
    """
    gc.freeze()
    for handle in sorted(one for one in kept if one >= first):
        os.closerange(first, handle)
        first = handle + 1
    os.closerange(first, ALL)
