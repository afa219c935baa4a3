"""The multi buildpack by its scripts: Node.js builds the assets of a Python app."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.buildpacks.multi import detect
from tests.builtin import PackOfApp
from tests.nodejs import need_node

need_node()

APPS = Path(__file__).parents[2] / "apps"


@pytest.fixture
def multi(tmp_path: Path) -> PackOfApp:
    return PackOfApp("multi", tmp_path)


BUILDS = json.dumps({"scripts": {"build": "true"}})


@pytest.mark.parametrize(
    ("files", "fits"),
    [
        ({"package.json": BUILDS, "requirements.txt": ""}, True),
        ({"package.json": '{"scripts": {"heroku-postbuild": "x"}}', "requirements.txt": ""}, True),
        ({"package.json": BUILDS, "pyproject.toml": '[project]\nname="x"\ndependencies=["flask"]'}, True),
        ({"package.json": BUILDS, "pyproject.toml": "[tool.ruff]\nline-length = 100"}, False),
        ({"package.json": BUILDS}, False),
        ({"requirements.txt": ""}, False),
        ({"package.json": '{"devDependencies": {"prettier": "1"}}', "requirements.txt": ""}, False),
        ({"package.json": "{", "requirements.txt": ""}, False),
        ({"package.json": "[]", "requirements.txt": ""}, False),
        ({"package.json": '{"scripts": {"build": 1}}', "requirements.txt": ""}, False),
    ],
)
def test_it_fits_python_apps_with_a_package_json_that_builds(
    multi: PackOfApp, files: dict[str, str], fits: bool
):
    multi.write(files)

    assert (multi.run("detect").returncode == 0) == fits


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["scripts", "build", "x"]), inner),
)


@given(st.binary() | JSON.map(lambda found: json.dumps(found).encode()))
def test_any_package_json_can_be_looked_into(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    folder = tmp_path_factory.mktemp("app")
    (folder / "package.json").write_bytes(content)

    assert detect.builds(folder / "package.json") in (True, False)


def test_assets_are_built_and_python_runs(multi: PackOfApp):
    shutil.copytree(APPS / "node_npm", multi.app)
    multi.write({"requirements.txt": "click==8.3.1\n"})

    done = multi.compile()

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((multi.app / "settings.json").read_text()) == {"greeting": "Built"}
    assert multi.report["packages"] == {"ms": "2.1.3", "click": "8.3.1"}
    assert sorted(path.name for path in (multi.app / ".profile.d").iterdir()) == ["node.sh", "python.sh"]


def test_the_part_that_failed_says_so(multi: PackOfApp):
    multi.write({"package.json": json.dumps({"scripts": {"build": "exit 4"}}), "requirements.txt": ""})

    assert multi.compile().returncode == 4
    assert multi.report["doing"] == "Running build"


def test_python_starts_the_app_unless_only_node_knows_how(multi: PackOfApp):
    start = json.dumps({"scripts": {"build": "true", "start": "node x"}})
    multi.write({"package.json": start, "requirements.txt": ""})

    assert "  web: npm start" in multi.run("release").stdout

    packages = multi.app / ".venv/lib/python3.11/site-packages"
    for name in ("flask", "gunicorn"):
        (packages / f"{name}-1.dist-info").mkdir(parents=True)
    multi.write({"app.py": "from flask import Flask\napp = Flask(__name__)\n"})

    assert "gunicorn" in multi.run("release").stdout


def test_where_neither_knows_how_to_start_it_there_is_advice(multi: PackOfApp):
    multi.write({"package.json": BUILDS, "requirements.txt": ""})

    multi.run("release")

    assert "Procfile" in str(multi.report["advice"])
