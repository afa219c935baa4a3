"""Storage of apps: folders that outlive releases, and the links by which a release's folder has them.

Fenced, `storage/` and `storage/<app>/` are root's, so a volume stays where it is; all that happens in a
volume or in a release's folder is done by the app's own hand, which can do nothing there that the app
could not do itself.
"""

from collections.abc import Mapping
from pathlib import Path

from stratum.door import disk
from stratum.door.trees import Folder, Trees
from stratum.errors import InvalidMount
from stratum.fence import Fence
from stratum.layout import Layout
from stratum.mounts import checked_path

_ROOT = 0
# Disk used, in KiB; folders that are closed even to their owner are left out.
_SIZE = "du -sk . 2>/dev/null || :"
_TAKEN = 3
# Arguments: what the link leads to, its name, and the folders above it. A link on the way could lead
# anywhere; a file in the way is no folder. What the release has in that place is hidden, as by a mount:
# it is in a copy, the slug keeps it.
_LINK = f"""
target=$1 leaf=$2
shift 2
for part; do
    if [ -L "./$part" ] || {{ [ -e "./$part" ] && [ ! -d "./$part" ]; }}; then exit {_TAKEN}; fi
    [ -d "./$part" ] || mkdir -- "./$part" || exit 1
    cd -P "./$part" || exit 1
done
if [ -d "./$leaf" ] && [ ! -L "./$leaf" ]; then chmod -R u+rwX "./$leaf"; fi
rm -rf "./$leaf" && ln -s "$target" "./$leaf"
"""
LIMIT_S = 20.0  # somebody waits for the answer; what takes longer is asked for again
SIZES_S = 3.0  # for all volumes of an app: whoever may read may ask, again and again


class Volumes:
    """The storage below one data folder."""

    def __init__(self, layout: Layout, fence: Fence, limit_s: float = LIMIT_S) -> None:
        """Take the instance.

        Args:
            limit_s: for all that is done with these; what takes longer raises TimeoutError.
        """
        self._layout, self._fence = layout, fence
        self._trees = Trees(fence, limit_s)

    def make(self, app_id: int, name: str) -> Path:
        """Return a volume's folder, made if it is not there."""
        uid = self._fence.app_uid(app_id)
        path = self._layout.volume(app_id, name)
        self._trees.make(Folder(path.parent, _ROOT if self._fence.fenced else uid, uid, 0o710))
        self._trees.make(Folder(path, uid, uid, 0o700))
        return path

    def sizes(self, app_id: int) -> dict[str, int | None]:
        """Return how many bytes of the disk each volume takes; None where counting them takes too long."""
        return {name: self._size(app_id, name) for name in self._names(app_id)}

    def link(self, folder: Path, app_id: int, mounts: Mapping[str, str]) -> None:
        """Put links to volumes into a release's folder that the app owns and nothing runs in yet.

        Args:
            mounts: name of a volume → path in the folder.

        Raises:
            InvalidMount: something of the release is on the way there.
        """
        for name, path in sorted(mounts.items()):
            *above, leaf = checked_path(path).split("/")
            target = str(self.make(app_id, name))
            argv = ("/bin/sh", "-c", _LINK, "link", target, leaf, *above)
            code, said = self._trees.try_as(self._fence.app_uid(app_id), argv, folder)
            if code == _TAKEN:
                raise InvalidMount(path, "the release has a link or a file on the way there")
            if code:
                raise InvalidMount(path, said.strip()[-200:] or f"exit code {code}")

    def empty(self, app_id: int, name: str) -> None:
        """Remove a volume with all that is in it, for good; none being there is fine."""
        path = self._layout.volume(app_id, name)
        self._trees.erase(path, self._fence.app_uid(app_id))
        disk.sync(path.parent)

    def destroy(self, app_id: int) -> None:
        """Remove all volumes of an app."""
        parent = self._layout.volume(app_id, "x").parent
        self._trees.erase_parent(parent, self._fence.app_uid(app_id))
        disk.sync(parent.parent)

    def _names(self, app_id: int) -> list[str]:
        parent = self._layout.volume(app_id, "x").parent
        return sorted(entry.name for entry in parent.iterdir()) if parent.is_dir() else []

    def _size(self, app_id: int, name: str) -> int | None:
        path, argv = self._layout.volume(app_id, name), ("/bin/sh", "-c", _SIZE)
        try:
            _, said = self._trees.try_as(self._fence.app_uid(app_id), argv, path)
        except TimeoutError:
            return None
        kib = said.split()[0] if said.strip() else ""
        return int(kib) * 1024 if kib.isascii() and kib.isdigit() else None
