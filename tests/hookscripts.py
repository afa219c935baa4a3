"""Hook scripts of an operator, as the tests write them."""

from pathlib import Path


def write_script(folder: Path, name: str, *lines: str) -> Path:
    """Write an executable `<event>/<name>` of the shell."""
    path = folder / name
    folder.mkdir(mode=0o755, exist_ok=True)
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path
