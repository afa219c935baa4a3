import os
import subprocess
from pathlib import Path

import pytest

from builder.checkout import archived
from stratum.git import Commit, git_environ
from tests.repos import git, make_repo


@pytest.mark.parametrize("kind", ["PGP SIGNATURE", "SSH SIGNATURE", "SIGNED MESSAGE"])
def test_no_git_of_ours_has_a_signature_checked(tmp_path: Path, monkeypatch, kind):
    """Whoever pushes could have gpg read their bytes as the service's account."""
    repo = make_repo(tmp_path / "repo", {".gitattributes": "f export-subst\n", "f": "$Format:%G?$"})
    git(repo, "config", "gpg.ssh.allowedSignersFile", os.devnull)
    lines = git(repo, "cat-file", "commit", "HEAD").splitlines()
    at = lines.index("")
    signature = f"gpgsig -----BEGIN {kind}-----\n \n eHh4\n -----END {kind}-----"
    body = "\n".join([*lines[:at], signature, *lines[at:], ""]).encode()
    signed = git(repo, "hash-object", "-t", "commit", "-w", "--stdin", stdin=body)
    for program in ("gpg", "gpgsm", "ssh-keygen"):
        stand_in = tmp_path / "bin" / program
        stand_in.parent.mkdir(exist_ok=True)
        stand_in.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    with archived(Commit(repo / ".git", signed)) as archive:
        assert archive.stdout is not None
        archive.stdout.read()
        assert archive.wait() == 0
    shown = ["git", "log", "--format=%G?", signed]
    subprocess.run(shown, cwd=repo, env=git_environ(), check=False, capture_output=True)

    assert not (tmp_path / "ran").exists()
