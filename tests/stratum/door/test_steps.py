import time
from pathlib import Path

import pytest

from stratum.door import spawn, steps


def test_the_table_lists_what_a_build_may_do():
    assert steps.names() == ("unpack", "compile", "close")


@pytest.mark.parametrize("name", steps.names())
def test_every_step_is_a_program_with_a_path_of_its_own(name: str):
    """Nothing is looked up in the caller's PATH while the table is read."""
    program = Path(steps.step(name).argv[0])

    assert program.is_absolute()
    assert program.exists()


def test_apps_run_an_interpreter_that_everyone_can_reach():
    python = steps.app_python().resolve()

    assert all(part.stat().st_mode & 0o001 for part in (python, *python.parents))


def test_the_digest_of_a_tree_is_the_same_with_every_release_of_ours(tmp_path):
    """Slugs are named by it, and verified years later."""
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder/large").write_bytes(b"0123456789" * 100_000)
    (tree / "link").symlink_to("folder/large")
    (tree / "Procfile").write_text("web: x\n")
    for path, mode in (("folder/large", 0o444), ("Procfile", 0o555), ("folder", 0o555), ("", 0o555)):
        (tree / path).chmod(mode)

    code, said = spawn.capture(spawn.Program(steps.count().argv, {"PATH": steps.SYSTEM_PATH}, tree, None), 30)

    (tree / "folder").chmod(0o755)
    tree.chmod(0o755)
    assert (code, said) == (0, "58b82d8bb00d65286b87325446f073df391e212b9c8bda829e36fa8c5fa90042\n")


@pytest.mark.parametrize(("status", "code"), [(0, 0), (7 << 8, 7), (9, 137)])
def test_exit_codes_are_those_of_a_shell(status: int, code: int):
    assert spawn.exit_code(status) == code


@pytest.mark.parametrize("uid", [0, -1])
def test_nothing_becomes_root(uid: int):
    with pytest.raises(PermissionError):
        spawn.become(uid)


def test_a_program_that_takes_too_long_is_ended_with_its_session():
    program = spawn.Program(("/bin/sh", "-c", "echo said; sleep 1000 & sleep 1000"), {}, Path("/"), None)

    before = time.monotonic()
    with pytest.raises(TimeoutError, match="/bin/sh was ended, since it takes too long"):
        spawn.capture(program, 0.2)

    assert time.monotonic() - before < 10


def test_what_a_program_says_comes_whole():
    program = spawn.Program(("/bin/sh", "-c", "yes | head -c 300000; exit 3"), {}, Path("/"), None)

    code, said = spawn.capture(program, 30)

    assert (code, len(said)) == (3, 300_000)


def test_of_what_a_program_says_without_end_the_last_is_kept():
    script = "head -c 100000000 /dev/zero; printf end"
    program = spawn.Program(("/bin/sh", "-c", script), {}, Path("/"), None)

    _, said = spawn.capture(program, 60)

    assert said.endswith("end")
    assert len(said) <= 256 * 65536
