"""The folders of sites that the router serves: copies of a part of a slug, each for one release.

Made by the hand of a uid that is there for nothing else, which reads the slug and writes to an empty
folder through two open folders, follows no link out of the site, and takes no file whose name begins
with a dot; what has the build's uid would be ended with the next step of a build. The folder then is
root's, in a parent that the router alone may enter. One that is there is whole: it got its name
once all of it was on the disk.
"""

import os
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path

from stratum.door import aside, disk, spawn, turns
from stratum.door.folders import LIMIT_S, Folders
from stratum.door.steps import SYSTEM_PATH
from stratum.door.trees import Folder, Trees
from stratum.fence import Fence
from stratum.layout import Layout

# Python takes no folder as its standard input; of the working folder, the slug, it imports nothing.
_GOAL = "3"  # the descriptor; not imported from there, as that reads what the idle door has no use for
_HANDED_ON = f'exec {_GOAL}<&0 0</dev/null; exec "$@"'
_COPY = ("/bin/sh", "-c", _HANDED_ON, "sh", sys.executable, "-I", "-m", "stratum.door.sitecopy", _GOAL)
_HALF = ".half-"
_MOST_SAID = 1 << 16
_ASKED = ".rules"  # beside a site's folder: what its slug says of how it is served


class Sites:
    """The folders of sites below one data folder."""

    def __init__(self, layout: Layout, fence: Fence, limit_s: float = LIMIT_S) -> None:
        """Take the instance.

        Args:
            limit_s: for all that is done with these; what takes longer raises TimeoutError.
        """
        self._layout, self._fence = layout, fence
        self._trees, self._limit_s = Trees(fence, limit_s), limit_s

    def publish(self, app_id: int, version: int, digest: str) -> tuple[str, str]:
        """Make the folder of a release's site, unless it is there.

        Args:
            digest: of the slug that has it.

        Returns:
            What the slug says of how it is served (`stratum.site.parse`): the build's word, unchecked;
            and why it cannot be served, without a full stop, empty when it can.
        """
        site = self._layout.site(app_id, version)
        why = "" if _is_whole(site) else self._make(app_id, site, digest)
        return ("", why) if why else (_asked(site).read_text(), "")

    def keep(self, app_id: int, versions: Collection[int]) -> None:
        """Take all sites of an app but those of some releases out of the way, for `erase`."""
        parent = self._layout.site(app_id, 1).parent
        kept = {f"v{version}" for version in versions}
        if parent.is_dir():
            with self._alone(parent):
                for entry in sorted(parent.iterdir()):
                    if entry.name.partition(".")[0] not in kept and not entry.name.startswith(aside.BEGIN):
                        aside.set_aside(entry)

    def erase(self, app_id: int) -> None:
        """Erase what is out of the way."""
        aside.erase(self._layout.site(app_id, 1).parent, self._trees, self._fence.site_uid)

    def destroy(self, app_id: int) -> None:
        """Remove all that was made for an app."""
        parent = self._layout.site(app_id, 1).parent
        self._trees.erase_parent(parent, self._fence.site_uid)
        disk.sync(parent.parent)

    def _alone(self, parent: Path) -> AbstractContextManager[bool]:
        """Wait for a handler that is still at work for an applier which was killed, and has come again."""
        return turns.turn(parent, limit_s=self._limit_s)

    def _make(self, app_id: int, site: Path, digest: str) -> str:
        """Make the folder, and beside it what the slug says; return why it cannot be."""
        if not Folders(self._layout, self._fence, self._limit_s).has_slug(app_id, digest):
            return "what was built for it is not there any more"
        self._own(site.parent)
        with self._alone(site.parent):
            return "" if _is_whole(site) else self._make_anew(site, self._layout.slug(app_id, digest))

    def _make_anew(self, site: Path, slug: Path) -> str:
        router, copier = self._fence.router_uid, self._fence.site_uid
        half = site.with_name(f"{_HALF}{site.name}")
        for left in (half, site, _asked(site)):
            aside.set_aside(left)
        self._trees.make(Folder(half, copier, copier, 0o700))
        code, said = self._copy(slug, half)
        if code:
            self._trees.erase(half, copier)
            return f"its site cannot be copied: {(said.splitlines() or [f'exit code {code}'])[-1]}"
        self._own(half)
        _asked(site).write_text(said)
        self._trees.run_as(router, ("/bin/sync", "--file-system", "."), site.parent)
        half.rename(site)
        return ""

    def _own(self, path: Path) -> None:
        """Make a folder that is root's, and for the router to read."""
        root = 0 if self._fence.fenced else self._fence.service_uid
        self._trees.make(Folder(path, root, self._fence.router_uid, 0o750))

    def _copy(self, slug: Path, half: Path) -> tuple[int, str]:
        """Copy the site out of a slug; return the exit code, and what the slug says, or why not."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        source, goal = os.open(slug, flags), os.open(half, flags)
        uid = self._fence.site_uid if self._fence.fenced else None
        program = spawn.Program(_COPY, {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"}, source, uid)

        complaint = os.memfd_create("complaint")  # on the pipe it would join what the slug says

        def begin(program: spawn.Program, fds: tuple[int, int, int]) -> int:
            return spawn.start(program, (goal, fds[1], complaint))

        try:
            code, said = spawn.capture(program, self._limit_s, begin)
            return code, os.pread(complaint, _MOST_SAID, 0).decode(errors="replace") if code else said
        finally:
            for handle in (source, goal, complaint):
                os.close(handle)


def _asked(site: Path) -> Path:
    return site.with_name(f"{site.name}{_ASKED}")


def _is_whole(site: Path) -> bool:
    return site.is_dir() and _asked(site).is_file()
