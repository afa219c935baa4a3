"""An app's folders: made, moved and removed so that no app or build can lead root astray.

Fenced, every parent folder is root's, so its entries stay what they are; what lies inside a tree
that a build owns is touched only by a child that has become the build's uid.
Owners and modes are those of docs/architecture.md, "Folders".
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from stratum.door import disk, ending, steps, strays, turns
from stratum.door.trees import Folder, Trees, is_folder_of
from stratum.errors import DoorUnavailable
from stratum.fence import Fence
from stratum.layout import Layout

_ROOT = 0
_LEFT = ".left-"  # begins the name of what is set aside, beside the scratch, to be erased
LIMIT_S = 600.0  # a build may leave files without number; removing 100,000 takes seconds
AT_ONCE_S = 0.5  # for what somebody waits for: a build is canceled, with all that it began, within 2 s
ROUND_S = 5.0  # for what nobody waits for; a builder has other apps, too


class Folders:
    """The folders below one data folder."""

    def __init__(self, layout: Layout, fence: Fence, limit_s: float = LIMIT_S) -> None:
        """Take the instance.

        Args:
            limit_s: for all that is done with these; what takes longer raises TimeoutError.
        """
        self._layout, self._fence = layout, fence
        self._trees = Trees(fence, limit_s)

    def prepare(self, app_id: int) -> None:
        """Make an app's folders, and mend owners and modes of those that are there."""
        for folder in self._folders(app_id):
            self._trees.make(folder)

    def scratch(self, app_id: int, number: int) -> Path:
        """Return the scratch folder of a build, made with what is in it when it is not there."""
        path = self._layout.build(app_id, number)
        uid = self._fence.build_uid(app_id)
        inside = tuple(str(path / name) for name in ("source", "home", "tmp"))
        if not all(os.path.lexists(folder) for folder in inside):
            self._trees.make(Folder(path, uid, uid, 0o700))
            self._trees.run_as(uid, ("/bin/mkdir", "-p", "--", *inside), path)
        return path

    def seal(self, app_id: int, number: int, digest: str) -> None:
        """Move a build's source to its place as a slug. One that is there is kept if it has that digest.

        Looked at before it moves, so that whatever stands in that place has been: all that worked in
        it has ended, and nobody can exchange it.

        Raises:
            DoorUnavailable: what the build left as `source` is not a folder of its own.
        """
        source = self._layout.build(app_id, number) / "source"
        slug = self._layout.slug(app_id, digest)
        with self._alone(app_id):
            if self.slug_digest(app_id, digest) != digest:
                if not self._is_built(source, app_id):
                    message = f"What should be {slug.name} is not a folder that its build has made."
                    raise DoorUnavailable(message, "See what the build does to its own folder.")
                self._set_aside(slug, app_id)
                self._move(source, slug)
            if not self._fence.fenced:
                slug.chmod(0o555)
            disk.sync(slug)
            disk.sync(slug.parent)

    def discard(self, app_id: int, number: int) -> None:
        """Remove a build's scratch, if it is there, with all that still works in it.

        What cannot be erased at once is set aside for `erase_left`: it is out of the way.
        """
        with self._alone(app_id):
            path = self._set_aside(self._layout.build(app_id, number), app_id)
            self._erase_at_once(app_id, [path])

    def sweep(self, app_id: int) -> bool:
        """Remove the scratch of all builds of an app, with all that still works there, as `discard` does.

        Returns:
            Whether nothing is left for `erase_left`.
        """
        if self._scratches(app_id):
            with self._alone(app_id):
                for path in self._scratches(app_id):
                    self._set_aside(path, app_id)
        return self._erase_at_once(app_id, self._left(app_id))

    def erase_left(self, app_id: int) -> bool:
        """Erase what was set aside; False when there is more.

        It keeps no build waiting: the next step ends it, by the uid that it has.
        """
        try:
            self._erase(app_id, self._left(app_id), ROUND_S)
        except (TimeoutError, InterruptedError):
            return False
        return True

    def empty_cache(self, app_id: int) -> None:
        """Remove all that an app's builds have kept for the next ones; the rest of it is for `erase_left`."""
        cache, uid = self._layout.cache(app_id), self._fence.build_uid(app_id)
        if cache.is_dir():
            with self._alone(app_id):
                self._set_aside(cache, app_id)
                self._trees.make(Folder(cache, uid, uid, 0o700))
            self._erase_at_once(app_id, self._left(app_id))

    def has_slug(self, app_id: int, digest: str) -> bool:
        """Whether a slug is in its place."""
        return self._is_built(self._layout.slug(app_id, digest), app_id)

    def slug_digest(self, app_id: int, digest: str) -> str:
        """Compute the digest of a slug anew; empty for none there.

        By the service's hand, as all may read it: whatever has the build's uid is ended with its next step.
        """
        slug = self._layout.slug(app_id, digest)
        if not self._is_built(slug, app_id):
            return ""
        handle = os.open(slug, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            return self._trees.run_as(self._fence.service_uid, steps.count().argv, handle).strip()
        finally:
            os.close(handle)

    def drop_slug(self, app_id: int, digest: str) -> None:
        """Take a slug from its place, at once and for good: none half gone is ever used; for `erase_left`."""
        slug = self._layout.slug(app_id, digest)
        self._set_aside(slug, app_id)
        disk.sync(slug.parent)

    def destroy(self, app_id: int) -> None:
        """End the builds' (fenced, also the app's) processes and remove all folders of an app."""
        build, app = self._fence.build_uid(app_id), self._fence.app_uid(app_id)
        with self._alone(app_id):
            if self._fence.fenced:
                ending.end_uid(app)
            for folder in self._folders(app_id):
                if folder.uid in (build, app):
                    self._trees.erase(folder.path, folder.uid)
                else:
                    owner = app if folder.path == self._releases(app_id) else build
                    self._trees.erase_parent(folder.path, owner)
                disk.sync(folder.path.parent)

    def _folders(self, app_id: int) -> tuple[Folder, ...]:
        layout, app, build = self._layout, self._fence.app_uid(app_id), self._fence.build_uid(app_id)
        root = _ROOT if self._fence.fenced else app
        return (
            Folder(layout.build(app_id, 0).parent, root, build, 0o710),
            Folder(layout.cache(app_id), build, build, 0o700),
            Folder(layout.slug(app_id, "x").parent, root, app, 0o750),
            Folder(self._releases(app_id), root, app, 0o750),
            Folder(layout.process_log(app_id, "x").parent, root, self._fence.service_uid, 0o2750),
        )

    def _releases(self, app_id: int) -> Path:
        return self._layout.release(app_id, 1).parent

    def _move(self, old: Path, new: Path) -> None:
        """Rename a folder; one without write permission moves only under root's hand, or with it."""
        if not self._fence.fenced and stat.S_ISDIR(old.lstat().st_mode):
            old.chmod(0o755)
        old.rename(new)

    def _is_built(self, path: Path, app_id: int) -> bool:
        """Whether it is a folder, no link to one, that a build of the app has made."""
        return is_folder_of(path, self._fence.build_uid(app_id))

    def _scratches(self, app_id: int) -> list[Path]:
        parent = self._layout.build(app_id, 0).parent
        found = parent.iterdir() if parent.is_dir() else ()
        return [path for path in found if not path.name.startswith(_LEFT)]

    def _left(self, app_id: int) -> list[Path]:
        return sorted(self._layout.build(app_id, 0).parent.glob(f"{_LEFT}*"))

    def _set_aside(self, path: Path, app_id: int) -> Path:
        """Take something from its place, if it is there, to one that nothing else ever has."""
        name = f"{_LEFT}{path.name}-{os.getpid()}-{time.time_ns()}"
        left = self._layout.build(app_id, 0).with_name(name)
        if os.path.lexists(path):
            self._move(path, left)
        return left

    def _erase(self, app_id: int, paths: list[Path], limit_s: float) -> None:
        """Erase what it can.

        Raises:
            DoorUnavailable, OSError: something of it cannot be erased, but all else is.
            TimeoutError: the time is over; InterruptedError: something has ended it.
        """
        trees = Trees(self._fence, limit_s, tries=1)
        failed: OSError | DoorUnavailable | None = None
        for path in paths:
            try:
                with suppress(FileNotFoundError):
                    trees.erase(path, self._fence.build_uid(app_id))
            except (TimeoutError, InterruptedError):
                raise
            except (OSError, DoorUnavailable) as error:
                failed = error
        if failed is not None:
            raise failed

    def _erase_at_once(self, app_id: int, paths: list[Path]) -> bool:
        """Erase what takes no time; what is left for any other reason tells it when it is erased next."""
        try:
            self._erase(app_id, paths, AT_ONCE_S)
        except (OSError, DoorUnavailable):
            return False
        return True

    @contextmanager
    def _alone(self, app_id: int) -> Iterator[None]:
        """End what works for any build of the app, and let no step begin."""
        self._end_build(app_id)
        scratch = self._layout.build(app_id, 0).parent
        with turns.turn(scratch) if scratch.is_dir() else nullcontext():
            yield

    def _end_build(self, app_id: int) -> None:
        """End what works for any build of the app."""
        if self._fence.fenced:
            ending.end_uid(self._fence.build_uid(app_id))
            ending.await_none(self._fence.build_uid(app_id))
        else:
            found = strays.Strays(self._layout, self._fence)
            found.end(lambda: found.of_builds(app_id))
