"""The folders that releases run from: writable copies of slugs, each for one release alone.

Made by the app's own hand, which can only read the slug, under another name, and renamed when whole;
so one that is there is whole. A loss of power may take what is not yet on disk, so
a copy that was made before the last boot counts only once it has been synced: `<name>.boot` holds the
boot in which it was made, until then.
"""

import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from stratum.door import aside, disk, turns
from stratum.door.folders import LIMIT_S, Folders
from stratum.door.trees import Folder, Trees, is_folder_of
from stratum.door.volumes import Volumes
from stratum.errors import InvalidMount
from stratum.fence import Fence
from stratum.layout import Layout

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT, _HALF = ".boot", ".half-"
# Times are kept: Python takes a .pyc for that of its .py by them.
_COPY = 'cp -dR --preserve=timestamps,links --reflink=auto . "$1" && exec chmod -R u+w "$1"'


class Releases:
    """The release folders below one data folder."""

    def __init__(self, layout: Layout, fence: Fence, limit_s: float = LIMIT_S) -> None:
        """Take the instance.

        Args:
            limit_s: for all that is done with these; what takes longer raises TimeoutError.
        """
        self._layout, self._fence = layout, fence
        self._trees, self._limit_s = Trees(fence, limit_s), limit_s

    def open(self, app_id: int, version: int, digest: str, mounts: Mapping[str, str]) -> str:
        """Make a release's folder, unless it is there; return why it cannot be, empty when it is.

        Args:
            mounts: name of a volume → path in the folder.
        """
        folders = Folders(self._layout, self._fence, self._limit_s)
        folders.prepare(app_id)
        path = self._layout.release(app_id, version)
        with self._alone(app_id):
            if not self._is_whole(path, app_id):
                if not folders.has_slug(app_id, digest):
                    return "what was built for it is not there any more"
                why = self._make_anew(path, app_id, digest, mounts)
                if why:
                    return why
            self._own(self._layout.release_tmp(app_id, version), app_id)
        return ""

    def keep(self, app_id: int, versions: Collection[int]) -> None:
        """Take all release folders of an app but some out of the way, for `erase`: no more than renames."""
        parent = self._layout.release(app_id, 1).parent
        kept = {f"v{version}" for version in versions}
        if parent.is_dir():
            with self._alone(app_id):
                for entry in sorted(parent.iterdir()):
                    if entry.name.partition(".")[0] not in kept and not entry.name.startswith(aside.BEGIN):
                        aside.set_aside(entry)

    def erase(self, app_id: int) -> None:
        """Erase what is out of the way."""
        aside.erase(self._layout.release(app_id, 1).parent, self._trees, self._fence.app_uid(app_id))

    def versions(self) -> dict[int, list[int]]:
        """App id → versions of which there is a folder; 0 for what never became whole, or is to be erased."""
        found: dict[int, list[int]] = {}
        for folder in self._layout.releases.iterdir():
            with suppress(FileNotFoundError):  # the app is just being destroyed
                found[int(folder.name)] = sorted({_version(entry) for entry in folder.iterdir()})
        return found

    def settle(self) -> None:
        """Have the folders of all apps on disk."""
        before = self._unsettled()
        if before:
            disk.sync_all(self._layout.releases)
        now = self._unsettled()
        for mark, made_ns in before.items():
            if now.get(mark) == made_ns:  # else its folder was taken out of the way meanwhile, and made anew
                mark.unlink(missing_ok=True)

    def _unsettled(self) -> dict[Path, int]:
        """Find the marks of this boot, and when each was made."""
        boot, found = _BOOT_ID.read_text(), {}
        for folder in self._layout.releases.iterdir():
            with suppress(FileNotFoundError):  # the app is just being destroyed, or a release cleared away
                for mark in folder.glob(f"v*{_BOOT}"):
                    if mark.read_text() == boot:
                        found[mark] = mark.stat().st_mtime_ns
        return found

    def _alone(self, app_id: int) -> AbstractContextManager[bool]:
        """Wait for a handler that is still at work for an applier which was killed, and has come again."""
        return turns.turn(self._layout.process_log(app_id, "x").parent, limit_s=self._limit_s)

    def _make_anew(self, path: Path, app_id: int, digest: str, mounts: Mapping[str, str]) -> str:
        mark, half = _mark(path), path.with_name(f"{_HALF}{path.name}")
        uid = self._fence.app_uid(app_id)
        for left in (half, path, mark):
            aside.set_aside(left)
        why = self._copy(self._layout.slug(app_id, digest), half, app_id) or self._link(half, app_id, mounts)
        if why:
            self._trees.erase(half, uid)
            return why
        mark.write_text(_BOOT_ID.read_text())
        half.rename(path)
        return ""

    def _is_whole(self, path: Path, app_id: int) -> bool:
        """Whether a release's folder is there as it was made, or as the app has changed it since."""
        if not is_folder_of(path, self._fence.app_uid(app_id)):
            return False
        try:
            return _mark(path).read_text() == _BOOT_ID.read_text()
        except FileNotFoundError:
            return True

    def _copy(self, slug: Path, half: Path, app_id: int) -> str:
        self._own(half, app_id)
        handle = os.open(slug, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            argv = ("/bin/sh", "-c", _COPY, "copy", str(half))
            code, said = self._trees.try_as(self._fence.app_uid(app_id), argv, handle)
        finally:
            os.close(handle)
        last = (said.strip().splitlines() or [f"exit code {code}"])[-1]
        return f"what was built for it cannot be copied: {last}" if code else ""

    def _link(self, half: Path, app_id: int, mounts: Mapping[str, str]) -> str:
        try:
            Volumes(self._layout, self._fence, self._limit_s).link(half, app_id, mounts)
        except InvalidMount as error:
            return str(error).removesuffix(".")
        return ""

    def _own(self, path: Path, app_id: int) -> None:
        uid = self._fence.app_uid(app_id)
        self._trees.make(Folder(path, uid, uid, 0o700))


def _version(path: Path) -> int:
    """Read what is in an app's folder: `v3`, `v3.tmp`, `.half-v3`, `.gone-v3-…`."""
    number = path.name.partition(".")[0].removeprefix("v")
    return int(number) if number.isdecimal() else 0


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}{_BOOT}")
