"""Trees of installed packages, kept in a buildpack's cache under what they were made from.

A tree is copied in and out, never linked: a later build, which may write to the cache, must not be
able to change a slug by it.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_NOTE = "note.json"
_TREE = "tree"
_FORM = "1"  # of what is kept; another one finds nothing of this


def key_of(parts: Iterable[str | bytes]) -> str:
    """Digest of all that decides what is installed."""
    digest = hashlib.sha256(_FORM.encode())
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:40]


def program_key(path: Path) -> str:
    """What tells one build of a program from another, without running it."""
    real = path.resolve()
    found = real.stat()
    return f"{real} {found.st_size} {found.st_mtime_ns}"


class Kept(NamedTuple):
    """The place of one tree."""

    cache: Path
    key: str

    @property
    def _folder(self) -> Path:
        return self.cache / "kept" / self.key

    def restore(self, into: Path) -> Mapping[str, Any] | None:
        """Copy the tree to where nothing is; return its note, or None when it is not there, or not whole."""
        try:
            note = json.loads((self._folder / _NOTE).read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(note, dict) or not copied(self._folder / _TREE, into):
            _remove(into)
            return None
        os.utime(self._folder)
        return note

    def keep(self, tree: Path, note: Mapping[str, Any]) -> None:
        """Copy a tree to its place; a failure leaves none there, and is no reason to fail."""
        parent = self._folder.parent
        fresh = parent / f".new-{os.urandom(4).hex()}"
        try:
            parent.mkdir(exist_ok=True)
            fresh.mkdir()
            if copied(tree, fresh / _TREE):
                (fresh / _NOTE).write_text(json.dumps(note), encoding="utf-8")
                _remove(self._folder)
                fresh.rename(self._folder)
        except OSError:
            pass
        _remove(fresh)


def copied(tree: Path, into: Path) -> bool:
    """Copy a tree with its modes, times and links; False when that failed."""
    argv = ("cp", "--archive", "--reflink=auto", "--no-target-directory", "--", str(tree), str(into))
    done = subprocess.run(argv, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _remove(tree: Path) -> None:
    import shutil  # time that builds which find all they need do not spend

    shutil.rmtree(tree, ignore_errors=True)
