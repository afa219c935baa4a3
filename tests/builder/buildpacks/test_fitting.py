"""Whether a lock is still of its project: compared with what uv and Poetry have written."""

import tomllib

import pytest

from builder.buildpacks.python.fitting import check, members
from builder.buildpacks.python.sources import Unusable

PROJECT = """\
[project]
name = "own"
version = "1"
requires-python = ">=3.11"
dependencies = [
    "Six == 1.16.0", "uvicorn[Standard]>=0.30, <1 ; sys_platform == 'linux'", "idna~=3.0RC.1",
    "click @ https://example.org/click-8-py3-none-any.whl",
]
[project.optional-dependencies]
more = ["flask>=3"]
"""
UV = """\
version = 1
revision = 3

[[package]]
name = "own"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "six" },
]

[package.metadata]
requires-dist = [
    { name = "click", url = "https://example.org/click-8-py3-none-any.whl" },
    { name = "flask", marker = "extra == 'more'", specifier = ">=3" },
    { name = "idna", specifier = "~=3.0rc1" },
    { name = "six", specifier = "==1.16.0" },
    { name = "uvicorn", extras = ["standard"], marker = "sys_platform == 'linux'", specifier = ">=0.30,<1" },
]

[[package]]
name = "six"
"""
POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\nsix = "1.16.0"\n'
GROUP = '[tool.poetry.group.dev.dependencies]\npytest = "*"\n'
CLICK = 'click = {version = "*", extras = ["x"]}\n'
STANDARD = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n'
MIXED = f'{STANDARD}[tool.poetry.dependencies]\nsix = "1.16.0"\n'
GROUPS = f'{STANDARD}dependencies = ["six==1.16.0"]\n[dependency-groups]\ndev = ["pytest"]\n'
# Digests that these versions of Poetry have made.
OF_1_8 = "7aa0c0748438f66699f92ef6bc22bdd203ed6e5c86435de3f79f807f5cf04d78"
OF_2_2 = "c851c5c4add2969e118cce92059fe9ae5499fe649fd31bc49d7bc3e9b0da4321"
OF_2_5 = "81e4088bd615d8d7dbe69039567f6949f2821bd351d460a9d1bf7ea5cb50d43f"
OF_2_5_MIXED = "cae13747386309f7b0bc2d9df21f273606d589a922993b9779e93da918e34abf"


def fault(lock: str, text: str, project: str) -> str:
    try:
        check(lock, text.encode(), tomllib.loads(project))
    except Unusable as refused:
        return f"{refused} {refused.mend}"
    return ""


def test_a_lock_of_the_project_fits_however_that_is_spelled():
    assert fault("uv.lock", UV, PROJECT) == ""


@pytest.mark.parametrize(
    ("asked", "locked"),
    [
        (">=2017.01.23", ">=2017.1.23"),
        (">=1.0a,<3.0.0dev", ">=1.0a0,<3.0.0.dev0"),
        (">=20.1.0.rev1", ">=20.1.0.post1"),
        (">=2.0-1,!=2.1.post", ">=2.0.post1,!=2.1.post0"),
        (">=2020.1.POST.1,<1!0", ">=2020.1.post1,<1!0"),
        (">=20.0.preview2", ">=20.0rc2"),
        ("== 0.10.*, !=v7.00", "==0.10.*,!=7.0"),
        (">1.0-alpha_1.dev-3", ">1.0a1.dev3"),
    ],
)
def test_a_lock_fits_with_the_versions_as_uv_has_written_them(asked, locked):
    assert fault("uv.lock", UV.replace("==1.16.0", locked), PROJECT.replace("== 1.16.0", asked)) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1.16.0", "1.15.0", "pyproject.toml asks for six ==1.15.0, and uv.lock was made for ==1.16.0"),
        ("[Standard]", "", "asks for uvicorn <1, >=0.30, and uv.lock was made for <1, >=0.30, [standard]"),
        ('"idna', '"iniconfig", "idna', "pyproject.toml asks for iniconfig, and uv.lock does not have it"),
        ('"Six == 1.16.0", ', "", "uv.lock has six, for which pyproject.toml does not ask"),
    ],
)
def test_a_lock_of_other_dependencies_is_refused_with_what_differs(old, new, said):
    found = fault("uv.lock", UV, PROJECT.replace(old, new))

    assert found.startswith("uv.lock does not fit pyproject.toml: ")
    assert f"{said}. Run uv lock, commit uv.lock, and push again." in found


@pytest.mark.parametrize(
    ("lock", "project"),
    [
        (UV.replace('virtual = "."', 'virtual = "part"'), PROJECT),
        (UV, '[project]\nname = "own"\ndynamic = ["dependencies"]\n'),
        (UV, PROJECT.replace('"idna~=3.0RC.1"', '"own[more]"')),
        (UV[: UV.index("[package.metadata]")], PROJECT),
        ("no TOML", PROJECT),
        (UV, "[tool.x]\n"),
    ],
)
def test_what_cannot_be_told_is_left_to_uv(lock, project):
    assert fault("uv.lock", lock, project) == ""


def test_a_lock_of_a_project_that_asked_for_nothing_does_not_fit_one_that_does():
    lock = '[[package]]\nname = "own"\nsource = { editable = "." }\n'

    assert "asks for click, and" in fault("uv.lock", lock, PROJECT)


@pytest.mark.parametrize(
    ("project", "form", "digest"),
    [
        (POETRY + CLICK + GROUP, "2.0", OF_1_8),
        (GROUPS, "2.1", OF_2_2),
        (GROUPS, "2.1", OF_2_5),
        (MIXED, "2.1", OF_2_5_MIXED),
    ],
)
def test_poetrys_digest_tells_whether_its_lock_is_of_the_project(project, form, digest):
    lock = f'[metadata]\nlock-version = "{form}"\ncontent-hash = "{digest}"\n'

    assert fault("poetry.lock", lock, project) == ""
    assert fault("poetry.lock", lock, project.replace("1.16.0", "1.15.0")) == (
        "poetry.lock does not fit pyproject.toml: pyproject.toml asks for something else than when that was "
        "made. Run poetry lock, commit poetry.lock, and push again."
    )


def test_a_lock_of_poetry_without_a_digest_is_taken():
    assert fault("poetry.lock", '[metadata]\nlock-version = "2.0"\n', POETRY) == ""


WORKSPACE = """\
version = 1

[manifest]
members = ["own", "part"]

[[package]]
name = "own"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "part" }]

[package.metadata]
requires-dist = [{ name = "part", editable = "packages/part" }]

[[package]]
name = "part"
version = "1"
source = { editable = "packages/part" }
dependencies = [{ name = "six" }]

[package.metadata]
requires-dist = [{ name = "six" }]
"""
ROOT = '[project]\nname = "own"\nversion = "1"\ndependencies = ["part"]\n'
PART = '[project]\nname = "part"\nversion = "1"\ndependencies = [{}]\n'


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (PART.format('"six"'), ""),
        (PART.format('"six", "idna"'), "packages/part/pyproject.toml asks for idna, and uv.lock does not"),
        (PART.format(""), "uv.lock has six, for which packages/part/pyproject.toml does not ask"),
        (
            PART.format('"six>=1"'),
            "packages/part/pyproject.toml asks for six >=1, and uv.lock was made for any",
        ),
        ("", ""),
    ],
)
def test_a_lock_of_a_workspace_has_to_fit_its_members(part, expected):
    assert members(WORKSPACE.encode()) == ("packages/part",)
    try:
        check("uv.lock", WORKSPACE.encode(), tomllib.loads(ROOT), {"packages/part": tomllib.loads(part)})
    except Unusable as refused:
        assert expected
        assert expected in str(refused)
    else:
        assert not expected
