import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.engines.supervisord import launch
from runner.engines.supervisord.description import Description, encode

UID = os.getuid()
OTHER = UID + 4321


def run(description: Path, *uids: int) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-IS", launch.__file__, str(description), "testing", *map(str, uids)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={})


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "Env.app.v1.web.1"
    path.write_bytes(encode(Description("echo hello", "/", "/", 64, {})))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "uids", [(0, 0, 9, UID), (99, 100, 200, UID), (201, 100, 200, UID), (-1, -5, 200, UID)]
)
def test_root_and_any_uid_outside_the_range_are_refused(description: Path, uids: tuple[int, ...]) -> None:
    ended = run(description, *uids)

    if uids[0] < 0:  # what no program may be: the kernel refuses it
        assert ended.returncode == 126
        return
    assert (ended.returncode, ended.stdout) == (126, "")
    assert ended.stderr == f"stratum: uid {uids[0]} is outside the apps' range {uids[1]}..{uids[2]}\n"


def test_a_description_that_others_can_write_is_refused(description: Path) -> None:
    description.chmod(0o620)

    assert "can be written by others" in run(description, OTHER, OTHER, OTHER, UID).stderr


@pytest.mark.skipif(UID != 0, reason="needs root")
def test_a_description_of_somebody_else_is_refused(description: Path) -> None:
    os.chown(description, OTHER, OTHER)

    assert (
        f"is not a file of uid {OTHER + 1} or root" in run(description, OTHER, OTHER, OTHER, OTHER + 1).stderr
    )


def test_a_link_and_a_pipe_are_refused(description: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(description)
    os.mkfifo(pipe, 0o600)

    assert "symbolic links" in run(link, OTHER, OTHER, OTHER, UID).stderr
    assert "is not a file of" in run(pipe, OTHER, OTHER, OTHER, UID).stderr


def test_a_wrong_number_of_arguments_is_said_so(description: Path) -> None:
    ended = run(description, OTHER)

    assert ended.returncode == 126
    assert ended.stderr.startswith("stratum: cannot start: ")


def test_a_missing_program_names_its_package(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], description: Path
) -> None:
    monkeypatch.setattr(launch, "PROGRAM_FOLDERS", ("/no/such/folder",))
    monkeypatch.setattr(launch, "become", lambda _uid: None)

    assert launch.main([str(description), "testing", str(OTHER), str(OTHER), str(OTHER), str(UID)]) == 127
    assert capfd.readouterr().err == "stratum: setpriv is missing: install util-linux on this host\n"


@pytest.mark.parametrize("module", ["os", "typing", "enum", "json", "ctypes", "re"])
def test_the_launcher_stays_small(module: str) -> None:
    """Each of these adds milliseconds to every start."""
    folder = str(Path(launch.__file__).parent)
    script = f"import sys; sys.path.insert(0, {folder!r}); import launch; print({module!r} in sys.modules)"
    ended = subprocess.run([sys.executable, "-IS", "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"
