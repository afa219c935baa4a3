"""A built-in buildpack at work on one app, by its scripts."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PACKS = Path(__file__).parents[1] / "builder/buildpacks"
_APP_PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


@dataclass
class PackOfApp:
    """The buildpack `name` and one app, which lies in a folder of the test's."""

    name: str
    folder: Path

    @property
    def app(self) -> Path:
        return self.folder / "app"

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, part: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "STRATUM_PYTHON": sys.executable,
            "STRATUM_APP_PYTHON": _APP_PYTHON,
            "STRATUM_UV": str(Path(sys.executable).parent / "uv"),
            "STRATUM_MARK": "",
            "STRATUM_REPORT": str(self.folder / "report"),
            "STRATUM_EXPORT": str(self.folder / "export"),
        }
        argv = [_PACKS / self.name / "bin" / part, self.app, *arguments]
        return subprocess.run(argv, cwd=self.app, env=environ, capture_output=True, text=True, check=False)

    def compile(self) -> subprocess.CompletedProcess[str]:
        folders = [self.folder / "cache", self.folder / "env"]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        return self.run("compile", *folders)

    @property
    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "report").read_text())
        return found
