"""What poetry.lock says, as requirements with hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.buildpacks.python.poetry import exported
from builder.buildpacks.python.sources import Unusable

HASH = "sha256:" + "a" * 64
FILES = f'files = [{{file = "x.whl", hash = "{HASH}"}}]\n'
NEW = '[metadata]\nlock-version = "2.1"\n'
OLD = '[metadata]\nlock-version = "2.0"\n'


def package(name, version="1", more=""):
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\n{FILES}{more}\n'


def lines(project, lock):
    text = exported(project, lock.encode()).replace(" \\\n    ", " ")
    return [line.removesuffix(f" --hash={HASH}") for line in text.splitlines()]


def test_each_package_has_its_hashes():
    assert exported({}, (package("six") + NEW).encode()) == f"six==1 \\\n    --hash={HASH}\n"


def test_the_newer_form_names_groups_and_markers_itself():
    lock = (
        package("flask", more='groups = ["main"]\n')
        + package("pytest", more='groups = ["dev"]\n')
        + package("colorama", more='groups = ["main", "dev"]\nmarkers = "sys_platform == \\"win32\\""\n')
        + package(
            "tomli",
            more='groups = ["main", "dev"]\n'
            'markers = {main = "python_version < \\"3.11\\"", dev = "python_version < \\"3.12\\""}\n',
        )
        + package("extra", more='groups = ["main"]\n').replace("optional = false", "optional = true")
    )

    assert lines({}, lock + NEW) == [
        "flask==1",
        'colorama==1 ; sys_platform == "win32"',
        'tomli==1 ; python_version < "3.11"',
    ]


OWN = {
    "tool": {"poetry": {"dependencies": {"python": "^3.11", "Flask": "^3", "celery": {"extras": ["redis"]}}}}
}


def test_in_the_older_form_the_projects_dependencies_are_followed():
    lock = (
        package("flask", more='[package.dependencies]\njinja2 = ">=3"\nblinker = {version = "*"}\n')
        + package("jinja2", more='[package.dependencies]\nMarkupSafe = ">=2"\n')
        + package("markupsafe")
        + package("blinker", more='[package.dependencies]\nflask = "*"\n')
        + package("pytest", more='[package.dependencies]\npluggy = "*"\n')
        + package("pluggy")
        + package(
            "celery",
            more='[package.dependencies]\nredis = {version = "*", optional = true}\n'
            'sqlalchemy = {version = "*", optional = true}\n'
            'tzdata = {version = "*", markers = "sys_platform == \\"win32\\""}\n'
            '[package.extras]\nredis = ["redis (>=4)"]\nsql = ["sqlalchemy"]\n',
        )
        + package("redis")
        + package("sqlalchemy")
        + package("tzdata")
    )

    assert lines(OWN, lock + OLD) == [
        "blinker==1",
        "celery==1",
        "flask==1",
        "jinja2==1",
        "markupsafe==1",
        "redis==1",
        'tzdata==1 ; sys_platform == "win32"',
    ]


def test_a_package_is_under_the_markers_of_all_its_ways():
    lock = (
        package(
            "flask",
            more='[package.dependencies]\na = {version = "*", markers = "os_name == \\"nt\\""}\n'
            'b = {version = "*", markers = "python_version < \\"3.9\\""}\n',
        )
        + package("celery")
        + package("a", more='[package.dependencies]\nshared = "*"\nb = "*"\n')
        + package("b", more='[package.dependencies]\nshared = "*"\n')
        + package("shared")
    )

    found = lines(OWN, lock + OLD)

    assert 'a==1 ; os_name == "nt"' in found
    assert 'shared==1 ; (os_name == "nt") or (python_version < "3.9")' in found


@pytest.mark.parametrize(
    ("lock", "reason"),
    [
        ("x", "cannot be read"),
        ("", "cannot be read"),
        ('[metadata]\nlock-version = "1.1"\n', "has the form 1.1"),
        (package("x").replace(FILES, "files = []\n") + NEW, "no hash of x"),
        (
            package("x", more='[package.source]\ntype = "git"\nurl = "https://h/x"\n') + NEW,
            "comes from a git",
        ),
        (
            package("x", more='[package.source]\ntype = "directory"\nurl = "x"\n') + NEW,
            "directory repository",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(lock, reason):
    with pytest.raises(Unusable, match=reason) as refused:
        exported({}, lock.encode())

    assert refused.value.mend


@pytest.mark.parametrize(
    "more", ["dependencies = 1", "extras = []", "groups = 1", "files = 1", "markers = []"]
)
def test_a_lock_of_another_shape_is_refused_or_read(more):
    for form in (NEW, OLD):
        text = f'[[package]]\nname = "flask"\nversion = "1"\n{more}\n{form}'
        with pytest.raises(Unusable):
            exported(OWN, text.encode())


@given(st.text(max_size=200))
def test_nothing_else_is_ever_raised(text):
    for form in (NEW, OLD):
        try:
            exported(OWN, (text + "\n" + form).encode())
        except Unusable:
            continue
