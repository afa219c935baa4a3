"""The node buildpack at work on apps, by its scripts alone: BUILD_DIR CACHE_DIR ENV_DIR."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACK = Path(__file__).parents[1] / "builder/buildpacks/node"
APPS = Path(__file__).parent / "apps"
PATH = "/usr/local/bin:/usr/bin:/bin"
MARK = "mark-0123456789abcdef "
CLASSIC = {"STRATUM_REPORT": "", "STRATUM_MARK": ""}
NOWHERE = "http://127.0.0.1:9"  # the discard port: a proxy that nobody is
SEALED = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE}


@dataclass
class Pack:
    """The buildpack at work on one app, whose builds share a cache."""

    folder: Path
    builds: int = 0

    def build(
        self, source: Path, variables: dict[str, str] | None = None, environ: dict[str, str] | None = None
    ) -> "Built":
        self.builds += 1
        app = self.folder / f"source{self.builds}"
        shutil.copytree(source, app, symlinks=True)
        given = self.folder / f"env{self.builds}"
        given.mkdir()
        for name, value in (variables or {}).items():
            (given / name).write_text(value)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        report = self.folder / f"report{self.builds}"
        done = subprocess.run(
            [PACK / "bin/compile", app, self.folder / "cache", given],
            env={
                "PATH": PATH,
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "STRATUM_REPORT": str(report),
                "STRATUM_MARK": MARK,
                **(environ or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told = json.loads(report.read_text()) if report.exists() else {}
        return Built(app, done.returncode, done.stdout + done.stderr, told)


@dataclass
class Built:
    app: Path
    code: int
    output: str
    report: dict[str, Any]

    @property
    def steps(self) -> list[str]:
        lines = self.output.splitlines()
        return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]

    def has(self, name: str) -> bool:
        return (self.app / "node_modules" / name).exists()

    def run(self, command: str, home: Path | None = None) -> str:
        """Run a command as a process of the app would."""
        home = home or self.app
        argv = ["bash", "-c", f". .profile.d/node.sh; {command}"]
        environ = {"PATH": PATH, "HOME": str(home)}
        return subprocess.run(argv, cwd=home, env=environ, capture_output=True, text=True, check=True).stdout


def released(app: Path) -> str:
    return subprocess.run([PACK / "bin/release", app], capture_output=True, text=True, check=True).stdout
