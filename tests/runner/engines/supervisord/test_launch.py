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


def sourced(folder: Path, command: str, **env: str) -> list[str]:
    """Run a command in a folder as the launcher would, and return what it printed."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        argv = launch.shell("/bin/bash", command.encode())
    finally:
        os.chdir(before)
    given = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **env}
    ran = subprocess.run(argv, cwd=folder, env=given, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).splitlines()


def profile(folder: Path, **scripts: str) -> None:
    (folder / ".profile.d").mkdir()
    for name, text in scripts.items():
        (folder / ".profile.d" / f"{name}.sh").write_text(text)


def test_without_profiles_the_command_is_bash_s_own(tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert launch.shell("/bin/bash", b"echo") == ("/bin/bash", "-c", b"echo")
    finally:
        os.chdir(before)


def test_profiles_are_sourced_in_order_and_may_change_every_variable(tmp_path: Path) -> None:
    profile(tmp_path, b="export SAID=$SAID:b", a='export SAID=$SAID:a PATH="$HOME/bin:$PATH"')
    (tmp_path / ".profile").write_text("SAID=$SAID:own")
    (tmp_path / ".profile.d" / "notes.txt").write_text("exit 1")

    assert sourced(tmp_path, 'echo "$SAID $PATH"', SAID="given") == [
        f"given:a:b:own {tmp_path}/bin:/usr/bin:/bin"
    ]


def test_the_command_is_untouched_and_sees_nothing_else_of_the_scripts(tmp_path: Path) -> None:
    profile(tmp_path, a="set -eu; shopt -s nullglob; secret=1; f() { :; }; trap 'echo trapped' EXIT")
    command = """echo "it's $0 $# ${secret-unset}" 'a  b' *.none $(false) # comment
type -t f; env | grep -c ^__; cat /proc/$$/cmdline | tr '\\0' '\\n' | head -2"""

    assert sourced(tmp_path, command) == ["it's /bin/bash 0 unset a  b *.none", "0", "/bin/bash", "-c"]


def test_one_bash_is_left_and_it_gives_way_to_the_program(tmp_path: Path) -> None:
    profile(tmp_path, a="export A=1")

    (line,) = sourced(tmp_path, "cat /proc/self/stat")

    assert "(cat)" in line
    assert line.split()[3] == str(os.getpid())  # its parent


def test_what_a_script_sets_survives_scripts_that_change_folder_arguments_or_names(tmp_path: Path) -> None:
    profile(tmp_path, a="cd /; set -- x y; set -a; cd -; cd /tmp", b="export B=$PWD")

    assert sourced(tmp_path, 'echo "$B $PWD $#"; env | grep -c ^__stratum') == [
        str(tmp_path),  # what `cd -` says
        "/tmp /tmp 0",
        "0",
    ]


def test_a_script_that_fails_stops_nothing_and_one_that_exits_ends_all(tmp_path: Path) -> None:
    profile(tmp_path, a="false; if", b="export B=1")
    said = sourced(tmp_path, "echo $B")
    assert said[0] == "1" or said[-1] == "1"
    assert any(".profile.d/a.sh: line" in line for line in said)

    (tmp_path / ".profile").write_text("echo no; exit 3")
    assert "1" not in sourced(tmp_path, "echo $B")


def test_the_app_s_own_bash_env_is_sourced_once_and_passed_on(tmp_path: Path) -> None:
    own = tmp_path / "own.sh"
    own.write_text('echo "own $PART"')
    profile(tmp_path, a="export PART=a")

    assert sourced(tmp_path, "bash -c 'echo $BASH_ENV'", BASH_ENV=str(own)) == ["own a", "own a", str(own)]
