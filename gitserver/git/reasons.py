"""Why git itself refuses a push, in one line for the person who pushed. Pure.

Source: the messages of builtin/receive-pack.c and builtin/index-pack.c, git 2.39; tests/integration/
test_git_hostile.py meets them with a real git.
"""

import re

from stratum.buildlog import harmless

MAX_REASON = 300  # characters; git's client shows it all in one line

# What git says of one ref.
_OF_A_REF = {
    "missing necessary objects": "objects that it needs were not sent: run git fsck, and push again",
    "shallow update not allowed": "your clone is shallow, and the server lacks what it leaves out: clone with"
    " fetch-depth: 0, or run git fetch --unshallow, and push again",
    "failed to update ref": "it has moved, or a ref stands in its way: fetch first, then push again",
    "deny updating a hidden ref": "it is no place to push to",
    "funny refname": "git allows no ref of this name",
    "branch is currently checked out": "it is checked out on the server",
    "inconsistent aliased update": "it is another name of a ref in this push",
}

# What git says of the pack; the first that is found is told.
_OF_A_PACK = (
    (
        re.compile(r"[Oo]ut of memory|malloc failed|mmap failed|unable to create thread|Cannot allocate"),
        "unpacking it takes more memory than a push may use here",
    ),
    (re.compile(r"No space left on device|File too large"), "the server has no room: tell its operator"),
    (
        re.compile(r"unable to create temporary object directory"),
        "the server cannot keep it, most likely for want of room: tell its operator",
    ),
    (re.compile(r"error: object ([0-9a-f]{12})[0-9a-f]*: (.+)"), "object {0} is not sound: {1}"),
    (re.compile(r"fatal: (early EOF|unexpected disconnect.*)"), "it was cut on its way: push again"),
    (re.compile(r"fatal: did not receive expected object ([0-9a-f]{12})"), "it lacks {0}: run git fsck"),
    (re.compile(r"fatal: (pack has \d+ unresolved deltas?)"), "{0}: run git fsck, and push again"),
    (re.compile(r"fatal: (.+)"), "git refuses it: {0}"),
)
_NO_WORDS = (
    "git ended on the server before it had unpacked the push: push again; where that ends so, too, the push"
    " takes more than the server gives to one"
)


TOO_SLOW = "it came too slowly, or for longer than a push may take: push less at once"


def of_ref(words: str) -> str:
    """Say plainly why git did not move one ref."""
    return one_line(_OF_A_REF.get(words, words))


def is_too_large(said: bytes) -> bool:
    """Whether git met receive.maxInputSize."""
    return b"pack exceeds maximum allowed size" in said


def of_pack(said: bytes, status: str = "") -> str:
    """Say plainly why git did not unpack a push.

    Args:
        said: the end of what it told.
        status: of the unpacking in its report, which alone tells what went wrong before it began.
    """
    text = f"{harmless(said).decode('utf-8', 'replace')}\n{status}"
    for pattern, reason in _OF_A_PACK:
        found = pattern.search(text)
        if found is not None:
            return one_line(reason.format(*found.groups()))
    return _NO_WORDS


def of_time(timeout_s: int) -> str:
    """Say that a push took too long."""
    return f"it took longer than the {timeout_s} s that a push may take: push less at once"


def one_line(text: str) -> str:
    """Cut and clean a reason for the report, where a line end would begin another entry."""
    clean = harmless(" ".join(text.split()).encode("utf-8", "replace")).decode("utf-8", "replace")
    return clean if len(clean) <= MAX_REASON else clean[: MAX_REASON - 1] + "…"
