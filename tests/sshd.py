"""OpenSSH's server on loopback, of which a test decides who may sign in and what is run."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repos import commit, git, make_repo
from tests.served import free_port
from tests.waiting import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs openssh-server: sh scripts/test_needs.sh")
_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
ForceCommand {folder}/command
Banner {folder}/banner
"""
_COMMAND = """\
printf '%s %s\\n' "$GIT_PROTOCOL" "$SSH_ORIGINAL_COMMAND" >>{folder}/asked
eval exec "$SSH_ORIGINAL_COMMAND"\
"""


@dataclass
class Sshd:
    """A server, one repository there, and a work tree to push to it from."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def url(self) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}{self.folder}/app.git"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def asked(self) -> list[str]:
        """The protocol and the command of each who has asked."""
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def allow(self, *public: str) -> None:
        (self.folder / "authorized_keys").write_text("".join(f"{line}\n" for line in public))

    def answer_with(self, script: str) -> None:
        """Run this in place of what is asked for."""
        command = self.folder / "command"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def answer_as_asked(self) -> None:
        self.answer_with(_COMMAND.format(folder=self.folder))

    def push(self, files: dict[str, str], message: str = "Change", branch: str = "master") -> str:
        """Commit and push there; return the commit."""
        made = commit(self.work, files, message)
        bare = str(self.folder / "app.git")
        git(self.work, "push", "--quiet", "--force", bare, f"HEAD:refs/heads/{branch}")
        return made

    def new_host_key(self, kind: str = "ed25519") -> None:
        for file in self.folder.glob("host_key*"):
            file.unlink()
        size = ["-b", "2048"] if kind == "rsa" else []
        argv = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-f", str(self.folder / "host_key")]
        subprocess.run(argv, check=True)

    def configure(self) -> None:
        """Let it take any number of failures, where it knows of punishing them (OpenSSH 9.8)."""
        assert SSHD is not None
        file, text = self.folder / "sshd_config", _CONFIG.format(port=self.port, folder=self.folder)
        file.write_text(f"{text}PerSourcePenalties no\n")
        if subprocess.run([SSHD, "-t", "-f", str(file)], capture_output=True, check=False).returncode:
            file.write_text(text)

    def start(self) -> None:
        assert SSHD is not None
        argv = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: b"Server listening" in (self.folder / "log").read_bytes(), timeout=60)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            (self.folder / "log").write_bytes(b"")


@contextmanager
def sshd(folder: Path, files: dict[str, str]) -> Iterator[Sshd]:
    """Give a server that runs; nobody may sign in yet."""
    found = Sshd(folder, free_port())
    make_repo(found.work, files)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=master", "app.git")
    found.push({})
    found.new_host_key()
    found.allow()
    found.answer_as_asked()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it puts those who have not signed in yet
    (folder / "banner").write_text("fatal: this is what some servers greet with\n" * 50)
    found.configure()
    found.start()
    try:
        yield found
    finally:
        found.stop()
