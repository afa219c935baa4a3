"""Where an app's storage may be mounted: a folder within the app's own. Pure."""

from collections.abc import Mapping

from stratum.errors import InvalidMount

APP = "/app"  # what the app's folder is called elsewhere, and in paths that people bring along
MAX_CHARACTERS = 1024
MAX_BYTES_OF_A_NAME = 255  # of most file systems


def checked_path(given: str) -> str:
    """Return a path relative to the app's folder: `uploads` for `uploads/`, `./uploads`, `/app/uploads`.

    Raises:
        InvalidMount: it leads elsewhere, or no file can have it.
    """
    if given.startswith("/") and not f"{given}/".startswith(f"{APP}/"):
        raise InvalidMount(given, "it is outside the app's folder")
    parts = [part for part in given.removeprefix(APP).split("/") if part not in ("", ".")]
    if not parts:
        raise InvalidMount(given, "it is the app's folder itself")
    if ".." in parts:
        raise InvalidMount(given, "it has a part '..'")
    if not all(map(_can_be_a_file, parts)) or len(given) > MAX_CHARACTERS:
        raise InvalidMount(given, "no file can have it, or it cannot be printed")
    return "/".join(parts)


def overlapping(path: str, mounts: Mapping[str, str]) -> str:
    """Name a volume that is mounted at a path, above or below it; empty for none.

    Args:
        mounts: name → path, as `checked_path` gives it.
    """
    for name, other in mounts.items():
        if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
            return name
    return ""


def _can_be_a_file(part: str) -> bool:
    return part.isprintable() and 0 < len(part.encode(errors="replace")) <= MAX_BYTES_OF_A_NAME
