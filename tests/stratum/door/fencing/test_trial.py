"""Which fences are chosen where the kernel grants some, or bubblewrap alone may put them up."""

import os
import platform
import shutil
from pathlib import Path

import pytest

from stratum.door.fencing import trial
from stratum.door.fencing.bubble import arguments
from stratum.door.fencing.fences import FLAGS, Fences
from stratum.door.fencing.view import View
from stratum.door.limits.limits import Limits
from stratum.door.terms import Terms
from stratum.door.wayout.hosts import Hosts
from stratum.door.wayout.rules import Rules

ALL = frozenset(FLAGS)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch):
    """A host by what it refuses: name of a fence → reason."""

    def host(refused: dict[str, str], *, uid: int = 1000, bwrap: str | None = None) -> None:
        def refusal(wanted: Fences) -> str:
            return (
                "" if wanted.bwrap else next((refused[name] for name in wanted.standing & set(refused)), "")
            )

        monkeypatch.setattr(trial, "_refusal", refusal)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.setattr(shutil, "which", lambda _name: bwrap)

    return host


def test_all_that_the_kernel_grants_is_taken(host):
    host({}, uid=0)
    assert trial.find() == Fences(ALL)

    host({}, bwrap="/usr/bin/bwrap")
    assert trial.find() == Fences(ALL, as_user=True)


def test_bubblewrap_is_for_users_to_whom_the_kernel_grants_less(host):
    host({"files": "denied"}, bwrap="/usr/bin/bwrap")
    assert trial.find() == Fences(ALL, as_user=True, bwrap="/usr/bin/bwrap")

    host({"files": "denied"}, uid=0, bwrap="/usr/bin/bwrap")
    assert trial.find() == Fences(ALL - {"files"}, {"files": "denied"})


def test_what_cannot_stand_together_is_left_out(host, monkeypatch):
    host({"files": "denied"}, uid=0)
    together = {"files", "processes"}
    monkeypatch.setattr(trial, "_refusal", lambda wanted: "denied" if together <= wanted.standing else "")

    found = trial.find()

    assert len(found.standing) == 3
    assert list(found.missing.values()) == ["denied"]


def test_what_is_refused_is_told_with_its_reason(host):
    host(dict.fromkeys(FLAGS, "unshare: Operation not permitted"))

    found = trial.find()

    assert found.standing == frozenset()
    assert found.missing == dict.fromkeys(FLAGS, "unshare: Operation not permitted")


def test_a_machine_whose_system_calls_are_not_known_says_so(host, monkeypatch):
    host({}, uid=0)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    found = trial.find()

    assert found == Fences(ALL, {"filter of system calls": "none is known for riscv64"})
    assert Terms(found, Rules(Hosts(frozenset())), Limits(1, 1, 1), ()).refused() == b""


def test_bubblewrap_shows_what_the_view_does(tmp_path: Path):
    data, own, shown = tmp_path / "data", tmp_path / "data/builds/1", tmp_path / "program"
    made = " ".join(arguments(View(tmp_path, data, (shown, Path("/usr/lib/x")), (own,), True)))

    assert made.startswith("--unshare-user --unshare-ipc --unshare-pid --unshare-net --die-with-parent ")
    assert f"--ro-bind-try {shown} {shown} --tmpfs {data} --bind {own} {own} --remount-ro {data}" in made
    assert "/usr/lib/x" not in made
    assert made.endswith("--remount-ro /")
