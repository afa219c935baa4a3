"""What a Python app's packages are installed from."""

import pytest

from builder.buildpacks.python.sources import (
    Unusable,
    chosen,
    count_requirements,
    names_dependencies,
    project,
)

PROJECT = b'[project]\nname = "x"\nversion = "1"\ndependencies = ["flask", "celery>=5"]\n'
POETRY = b'[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\n'


def refusal(files: dict[str, bytes]) -> str:
    with pytest.raises(Unusable) as refused:
        chosen(files)
    return f"{refused.value} {refused.value.mend}"


@pytest.mark.parametrize(
    ("files", "file", "headline"),
    [
        ({"requirements.txt": b"flask==3.1.3\ncelery==5.7.0\n"}, "requirements.txt", "2 requirements"),
        ({"requirements.txt": b""}, "requirements.txt", "requirements.txt"),
        ({"pyproject.toml": PROJECT, "uv.lock": b""}, "uv.lock", "2 requirements from uv.lock"),
        ({"pyproject.toml": POETRY, "poetry.lock": b""}, "poetry.lock", "1 requirement from poetry.lock"),
        ({"pyproject.toml": PROJECT, "poetry.lock": b""}, "poetry.lock", "2 requirements from poetry.lock"),
    ],
)
def test_the_file_that_decides_is_named_with_what_the_app_asks_for(files, file, headline):
    found = chosen(files)

    assert found.file == file
    assert found.headline == f"Python app detected; installing {headline}"


def test_a_lock_wins_over_requirements():
    assert chosen({"pyproject.toml": PROJECT, "uv.lock": b"", "requirements.txt": b"a"}).file == "uv.lock"


def test_requirements_win_over_what_has_no_lock():
    files = {"pyproject.toml": PROJECT, "requirements.txt": b"a", "Pipfile.lock": b"{}"}
    assert chosen(files).file == "requirements.txt"


@pytest.mark.parametrize("content", [b"[tool.ruff]\n", b'[project]\nname = "x"\nversion = "1"\n'])
def test_a_project_may_ask_for_nothing(content):
    assert not names_dependencies(project({"pyproject.toml": content}))


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (PROJECT, "uv"),
        (PROJECT + b"[tool.poetry]\npackage-mode = false\n", "poetry"),
        (POETRY, "poetry"),
        (b'[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n', "uv"),
    ],
)
def test_dependencies_without_a_lock_are_refused_with_the_way_out(content, tool):
    assert names_dependencies(project({"pyproject.toml": content}))
    assert refusal({"pyproject.toml": content}) == (
        f"pyproject.toml names dependencies, but there is no {tool}.lock. "
        f"Run {tool} lock and commit {tool}.lock, or commit requirements.txt; then push again."
    )


@pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock"])
def test_a_lock_without_its_project_is_refused(lock):
    assert "Commit pyproject.toml as well" in refusal({lock: b""})


def test_a_pipfile_is_refused_with_the_way_out():
    assert "pipenv requirements > requirements.txt" in refusal({"Pipfile": b"", "Pipfile.lock": b"{}"})


@pytest.mark.parametrize("content", [b"[project", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_project_that_is_no_toml_is_refused(content):
    assert "pyproject.toml is no TOML" in refusal({"pyproject.toml": content, "uv.lock": b""})
    assert "pyproject.toml is no TOML" in refusal({"pyproject.toml": content})


@pytest.mark.parametrize(
    "content", [b"project = 1", b"tool = 1", b"[tool]\npoetry = 1", b"[project]\ndependencies = 1"]
)
def test_tables_of_another_shape_ask_for_nothing(content):
    assert not names_dependencies(project({"pyproject.toml": content}))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"", 0),
        (b"flask", 1),
        (b"flask\r\ncelery\r\n", 2),
        (b"\xef\xbb\xbfflask\n", 1),
        (b"# flask\n\n   \n  celery  # the worker\n", 1),
        (b"-r other.txt\n-c constraints.txt\n--index-url x\nflask\n", 1),
        (b"-e .\n--editable ./b\n./c\n", 3),
        (b"flask==3 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\ncelery\n", 2),
        (b"x @ git+https://example.org/x#egg=x\n", 1),
        (b"\xff\xfef\x00", 1),
    ],
)
def test_requirement_lines_are_counted(text: bytes, count: int):
    assert count_requirements(text) == count
