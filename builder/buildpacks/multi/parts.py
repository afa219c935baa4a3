"""The buildpacks that this one is made of, run as the driver would run them: by the classic API."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WITH_EXPORTS = '[ ! -f "$0" ] || . "$0"; exec "$@"'


@dataclass(frozen=True, slots=True)
class Part:
    """One of them."""

    name: str

    def detect(self, build: Path) -> bool:
        """Whether it fits the app."""
        return self._run(str(self._program("detect")), str(build), stdout=subprocess.DEVNULL).returncode == 0

    def compile(self, build: Path, cache: Path, env_dir: Path) -> int:
        """Have it do its work, with what the ones before it have exported; return its exit code."""
        own = cache / self.name
        own.mkdir(exist_ok=True)
        words = (os.environ["STRATUM_EXPORT"], self._program("compile"), build, own, env_dir)
        return self._run("/bin/bash", "-c", _WITH_EXPORTS, *map(str, words)).returncode

    def release(self, build: Path) -> str:
        """Return what it prints of how to start the app."""
        done = self._run(str(self._program("release")), str(build), stdout=subprocess.PIPE)
        return "" if done.returncode else done.stdout.decode("utf-8", "replace")

    @property
    def report(self) -> Mapping[str, Any]:
        """What it has told beside the classic API."""
        try:
            found = json.loads(self._report.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _report(self) -> Path:
        return Path(f"{os.environ['STRATUM_REPORT']}.{self.name}")

    def _program(self, name: str) -> Path:
        return Path(__file__).resolve().parents[1] / self.name / "bin" / name

    def _run(self, *argv: str, stdout: int | None = None) -> "subprocess.CompletedProcess[bytes]":
        environ = {**os.environ, "STRATUM_REPORT": str(self._report)}
        return subprocess.run(argv, env=environ, stdout=stdout, check=False)


NODE, PYTHON = Part("node"), Part("python")
