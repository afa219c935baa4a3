"""The parts of the buildpack for Python that decide: versions, defaults, and what names an installation."""

import subprocess
from pathlib import Path

import pytest

from builder.buildpacks.kept import Kept
from builder.buildpacks.python.django import collect_static
from builder.buildpacks.python.install import Site, _key, install
from builder.buildpacks.python.interpreter import Interpreter, NoSuchPython, choose, fits, version_of, wish
from builder.buildpacks.python.sources import Source
from builder.buildpacks.python.web import default_web
from builder.buildpacks.told import Report
from builder.driver.room import NEVER, stack_for

PYTHON = Path("/usr/bin/python3")
REQUIREMENTS = Source("requirements.txt", "")
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
GUNICORN = 'gunicorn --bind "127.0.0.1:$PORT" '
UVICORN = 'uvicorn --host 127.0.0.1 --port "$PORT" '


@pytest.fixture
def app(tmp_path):
    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


# -- versions


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ("", "")),
        ({".python-version": "3.11\n"}, (".python-version", "3.11")),
        ({".python-version": "# ours\n\ncpython@3.11.2  # exactly\n"}, (".python-version", "3.11.2")),
        ({"runtime.txt": "python-3.11.2\n"}, ("runtime.txt", "3.11.2")),
        ({".python-version": "3", "runtime.txt": "python-2.7"}, (".python-version", "3")),
        ({".python-version": "\n", "runtime.txt": "python-3.12"}, ("runtime.txt", "3.12")),
    ],
)
def test_a_version_is_asked_for_in_the_ways_people_have(files, expected):
    assert wish(files) == expected


@pytest.mark.parametrize("text", ["pypy3.10", "system", "3.x", ">=3.11", "3.11.2.1", "3" * 99])
def test_another_form_is_refused(text):
    with pytest.raises(NoSuchPython, match="which is no version") as refused:
        wish({".python-version": text})

    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(("wanted", "yes"), [("3", True), ("3.11", True), ("3.1", False), ("3.11.2", True)])
def test_a_version_fits_as_far_as_it_says(wanted, yes):
    assert fits(wanted, "3.11.2") is yes


def test_one_that_is_here_is_taken_and_another_is_refused_with_those_that_are():
    version = version_of(PYTHON)

    assert choose("", "", PYTHON) == Interpreter(PYTHON, "")
    assert choose(version, ".python-version", PYTHON) == Interpreter(PYTHON, version)
    with pytest.raises(NoSuchPython) as refused:
        choose("3.4.1", ".python-version", PYTHON)
    assert str(refused.value).startswith(".python-version asks for Python 3.4.1; here is ")
    assert version in str(refused.value)


# -- defaults


@pytest.mark.parametrize(
    ("files", "packages", "command"),
    [
        ({"app.py": FLASK}, {"flask", "gunicorn"}, f"{GUNICORN}app:app"),
        ({"main.py": FLASK.replace("app =", "site =")}, {"flask", "gunicorn"}, f"{GUNICORN}main:site"),
        ({"wsgi.py": "from shop import create_app\napp = create_app()\n"}, {"gunicorn"}, ""),
        ({"wsgi.py": "from shop import app\n"}, {"gunicorn"}, f"{GUNICORN}wsgi:app"),
        (
            {"app.py": "from flask import Flask\ndef create_app(test=None):\n    return Flask('x')\n"},
            {"gunicorn"},
            f"{GUNICORN}'app:create_app()'",
        ),
        (
            {"app/__init__.py": "from flask import Flask\ndef make_app(*, a=1):\n    return Flask('x')\n"},
            {"flask", "gunicorn"},
            f"{GUNICORN}'app:make_app()'",
        ),
        (
            {"app.py": "from flask import Flask\ndef create_app(config, /, *, a):\n    return Flask('x')\n"},
            {"flask", "gunicorn"},
            "",
        ),
        (
            {"wsgi.py": "from shop import create_app\napp = create_app('production')\n"},
            {"flask", "gunicorn"},
            f"{GUNICORN}wsgi:app",
        ),
        (
            {"main.py": "import shop\napplication = shop.make_app()\n"},
            {"starlette", "fastapi", "uvicorn"},
            f"{UVICORN}main:application",
        ),
        (
            {"main.py": "import fastapi\napi: object = fastapi.FastAPI()\n"},
            {"fastapi", "uvicorn"},
            f"{UVICORN}main:api",
        ),
        ({"app.py": "import flask\napp = flask.Flask('x')\n"}, {"flask"}, ""),
        ({"app.py": "print('hello')\n"}, {"gunicorn"}, ""),
        ({"app.py": "def broken(:\n"}, {"gunicorn"}, ""),
        ({"manage.py": "", "shop/wsgi.py": ""}, {"django", "gunicorn"}, f"{GUNICORN}shop.wsgi:application"),
        ({"manage.py": "", "shop/asgi.py": ""}, {"django", "uvicorn"}, f"{UVICORN}shop.asgi:application"),
        ({"manage.py": "", "shop/wsgi.py": ""}, {"django"}, ""),
    ],
)
def test_web_is_what_the_framework_and_the_requirements_say(app, files, packages, command):
    found = default_web(app(files), packages)

    assert found.command == command
    assert bool(found.advice) != bool(command)
    assert subprocess.run(["bash", "-n", "-c", found.command], check=False).returncode == 0


def test_the_advice_names_the_server_that_is_missing(app):
    advice = default_web(
        app({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}), {"fastapi"}
    ).advice

    assert advice.startswith("Add uvicorn to the requirements")


# -- Django


@pytest.fixture
def collected(app, monkeypatch, capsys, tmp_path):
    """Collect in an app whose Python says something and ends with a code; return that and what was said."""
    monkeypatch.setenv("STRATUM_REPORT", str(tmp_path / "report"))
    monkeypatch.setenv("STRATUM_MARK", "m4rk")

    def collect(says, code, packages=("django",), **environ):
        folder = app({"manage.py": "", ".venv/bin/python": f"#!/bin/sh\necho '{says}'\nexit {code}\n"})
        (folder / ".venv/bin/python").chmod(0o755)
        site = Site(folder, folder / "cache", PYTHON, Interpreter(PYTHON, ""), environ)
        try:
            report = Report()
            report.packages = dict.fromkeys(packages, "1")
            collect_static(site, report)
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return collect


def test_static_files_are_collected_or_the_build_fails(collected):
    assert collected("2 static files copied", 0) == (
        0,
        "m4rk=Collecting static files\n2 static files copied\n",
    )
    assert collected("KeyError", 1) == (1, "m4rk=Collecting static files\nKeyError\n")


@pytest.mark.parametrize(
    "says", ["You use it without having set the STATIC_ROOT setting", "Unknown command: \"'collectstatic'\""]
)
def test_nothing_is_collected_where_the_settings_name_no_place(collected, says):
    code, said = collected(says.replace('"', "").replace("'", "'\\''"), 1)

    assert code == 0
    assert "No static files collected: the settings name no STATIC_ROOT\n" in said


def test_nothing_is_collected_where_it_is_not_wished_or_not_django(collected):
    assert collected("x", 1, DISABLE_COLLECTSTATIC="1")[1].startswith("Static files are not collected, as ")
    assert collected("x", 1, packages=()) == (0, "")
    assert collected("fine", 0, DISABLE_COLLECTSTATIC="0")[1].endswith("fine\n")


# -- what names an installation


def key(folder, source=REQUIREMENTS, **environ):
    site = Site(folder, folder / "cache", PYTHON, Interpreter(PYTHON, "3.11.2"), environ)
    return _key(site, source)


def test_all_that_decides_what_is_installed_is_in_its_name(app):
    folder = app({"requirements.txt": "-r more.txt\nflask==1\n", "more.txt": "six\n"})
    first = key(folder)

    assert first
    assert key(app({"app.py": "x"})) == first
    assert key(folder, SECRET="x") == first
    changed = [
        key(folder, UV_INDEX_URL="https://index.example"),
        key(app({"more.txt": "six==1\n"})),
        key(app({"requirements.txt": "-r more.txt\nflask==2\n"})),
    ]
    assert len({first, *changed}) == 4


def test_asking_for_the_interpreter_that_is_used_anyway_leaves_the_name_and_another_changes_it(app, tmp_path):
    folder = app({"requirements.txt": "six\n", "another/python3": ""})
    version = version_of(PYTHON)
    chosen = [choose(wanted, ".python-version", PYTHON) for wanted in ("", "3", version)]
    chosen.append(Interpreter(tmp_path / "another/python3", version))

    names = [_key(Site(folder, folder / "cache", PYTHON, one, {}), REQUIREMENTS) for one in chosen]

    assert names[0] == names[1] == names[2] != names[3]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "-e .",
            ".",
            "./own",
            "own/",
            "file:///own",
            "own @ file:///own",
            "-e ./own",
            "own-1.0-py3-none-any.whl",
        ),
        *(
            "--find-links ./wheels",
            "--find-links=wheels",
            "-f wheels",
            "-fwheels",
            "-f file:wheels",
            "-f ${WHEELS}",
        ),
        *("-i ./simple", "--index-url simple", "--extra-index-url=file:simple", "own @ ${WHERE}"),
    ],
)
def test_what_is_installed_from_the_apps_own_files_has_no_name(app, line):
    assert key(app({"requirements.txt": f"flask==1\n{line}\n"})) == ""


@pytest.mark.parametrize(
    "line",
    [
        *("git+https://host/own", "own @ git+https://host/own@main", "-e git+ssh://host/own@v1#egg=own"),
        *(f"git+https://host/own@main#sub={'a' * 40}", f"hg+https://host/own@{'a' * 39}"),
    ],
)
def test_what_a_branch_or_tag_names_has_no_name(app, line):
    assert key(app({"requirements.txt": f"{line}\n"})) == ""


@pytest.mark.parametrize(
    "line",
    [
        *(
            "own @ https://host/own.whl",
            "https://host/own.zip",
            "-r ../../other.txt",
            "-f https://host/wheels",
        ),
        *(
            f"git+https://host/own@{'a' * 40}",
            f"own @ git+https://host/own@{'a' * 40}#egg=own ; python_version>'3'",
        ),
        *(
            "--index-url https://${TOKEN}@host/simple",
            "-i http://host/simple",
            "flask==1 --hash=sha256:ab",
            "--pre",
        ),
    ],
)
def test_what_comes_from_elsewhere_has_one(app, line):
    assert key(app({"requirements.txt": f"{line}\n"}))


@pytest.mark.parametrize(
    ("name", "value", "decides"),
    [
        ("UV_FIND_LINKS", "wheels", False),
        ("UV_FIND_LINKS", "https://host/wheels", True),
        ("UV_EXTRA_INDEX_URL", "https://host/simple ./simple", False),
        ("UV_INDEX", "own=https://host/simple", True),
        ("UV_INDEX", "file:///srv/simple own=file:///srv/more", True),
        ("UV_FIND_LINKS", "/srv/wheels", True),
        ("UV_FIND_LINKS", "/srv/../{build}/wheels", False),
        ("UV_INDEX", "own=file://{build}/simple", False),
        ("UV_CONSTRAINT", "limits.txt", False),
        ("UV_OVERRIDE", "", True),
    ],
)
def test_a_variable_that_names_files_of_the_app_leaves_no_name(app, name, value, decides):
    folder = app({"requirements.txt": "flask==1\n"})

    assert bool(key(folder, **{name: value.format(build=folder)})) is decides


@pytest.mark.parametrize(
    ("source", "decides"),
    [
        ('registry = "https://host/simple"', True),
        ('git = "https://host/own?rev=main#0123456789012345678901234567890123456789"', True),
        ('url = "https://host/own.whl"', True),
        ('editable = "."', True),
        ('registry = "wheels"', False),
        ('directory = "own"', False),
        ('virtual = "own"', True),
    ],
)
def test_a_lock_that_takes_packages_from_the_apps_files_has_no_name(app, source, decides):
    lock = f'[[package]]\nname = "own"\nversion = "1"\nsource = {{ {source} }}\n'
    folder = app({"uv.lock": lock, "pyproject.toml": "[project]\n"})

    assert bool(key(folder, Source("uv.lock", ""))) is decides


@pytest.mark.parametrize("committed", ["folder", "file", "link"])
def test_an_environment_in_the_commit_is_left_out_when_the_kept_one_comes_back(
    app, tmp_path, monkeypatch, committed
):
    monkeypatch.setenv("STRATUM_REPORT", str(tmp_path / "report"))
    folder = app({"app/requirements.txt": "six\n", "cache/x": "", "tree/kept.py": "", "else/theirs.py": ""})
    site = Site(folder / "app", folder / "cache", PYTHON, Interpreter(PYTHON, "3.11.2"), {})
    Kept(site.cache, _key(site, REQUIREMENTS)).keep(folder / "tree", {})
    if committed == "folder":
        app({"app/.venv/theirs.py": ""})
    elif committed == "file":
        app({"app/.venv": ""})
    else:
        (folder / "app/.venv").symlink_to(folder / "else")

    install(site, REQUIREMENTS, Report())

    assert [path.name for path in site.venv.iterdir()] == ["kept.py"]
    assert (folder / "else/theirs.py").exists()


# -- the environment


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "GIT_DIR", "LIBRARY_PATH", "CPATH", "BASH_ENV", "PYTHONPATH", "STRATUM_X"]
)
def test_what_would_change_the_builds_own_programs_is_no_variable_of_them(name):
    assert NEVER.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["PATHS", "DATABASE_URL", "UV_INDEX_URL", "MY_PATH", "GITHUB_TOKEN", "NODE_ENV", "ENV"]
)
def test_others_are(name):
    assert not NEVER.fullmatch(name)


@pytest.mark.parametrize(
    ("libc", "stack"),
    [
        ("glibc 2.39", "heroku-24"),
        ("glibc 2.36", "heroku-22"),
        ("glibc 2.31", "heroku-20"),
        ("", "heroku-20"),
    ],
)
def test_the_stack_is_the_newest_whose_programs_run_here(libc, stack):
    assert stack_for(libc) == stack
