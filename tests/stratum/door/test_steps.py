from pathlib import Path

import pytest

from stratum.door import spawn, steps


def test_the_table_lists_what_a_build_may_do():
    assert steps.names() == (
        "unpack",
        "python-venv",
        "python-install-requirements",
        "python-install-lock",
        "close",
    )


@pytest.mark.parametrize("name", steps.names())
def test_every_step_is_a_program_with_a_path_of_its_own(name: str):
    """Nothing is looked up in the caller's PATH while the table is read."""
    program = Path(steps.step(name).argv[0])

    assert program.is_absolute()
    assert program.exists()


@pytest.mark.parametrize("name", [name for name in steps.names() if name.startswith("python-")])
def test_no_python_is_ever_downloaded_and_no_file_shared_with_the_cache(name: str):
    env = steps.step(name).env

    assert env["UV_PYTHON_DOWNLOADS"] == "never"
    assert env["UV_LINK_MODE"] == "copy"


def test_apps_run_an_interpreter_that_everyone_can_reach():
    python = steps.app_python().resolve()

    assert all(part.stat().st_mode & 0o001 for part in (python, *python.parents))


@pytest.mark.parametrize(("status", "code"), [(0, 0), (7 << 8, 7), (9, 137)])
def test_exit_codes_are_those_of_a_shell(status: int, code: int):
    assert spawn.exit_code(status) == code


@pytest.mark.parametrize("uid", [0, -1])
def test_nothing_becomes_root(uid: int):
    with pytest.raises(PermissionError):
        spawn.become(uid)
