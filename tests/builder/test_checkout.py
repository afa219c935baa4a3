import os
import resource
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builder import checkout
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


def test_an_attribute_that_git_takes_for_ever_over_ends_it(tmp_path: Path, monkeypatch):
    """It is matched with each path; made by hand, since `git add` would take as long."""
    monkeypatch.setattr(checkout, "_LIMITS", replace(checkout._LIMITS, cpu_s=1))
    repo = make_repo(tmp_path / "repo", {"f": "x"})
    attributes = git(repo, "hash-object", "-w", "--stdin", stdin=b"**/" * 14 + b"zz export-ignore\n")
    blob = git(repo, "rev-parse", "HEAD:f")
    git(repo, "update-index", "--add", "--cacheinfo", f"100644,{blob},{'d/' * 40}f")
    git(repo, "update-index", "--add", "--cacheinfo", f"100644,{attributes},.gitattributes")
    commit = git(repo, "commit-tree", git(repo, "write-tree"), "-m", "deep")

    with archived(Commit(repo / ".git", commit)) as archive:
        assert archive.stdout is not None
        archive.stdout.read()

        assert archive.wait() == -signal.SIGXCPU


def test_a_file_that_asks_export_subst_for_all_memory_ends_it(tmp_path: Path):
    asks = "$Format:%<(16000)%h$" * 100_000  # 2 MB, of which 1.6 GB would be made
    repo = make_repo(tmp_path / "repo", {".gitattributes": "f export-subst\n", "f": asks})

    before_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with archived(Commit(repo / ".git", "HEAD")) as archive:
        assert archive.stdout is not None
        assert len(archive.stdout.read()) < 1 << 20
        code = archive.wait()
    after_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    assert code > 0
    assert after_kib <= max(before_kib, checkout._LIMITS.memory_bytes >> 10)
