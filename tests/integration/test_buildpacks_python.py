"""The buildpack for Python, with real packages from the registry."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stratum.model import BuildState, Target
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

UV = Path(sys.executable).with_name("uv")
WEB = {"Procfile": "web: x\n"}
KEPT = "Nothing to install: {} and the tools are unchanged\n"


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param, build_timeout_s=60)
    yield made
    made.remove()


@pytest.fixture
def plain_yard():
    made = Yard.make(build_timeout_s=120)
    yield made
    made.remove()


def log_of(yard: Yard, app) -> str:
    built = yard.build(app)
    assert built.state is BuildState.SUCCEEDED, yard.log(built)
    return yard.log(built)


def slug(yard: Yard, app) -> Path:
    return yard.layout.slug(app.id, yard.releases(app)[0].slug)


def locked(folder: Path, project: str) -> str:
    """Lock a project as its author would."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(project)
    subprocess.run([UV, "lock", "--quiet", "--project", folder], check=True)
    return (folder / "uv.lock").read_text()


def test_an_environment_may_move_and_names_nothing_of_the_build(yard: Yard):
    app = yard.app({**WEB, "requirements.txt": "flask==3.1.3\n"})
    log_of(yard, app)

    flask = slug(yard, app) / ".venv/bin/flask"
    assert "Flask 3.1.3" in subprocess.check_output([flask, "--version"], text=True)
    assert str(yard.layout.builds) not in flask.read_text()
    assert (
        (slug(yard, app) / ".profile.d/python.sh")
        .read_text()
        .endswith('export PATH="$HOME/.venv/bin:$PATH"\n')
    )
    assert yard.releases(app)[0].contents.packages["flask"] == "3.1.3"


def test_a_lock_is_installed_without_development_and_the_apps_own_package_anew(yard: Yard):
    project = (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["six"]\n'
        '[dependency-groups]\ndev = ["itsdangerous"]\n[tool.setuptools]\npy-modules = ["own"]\n'
    )
    lock = locked(yard.folder / "project", project)
    app = yard.app({**WEB, "pyproject.toml": project, "uv.lock": lock, "own.py": "WORD = 'one'\n"})
    first = log_of(yard, app)
    yard.push(app, {"own.py": "WORD = 'two'\n"})
    again = log_of(yard, app)

    assert "installing 1 requirement from uv.lock" in first
    assert KEPT.format("uv.lock") in again
    assert "+ six" not in again
    python = slug(yard, app) / ".venv/bin/python"
    said = subprocess.check_output(
        [python, "-c", "import own; print(own.WORD, own.__file__)"], cwd="/", text=True
    )
    assert said.startswith("two ")
    assert "site-packages" in said
    assert set(yard.releases(app)[0].contents.packages) == {"six", "own"}


def test_what_requirements_ask_to_have_editable_is_installed_as_a_copy_that_outlives_the_build(yard: Yard):
    setup = 'from setuptools import setup\nsetup(name="own", version="1", py_modules=["own"])\n'
    app = yard.app({**WEB, "requirements.txt": "-e .\n", "setup.py": setup, "own.py": "WORD = 'one'\n"})
    log_of(yard, app)
    yard.push(app, {"own.py": "WORD = 'two'\n"})
    log_of(yard, app)

    said = subprocess.check_output(
        [slug(yard, app) / ".venv/bin/python", "-c", "import own; print(own.WORD, own.__file__)"],
        cwd="/",
        text=True,
    )

    assert said.startswith(f"two {slug(yard, app)}/.venv/")


def test_a_lock_that_no_longer_fits_fails_the_build_before_anything_is_installed(plain_yard: Yard):
    project = '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.11"\n'
    lock = locked(plain_yard.folder / "project", f'{project}dependencies = ["six==1.16.0"]\n')
    other = f'{project}dependencies = ["six==1.15.0"]\n'
    app = plain_yard.app({**WEB, "pyproject.toml": other, "uv.lock": lock})

    failed = plain_yard.build(app)

    assert failed.state is BuildState.FAILED
    assert "asks for six ==1.15.0, and uv.lock was made for ==1.16.0" in failed.error
    assert "Run uv lock, commit uv.lock, and push again." in plain_yard.log(failed)


def test_poetrys_lock_is_installed_by_its_hashes(plain_yard: Yard):
    asked = ("click==8.1.8", "colorama==0.4.6")
    compiled = subprocess.run(
        [
            UV,
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--generate-hashes",
            "--no-deps",
            "-",
        ],
        input="\n".join(asked),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parts = [part for part in re.split(r"\n(?=\w)", compiled) if part]
    hashes = {part.partition("=")[0]: re.findall(r"sha256:[0-9a-f]{64}", part) for part in parts}

    def package(name, version, more=""):
        files = ", ".join(f'{{file = "x", hash = "{one}"}}' for one in hashes[name])
        head = f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\n'
        return f"{head}files = [{files}]\n{more}"

    lock = (
        package(
            "click",
            "8.1.8",
            '[package.dependencies]\ncolorama = {version = "*", markers = "os_name == \\"nt\\""}\n',
        )
        + package("colorama", "0.4.6")
        + '[metadata]\nlock-version = "2.0"\n'
    )
    project = '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "^3.11"\nclick = "*"\n'
    app = plain_yard.app({**WEB, "pyproject.toml": project, "poetry.lock": lock})

    assert "+ click==8.1.8" in log_of(plain_yard, app)
    assert plain_yard.releases(app)[0].contents.packages == {"click": "8.1.8"}

    plain_yard.push(
        app,
        {
            "poetry.lock": lock.replace(hashes["click"][0], "sha256:" + "0" * 64).replace(
                hashes["click"][-1], "sha256:" + "1" * 64
            )
        },
    )
    failed = plain_yard.build(app)
    assert failed.state is BuildState.FAILED
    assert "Installing poetry.lock failed" in failed.error


def test_flask_with_gunicorn_needs_no_procfile(plain_yard: Yard):
    files = {"app.py": "from flask import Flask\napp = Flask('x')\n", "requirements.txt": "flask\ngunicorn\n"}
    app = plain_yard.app(files)

    log = log_of(plain_yard, app)

    command = 'gunicorn --bind "127.0.0.1:$PORT" app:app'
    assert plain_yard.releases(app)[0].targets == (Target("web", command),)
    assert f"-----> Started by default:\n       web: {command}\n" in log


def test_without_its_server_the_missing_requirement_is_named(plain_yard: Yard):
    app = plain_yard.app(
        {"app.py": "from flask import Flask\napp = Flask('x')\n", "requirements.txt": "flask\n"}
    )

    assert "Add gunicorn to the requirements" in plain_yard.build(app).error


def test_a_python_that_is_not_here_is_refused_by_name(plain_yard: Yard):
    app = plain_yard.app({**WEB, "requirements.txt": "six\n", "runtime.txt": "python-3.4.1\n"})
    failed = plain_yard.build(app)
    plain_yard.push(app, {"runtime.txt": "python-3\n"})
    log = log_of(plain_yard, app)

    assert "runtime.txt asks for Python 3.4.1; here is 3." in failed.error
    assert re.search(r"Python 3\.\d+\.\d+, as runtime.txt asks", log)


DJANGO = {
    "manage.py": "import os, sys\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
    "shop/__init__.py": "",
    "shop/settings.py": "import os\nSECRET_KEY = os.environ['KEY']\n"
    "INSTALLED_APPS = ['django.contrib.staticfiles', 'shop']\n"
    "STATIC_URL = 'static/'\nSTATIC_ROOT = os.environ.get('ROOT_OF_STATIC')\n",
    "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application as get\napplication = get()\n",
    "shop/static/site.css": "body {}\n",
    "requirements.txt": "django\ngunicorn\n",
}


def test_django_has_its_static_files_collected_with_the_apps_variables(plain_yard: Yard):
    app = plain_yard.app(DJANGO)
    plain_yard.set_variables(app, KEY="s3cr3t-key", ROOT_OF_STATIC="collected")

    assert "1 static file copied" in log_of(plain_yard, app)

    (release,) = plain_yard.releases(app)
    assert (slug(plain_yard, app) / "collected/site.css").exists()
    assert release.targets[0].command.endswith("shop.wsgi:application")
