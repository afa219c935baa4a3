"""Every command of docs/using.md, run as it stands there; what it shows is what comes."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.repos import make_repo
from tests.served import Served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs/using.md"


def examples(text: str) -> list[tuple[str, list[str]]]:
    """Return each command with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(shown: list[str]) -> str:
    """Turn shown lines into a pattern: `…` alone stands for any lines, within a line for any text."""
    parts = []
    for line in shown:
        if line == "…":
            parts.append(r"(?:.*\n)*?")
            continue
        words = [r"\s+".join(map(re.escape, re.split(r"\s+", piece))) for piece in line.split("…")]
        parts.append(".*".join(words) + r"\s*\n")
    return "".join(parts)


def test_the_commands_of_the_manual_do_what_it_says(served: Served):
    text = PAGE.read_text().replace("localhost:8080", f"localhost:{served.port}")
    make_repo(served.folder / "shop", "manual")
    (served.folder / "token").write_text((served.data / "admin.token").read_text())
    folder = served.folder
    for command, shown in examples(text):
        if command.startswith("cd "):
            folder = folder / command[3:]
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=served.environ,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"$ {command}\n{said}"
        assert re.fullmatch(pattern(shown), said), (
            f"$ {command}\nshown:\n" + "\n".join(shown) + f"\nsaid:\n{said}"
        )
