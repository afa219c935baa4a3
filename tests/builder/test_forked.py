"""A part of a built-in buildpack runs in a fork as its program in bin/ would run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.driver import forked
from builder.driver.packs import BUILT_IN


@pytest.fixture
def room(tmp_path):
    for name in ("app", "cache", "env"):
        (tmp_path / name).mkdir()
    return tmp_path


def environ(room, **more):
    told = {"STRATUM_REPORT": str(room / "report"), "STRATUM_MARK": "mark ", "STRATUM_PYTHON": sys.executable}
    return {"PATH": "/usr/bin:/bin", "TMPDIR": str(room), **told, **more}


def arguments(room):
    return tuple(str(room / name) for name in ("app", "cache", "env"))


def run(room, **more):
    return forked.run(BUILT_IN / "python", "compile", arguments(room), environ(room, **more), room / "app")


def test_it_ends_and_says_what_the_program_does(room, capfd):
    folder, before = Path.cwd(), dict(os.environ)

    code = run(room, STRATUM_UV="")
    said, report = capfd.readouterr().out, json.loads((room / "report").read_bytes())
    program = subprocess.run(
        (BUILT_IN / "python/bin/compile", *arguments(room)),
        env=environ(room, STRATUM_UV=""),
        cwd=room / "app",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (code, said) == (program.returncode, program.stdout) == (1, "mark =Detecting the app\n")
    assert report["detail"] == "the server has no uv."
    assert (Path.cwd(), dict(os.environ)) == (folder, before)


def test_a_fault_of_ours_is_told_and_ends_the_fork_alone(room, capfd):
    code = run(room)

    assert code == 1
    assert "KeyError: 'STRATUM_UV'" in capfd.readouterr().err


def test_only_parts_that_are_python_are_run_so():
    there = {
        (folder.name, name): forked.is_there(folder, name)
        for folder in (BUILT_IN / "node", BUILT_IN / "python")
        for name in ("compile", "release")
    }

    assert there == {(pack, name): pack == "python" for pack, name in there}
