import pytest

from builder.packs import NOTHING, Plan, count_requirements, detect
from stratum.errors import BuildFailed

PROJECT = b'[project]\nname = "x"\nversion = "1"\ndependencies = ["flask", "celery>=5"]\n'


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.steps]


def refusal(files: dict[str, bytes | None]) -> str:
    with pytest.raises(BuildFailed) as refused:
        detect(files)
    return str(refused.value)


def test_requirements_are_installed_into_an_environment():
    plan = detect({"requirements.txt": b"flask==3.1.3\ncelery==5.7.0\n"})

    assert plan.headline == "Python app detected; installing 2 requirements"
    assert names(plan) == ["python-venv", "python-install-requirements"]


def test_a_lock_is_synced_and_counts_what_the_project_asks_for():
    plan = detect({"pyproject.toml": PROJECT, "uv.lock": b""})

    assert plan.headline == "Python app detected; installing 2 requirements from uv.lock"
    assert names(plan) == ["python-install-lock"]


def test_a_lock_wins_over_requirements():
    assert names(detect({"pyproject.toml": PROJECT, "uv.lock": b"", "requirements.txt": b"a"})) == [
        "python-install-lock"
    ]


def test_requirements_win_over_a_project_without_lock():
    assert "python-install-requirements" in names(
        detect({"pyproject.toml": PROJECT, "requirements.txt": b"a"})
    )


def test_a_lock_or_requirements_too_large_to_look_into_are_installed_all_the_same():
    assert detect({"requirements.txt": None}).headline == "Python app detected; installing requirements.txt"
    plan = detect({"pyproject.toml": None, "uv.lock": None})
    assert plan.headline == "Python app detected; installing from uv.lock"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pyproject.toml": b"[tool.ruff]\nline-length = 100\n"},
        {"pyproject.toml": b'[project]\nname = "x"\nversion = "1"\n'},
    ],
)
def test_nothing_is_installed_for_an_app_that_asks_for_nothing(files: dict[str, bytes | None]):
    assert detect(files) == NOTHING


@pytest.mark.parametrize(
    "project",
    [
        PROJECT,
        b'[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n',
        b'[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\n',
    ],
)
def test_dependencies_without_a_lock_are_refused_with_the_way_out(project: bytes):
    assert refusal({"pyproject.toml": project}) == (
        "Detecting the app failed: pyproject.toml names dependencies, but there is no uv.lock. "
        "Run uv lock and commit uv.lock, or commit requirements.txt; then push again."
    )


def test_a_lock_without_its_project_is_refused():
    assert "Commit pyproject.toml as well" in refusal({"uv.lock": b""})


@pytest.mark.parametrize("project", [b"[project", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_project_that_is_no_toml_is_refused(project: bytes):
    assert "pyproject.toml is no TOML" in refusal({"pyproject.toml": project})


@pytest.mark.parametrize(
    "project", [b"project = 1", b"tool = 1", b"[tool]\npoetry = 1", b"[project]\ndependencies = 1"]
)
def test_tables_of_another_shape_ask_for_nothing(project: bytes):
    assert detect({"pyproject.toml": project}) == NOTHING


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
