"""A person at a terminal, and a server that answers on a loopback port."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from stratum.cli.commands import stratum
from stratum.door.client import Door
from stratum.model import BuildState
from stratum.store import builds
from tests.waiting import wait_until
from tests.webside import WebSide

STRATUM = Path(sys.executable).with_name("stratum")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def rows(self):
        return json.loads(self.out)


class Terminal:
    """Runs commands in this process, with a home of its own."""

    def __init__(self, url, admin, home):
        self.url, self.admin, self.home = url, admin, home

    def __call__(self, *arguments, stdin=None):
        result = CliRunner().invoke(stratum, arguments, input=stdin, prog_name="stratum")
        crash = result.exception
        if crash is not None and not isinstance(crash, SystemExit):
            raise crash
        return Said(result.exit_code, result.stdout, result.stderr)

    def git(self, *arguments, stdin=""):
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, input=stdin, check=False)
        return done.stdout.strip()

    def program(self, *arguments, stdin=""):
        """Run the installed program."""
        done = subprocess.run([STRATUM, *arguments], capture_output=True, text=True, input=stdin, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *arguments):
        """Start the installed program, and end it when the block ends."""
        # What is run in the background of a shell ignores a Ctrl-C, and so would its children.
        argv = ["env", "--default-signal=INT", STRATUM, *arguments]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
            try:
                yield program
                program.send_signal(signal.SIGINT)
                assert program.wait(60) == 0
            finally:
                program.kill()

    @property
    def credentials(self):
        return self.home / ".config/stratum/credentials.json"


@pytest.fixture
def side(tmp_path, monkeypatch):
    monkeypatch.setattr(Door, "slug_digest", lambda _door, _app_id, digest: digest)  # nothing is built here
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def url(side):
    with side.served() as url:
        yield url


@pytest.fixture
def fresh(side, url, tmp_path, monkeypatch):
    """At home, signed in nowhere, in a folder that is no repository."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("STRATUM_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(home)
    return Terminal(url, side.admin, home)


@pytest.fixture
def terminal(fresh):
    """Signed in as the administrator."""
    assert fresh("login", fresh.url, "--token", fresh.admin).code == 0
    return fresh


@pytest.fixture
def repo(terminal, tmp_path, monkeypatch):
    folder = tmp_path / "source"
    folder.mkdir()
    monkeypatch.chdir(folder)
    terminal.git("init", "--quiet")
    return folder


@pytest.fixture
def settling(side):
    """Have the build that is queued within the block fail, as a builder would."""

    @contextmanager
    def settling(app, error):
        def is_failed():
            with side.db.write() as tx:
                claimed = builds.claim_next(tx, app.id, "1:1")
                return claimed and builds.finish(tx, claimed, BuildState.FAILED, error=error)

        later = threading.Thread(target=wait_until, args=(is_failed, 30))
        later.start()
        yield
        later.join()

    return settling
