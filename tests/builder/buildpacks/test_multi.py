"""The multi buildpack by its scripts: Node.js builds the assets of a Python app."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.buildpacks.multi import detect
from tests.nodejs import need_node

need_node()

PACK = Path(__file__).parents[3] / "builder/buildpacks/multi"
APPS = Path(__file__).parents[2] / "apps"


@dataclass
class Multi:
    """The buildpack and one app."""

    folder: Path

    @property
    def app(self) -> Path:
        return self.folder / "app"

    def write(self, **files: str) -> None:
        self.app.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.app / name.replace("__", ".")).write_text(text)

    def run(self, part: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "STRATUM_PYTHON": sys.executable,
            "STRATUM_APP_PYTHON": "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable,
            "STRATUM_UV": str(Path(sys.executable).parent / "uv"),
            "STRATUM_MARK": "",
            "STRATUM_REPORT": str(self.folder / "report"),
            "STRATUM_EXPORT": str(self.folder / "export"),
        }
        argv = [PACK / "bin" / part, self.app, *arguments]
        return subprocess.run(argv, cwd=self.app, env=environ, capture_output=True, text=True, check=False)

    def compile(self) -> subprocess.CompletedProcess[str]:
        folders = [self.folder / "cache", self.folder / "env"]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        return self.run("compile", *folders)

    @property
    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / "report").read_text())
        return found


@pytest.fixture
def multi(tmp_path: Path) -> Multi:
    return Multi(tmp_path)


BUILDS = json.dumps({"scripts": {"build": "true"}})


@pytest.mark.parametrize(
    ("files", "fits"),
    [
        ({"package__json": BUILDS, "requirements__txt": ""}, True),
        ({"package__json": '{"scripts": {"heroku-postbuild": "x"}}', "requirements__txt": ""}, True),
        ({"package__json": BUILDS, "pyproject__toml": '[project]\nname="x"\ndependencies=["flask"]'}, True),
        ({"package__json": BUILDS, "pyproject__toml": "[tool.ruff]\nline-length = 100"}, False),
        ({"package__json": BUILDS}, False),
        ({"requirements__txt": ""}, False),
        ({"package__json": '{"devDependencies": {"prettier": "1"}}', "requirements__txt": ""}, False),
        ({"package__json": "{", "requirements__txt": ""}, False),
        ({"package__json": "[]", "requirements__txt": ""}, False),
        ({"package__json": '{"scripts": {"build": 1}}', "requirements__txt": ""}, False),
    ],
)
def test_it_fits_python_apps_with_a_package_json_that_builds(multi: Multi, files: dict[str, str], fits: bool):
    multi.write(**files)

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


def test_assets_are_built_and_python_runs(multi: Multi):
    shutil.copytree(APPS / "node_npm", multi.app)
    multi.write(requirements__txt="click==8.3.1\n")

    done = multi.compile()

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((multi.app / "settings.json").read_text()) == {"greeting": "Built"}
    assert multi.report["packages"] == {"ms": "2.1.3", "click": "8.3.1"}
    assert sorted(path.name for path in (multi.app / ".profile.d").iterdir()) == ["node.sh", "python.sh"]


def test_the_part_that_failed_says_so(multi: Multi):
    multi.write(package__json=json.dumps({"scripts": {"build": "exit 4"}}), requirements__txt="")

    assert multi.compile().returncode == 4
    assert multi.report["doing"] == "Running build"


def test_python_starts_the_app_unless_only_node_knows_how(multi: Multi):
    start = json.dumps({"scripts": {"build": "true", "start": "node x"}})
    multi.write(package__json=start, requirements__txt="")

    assert "  web: npm start" in multi.run("release").stdout

    packages = multi.app / ".venv/lib/python3.11/site-packages"
    for name in ("flask", "gunicorn"):
        (packages / f"{name}-1.dist-info").mkdir(parents=True)
    multi.write(app__py="from flask import Flask\napp = Flask(__name__)\n")

    assert "gunicorn" in multi.run("release").stdout


def test_where_neither_knows_how_to_start_it_there_is_advice(multi: Multi):
    multi.write(package__json=BUILDS, requirements__txt="")

    multi.run("release")

    assert "Procfile" in str(multi.report["advice"])
