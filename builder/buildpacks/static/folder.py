"""Which folder of an app is its site."""

from pathlib import Path, PurePosixPath

PAGE = "index.html"
# In this order, of those that have a page; what a build has made goes before what it was made from.
PLACES = (".", "public", "dist", "build", "_site", "public_html")
BUILT = ("dist", "build", "out", "_site", "public", "public_html")


class NoFolder(Exception):
    """There is none, or not as it was asked for; the text says it in a sentence."""


def chosen(build: Path, root: str, *, was_built: bool) -> str:
    """Choose the folder, relative to the app's.

    Args:
        root: what was asked for; empty: the first that has a page.
        was_built: scripts have run that may have made it.

    Raises:
        NoFolder: there is none.
    """
    if root:
        return _asked(build, root)
    places = BUILT if was_built else PLACES
    found = [place for place in places if (build / place / PAGE).is_file() and not _led(build, place)]
    if not found:
        listed = ", ".join(place for place in places if place != ".")
        message = f"there is no {PAGE}{'' if was_built else ' at its root, nor'} in {listed}."
        raise NoFolder(message)
    return found[0]


def _asked(build: Path, root: str) -> str:
    if _led(build, root):
        message = f"the folder {root} is, or is below, a link."
        raise NoFolder(message)
    if not (build / root).is_dir():
        message = f"there is no folder {root}."
        raise NoFolder(message)
    return root


def _led(build: Path, place: str) -> bool:
    """Whether a link is on the way to a place."""
    parts = PurePosixPath(place).parts
    return any(build.joinpath(*parts[: depth + 1]).is_symlink() for depth in range(len(parts)))
