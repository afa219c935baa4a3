"""One buildpack, by Heroku's classic API: its folder with bin/detect, bin/compile and bin/release.

Source: Heroku's Buildpack API. `export` in the buildpack's folder is sourced before the next one's
compile. Built-in ones, whose folder is closed to them, are told where to write instead:
STRATUM_EXPORT; and STRATUM_REPORT, JSON, for what the classic API has no words for.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from builder.driver import forked
from builder.driver.failed import Failed
from builder.driver.fetch import key
from builder.driver.order import Used
from builder.driver.room import Room

BUILT_IN = Path(__file__).resolve().parents[1] / "buildpacks"
MAX_PRINTED = 64 << 10  # of bin/release
_EXPORTED = 'set -a; . "$0" >/dev/null; exec /usr/bin/env -0'
_NOT_EXPORTED = {"_", "SHLVL", "PWD", "OLDPWD"}


class Pack(NamedTuple):
    """A buildpack in its place.

    Attributes:
        place: among those that are used, from 0.
    """

    used: Used
    folder: Path
    room: Room
    place: int = 0

    @property
    def label(self) -> str:
        """What the pusher calls it."""
        return self.used.url or self.used.name

    def detect(self) -> str | None:
        """Return the name that it has for such an app; None when it does not fit."""
        printed = self._capture("detect", str(self.room.build))
        if printed is None:
            return None
        first, _, _ = printed.strip().partition("\n")
        return first.strip()[:100] or self.label

    def compile(self) -> Mapping[str, Any]:
        """Have it do its work, and return its report.

        Raises:
            Failed: it failed.
        """
        room = self.room
        cache = room.cache / (key(self.used.url) if self.used.url else self.used.name)
        cache.mkdir(exist_ok=True)
        os.utime(cache)  # by which the cache is trimmed
        arguments = (str(room.build), str(cache), str(room.env_dir))
        code = self._run("compile", *arguments)
        report = self._report()
        if code:
            doing, mend = report.get("doing") or f"The buildpack {self.label}", report.get("mend", "")
            raise Failed(str(doing), str(report.get("detail", "")), code, str(mend))
        return report

    def export(self) -> None:
        """Have in the environment of what follows what it exports.

        Raises:
            Failed: its file `export` failed.
        """
        self.room.environ.update(self._exports())

    def release(self) -> tuple[str, str]:
        """Return what it prints of how to start the app, and what it advises where it knows no way."""
        if not self._program("release").exists():
            return "", ""
        printed = self._capture("release", str(self.room.build)) or ""
        return printed[:MAX_PRINTED], str(self._report().get("advice", ""))

    def not_fitting(self) -> Failed:
        """Say that it was asked for, and does not fit."""
        mend = "Name another buildpack, or none: then the built-in ones are tried."
        return self._failed("it does not fit this app.", mend=mend)

    def _failed(self, detail: str, mend: str = "") -> Failed:
        return Failed(f"The buildpack {self.label}", detail, mend=mend)

    def _program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def _run(self, name: str, *arguments: str) -> int:
        program = self._program(name)
        if not os.access(program, os.X_OK):
            mend = "See that its address is that of a classic buildpack."
            detail = f"it has no program bin/{name}."
            raise self._failed(detail, mend=mend)
        environ, cwd = self._environ(), self.room.build
        if not self.used.url and forked.is_there(self.folder, name):
            return exit_code(forked.run(self.folder, name, arguments, environ, cwd))
        try:
            done = subprocess.run(
                (program, *arguments), env=environ, stdin=subprocess.DEVNULL, cwd=cwd, check=False
            )
        except OSError as error:
            detail = f"bin/{name} could not be started: {error.strerror}."
            raise self._failed(detail) from error
        return exit_code(done.returncode)

    def _capture(self, name: str, *arguments: str) -> str | None:
        """Run a program for what it prints; None when it fails."""
        program = self._program(name)
        try:
            done = subprocess.run(
                (program, *arguments),
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                cwd=self.room.build,
                check=False,
            )
        except OSError:
            return None
        return None if done.returncode else done.stdout.decode("utf-8", "replace")

    def _environ(self) -> dict[str, str]:
        if self.used.url:
            return self.room.environ
        own = {"STRATUM_REPORT": str(self._own("report")), "STRATUM_EXPORT": str(self._own("export"))}
        return {**self.room.environ, **self.room.told, **own}

    def _own(self, name: str) -> Path:
        return self.room.own / f"{self.place}.{name}"

    def _report(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self._own("report").read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _exports(self) -> dict[str, str]:
        export = self.folder / "export" if self.used.url else self._own("export")
        if not export.is_file():
            return {}
        argv = ("/bin/bash", "-c", _EXPORTED, str(export))
        done = subprocess.run(
            argv, env=self.room.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        if done.returncode:
            detail = "its file export failed."
            raise self._failed(detail)
        pairs = (entry.partition("=") for entry in done.stdout.decode("utf-8", "replace").split("\0"))
        return {name: value for name, _, value in pairs if name and name not in _NOT_EXPORTED}


def exit_code(status: int) -> int:
    """Turn what subprocess says into what a shell would say."""
    return status if status >= 0 else 128 - status
