"""What a built-in buildpack is told by the driver, and tells it: see `builder.driver.packs`."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

PROFILES = ".profile.d"


class Report:
    """What the classic API has no words for; written whenever it changes.

    Attributes:
        doing: what the pusher would call the work at hand, for a failure's sake.
        detail: what is wrong, a sentence, where no program has said it.
        mend: what the pusher may do about a failure.
        packages: name → version of what was installed.
        site: folder of a static site, relative to the app's.
        stored: something has come to the cache, so that its size is to be looked at.
        advice: why bin/release knows no way to start the app, and what to do.
    """

    def __init__(self, doing: str = "", detail: str = "", mend: str = "") -> None:
        self.doing, self.detail, self.mend = doing, detail, mend
        self.packages: Mapping[str, str] = {}
        self.site = self.advice = ""
        self.stored = True

    def begin(self, doing: str, mend: str = "") -> None:
        """Say what begins."""
        self.doing, self.detail, self.mend = doing, "", mend
        self.write()
        _tell(f"={doing}")

    def fail(self, detail: str, mend: str = "") -> NoReturn:
        """End with a failure of what was begun."""
        self.detail, self.mend = detail, mend or self.mend
        self.write()
        sys.exit(1)

    def write(self) -> None:
        """Leave it where the driver reads it."""
        Path(os.environ["STRATUM_REPORT"]).write_text(json.dumps(vars(self)), encoding="utf-8")


def step(text: str) -> None:
    """Have the log show a step of the build."""
    _tell(text)


def _tell(text: str) -> None:
    sys.stdout.write(f"{os.environ['STRATUM_MARK']}{text}\n")
    sys.stdout.flush()


def indent(text: str) -> None:
    """Add detail to the step."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def export(lines: str) -> None:
    """Give the buildpacks that follow a piece of shell to source, besides what was given before."""
    with Path(os.environ["STRATUM_EXPORT"]).open("a", encoding="utf-8") as file:
        file.write(lines)


def profile(build: Path, name: str, lines: str, report: Report) -> None:
    """Have every process of the app source a piece of shell, before what it has itself under that name."""
    path = build / PROFILES / f"{name}.sh"
    report.begin(f"Writing {PROFILES}/{path.name}", "Rename or remove it, commit, and push again.")
    if fault := _fault(build, path):
        report.fail(fault)
    path.parent.mkdir(exist_ok=True)
    own = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
    if not own.startswith(lines):
        path.unlink(missing_ok=True)
        path.write_text(lines + own, encoding="utf-8", errors="surrogateescape")


def _fault(build: Path, path: Path) -> str:
    """Say why a profile cannot be written; nothing when it can."""
    if os.path.lexists(path.parent) and not path.parent.is_dir():
        return f"{PROFILES} is no folder."
    for place in (path.parent, path):
        if not os.path.realpath(place).startswith(os.path.realpath(build) + os.sep):
            return f"{place.relative_to(build)} is a link out of the app."
    return f"{PROFILES}/{path.name} is a folder." if path.is_dir() else ""


def environ(env_dir: Path) -> dict[str, str]:
    """Return the environment for programs of the app's: without our secrets, with the app's variables."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STRATUM_")}
    files = sorted(env_dir.iterdir()) if env_dir.is_dir() else []
    own = {file.name: file.read_text(encoding="utf-8") for file in files}
    return {**ours, **own}
