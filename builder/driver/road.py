"""The road of one compilation: pre-build, the buildpacks in order, post-build."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from builder.driver import hooks, order
from builder.driver.failed import Failed
from builder.driver.fetch import repository
from builder.driver.order import Answer, Asked, Order, Used
from builder.driver.packs import BUILT_IN, Pack
from builder.driver.room import Room
from builder.driver.unsynced import Unsynced

NOTHING = "No dependencies to install"
_LOST = "What was kept of earlier builds is removed: the server went down before its disk had all of it"


def main() -> int:
    """Do what is asked on the standard input; return the exit code."""
    asked = order.read()
    try:
        answer, code = Road(asked).go(), 0
    except Failed as failed:
        failure = {"doing": failed.doing, "detail": failed.detail, "mend": failed.mend}
        answer, code = Answer(failure=failure), failed.code
    order.reply(answer)
    return code


class Road:
    """One compilation; used once."""

    def __init__(self, asked: Order) -> None:
        self._order = asked
        self._room = Room.make(asked, os.environ)
        self._used: list[Used] = []
        self._packages: dict[str, str] = {}
        self._site = ""
        self._unsynced = Unsynced.of(self._room.cache)
        self._has_stored = bool(self._unsynced.since)  # by a driver that was ended, perhaps

    def go(self) -> Answer:
        """Do all of it.

        Raises:
            Failed: a part failed; what follows it was not begun.
        """
        try:
            return self._walked()
        except Failed:
            self._has_stored = True  # perhaps: nobody has said
            raise
        finally:
            self._trim()

    def _walked(self) -> Answer:
        if self._unsynced.is_lost:
            self._say(_LOST)
            self._bound(0)
        self._unsynced.begin()
        hooks.run(self._room, "pre-build", self._say)
        last = self._asked() if self._order.asked else self._detected()
        wants = self._order.wants_processes and last is not None
        processes, advice = last.release() if wants and last is not None else ("", "")
        hooks.run(self._room, "post-build", self._say)
        return Answer(tuple(self._used), self._packages, self._site, processes, advice)

    def _trim(self) -> None:
        with suppress(OSError):  # the next build tries again; this one has more to say
            if self._has_stored and not self._order.no_cache:
                self._bound(self._order.cache_bytes)

    def _bound(self, most: int) -> None:
        from builder.driver.trim import trim  # time that a build need not spend for nothing

        trim(self._room.cache, most, set(self._order.detected))

    def _asked(self) -> Pack | None:
        pack = None
        for index, one in enumerate(self._order.asked):
            pack = self._fetched(one, index) if one.url else self._built_in(one.name, index)
            name = pack.detect()
            if name is None:
                raise pack.not_fitting()
            if one.url:
                self._say(f"{name} app detected by {one.url} at {pack.used.commit[:7]}")
            self._compile(pack)
            pack.export()
        return pack

    def _detected(self) -> Pack | None:
        for name, files in self._order.detected.items():
            pack = self._built_in(name, 0)
            if any((self._room.build / file).exists() for file in files) and pack.detect() is not None:
                self._compile(pack)
                if self._order.wants_processes or hooks.folder_of(self._room, "post-build"):
                    pack.export()
                return pack
        self._say(NOTHING)
        return None

    def _compile(self, pack: Pack) -> None:
        self._tell(f"=The buildpack {pack.label}")
        report: Mapping[str, Any] = pack.compile()
        self._used.append(pack.used)
        self._has_stored |= bool(report.get("stored", True))
        packages = report.get("packages")
        if isinstance(packages, dict):
            self._packages |= packages
        self._site = str(report.get("site") or self._site)

    def _built_in(self, name: str, index: int) -> Pack:
        return Pack(Used(name), BUILT_IN / name, self._room, index)

    def _fetched(self, one: Asked, index: int) -> Pack:
        room = self._room
        found = repository(room.cache, one, {**room.environ, **room.way})
        if not one.commit:
            self._say(f"Fetching the buildpack {one.url}")
        commit = found.fetch()
        folder = self._room.own / f"{index}.pack"
        found.check_out(commit, folder)
        name = one.url.rstrip("/").rpartition("/")[2].removesuffix(".git") or one.url
        return Pack(Used(name, one.url, one.ref, commit), folder, self._room, index)

    def _say(self, text: str) -> None:
        """Have the log show a step of ours."""
        self._tell(f"={text}")
        self._tell(text)

    def _tell(self, text: str) -> None:
        sys.stdout.write(f"{self._order.mark}{text}\n")
        sys.stdout.flush()
