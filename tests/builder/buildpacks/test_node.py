"""The node buildpack by its scripts alone, as the classic API says: BUILD_DIR CACHE_DIR ENV_DIR."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.nodejs import need_node

need_node()

PACK = Path(__file__).parents[3] / "builder/buildpacks/node"
APPS = Path(__file__).parents[2] / "apps"
PATH = "/usr/local/bin:/usr/bin:/bin"
MARK = "mark-0123456789abcdef "
CLASSIC = {"STRATUM_REPORT": "", "STRATUM_MARK": ""}
NOWHERE = "http://127.0.0.1:9"  # the discard port: a proxy that nobody is
SEALED = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE}


@dataclass
class Pack:
    """The buildpack at work on one app, whose builds share a cache."""

    folder: Path
    builds: int = 0

    def build(
        self, source: Path, variables: dict[str, str] | None = None, environ: dict[str, str] | None = None
    ) -> "Built":
        self.builds += 1
        app = self.folder / f"source{self.builds}"
        shutil.copytree(source, app, symlinks=True)
        given = self.folder / f"env{self.builds}"
        given.mkdir()
        for name, value in (variables or {}).items():
            (given / name).write_text(value)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        report = self.folder / f"report{self.builds}"
        done = subprocess.run(
            [PACK / "bin/compile", app, self.folder / "cache", given],
            env={
                "PATH": PATH,
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "STRATUM_REPORT": str(report),
                "STRATUM_MARK": MARK,
                **(environ or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told = json.loads(report.read_text()) if report.exists() else {}
        return Built(app, done.returncode, done.stdout + done.stderr, told)


@dataclass
class Built:
    app: Path
    code: int
    output: str
    report: dict[str, Any]

    @property
    def steps(self) -> list[str]:
        lines = self.output.splitlines()
        return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]

    def has(self, name: str) -> bool:
        return (self.app / "node_modules" / name).exists()

    def run(self, command: str, home: Path | None = None) -> str:
        """Run a command as a process of the app would."""
        home = home or self.app
        argv = ["bash", "-c", f". .profile.d/node.sh; {command}"]
        environ = {"PATH": PATH, "HOME": str(home)}
        return subprocess.run(argv, cwd=home, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture
def bare(tmp_path: Path) -> Pack:
    return Pack(tmp_path)


@pytest.fixture
def pack(bare: Pack, downloads: Path) -> Pack:
    """One whose npm has downloaded before what other tests wanted, to save time."""
    (bare.folder / "cache").mkdir()
    (bare.folder / "cache/npm").symlink_to(downloads)
    return bare


@pytest.fixture
def write(tmp_path: Path):
    """Make an app of the given package.json and files."""

    def make(manifest: object, **files: str) -> Path:
        app = tmp_path / "app"
        shutil.rmtree(app, ignore_errors=True)
        app.mkdir()
        (app / "package.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
        for name, text in files.items():
            (app / name.replace("__", ".").replace("_", "-")).write_text(text)
        return app

    return make


def released(app: Path) -> str:
    return subprocess.run([PACK / "bin/release", app], capture_output=True, text=True, check=True).stdout


def test_an_app_is_detected_by_its_package_json(write, tmp_path: Path):
    assert subprocess.check_output([PACK / "bin/detect", write({})]) == b"Node.js\n"
    (tmp_path / "bare").mkdir()
    assert subprocess.run([PACK / "bin/detect", tmp_path / "bare"], check=False).returncode == 1


@pytest.mark.parametrize("manager", ["npm", "yarn", "berry", "pnpm"])
def test_the_lock_is_installed_the_app_built_and_what_only_the_build_needed_removed(bare: Pack, manager: str):
    pack = bare
    source = APPS / f"node_{manager}"
    command = {"npm": "npm", "pnpm": "pnpm"}.get(manager, "yarn")

    built = pack.build(source)

    assert built.code == 0, built.output
    assert built.has("ms")
    assert not built.has("json5")
    assert not built.has(".bin/json5")
    moved = built.app.rename(pack.folder / "moved")
    assert "Built 60000" in built.run(f"{command} start", moved)
    assert built.report == {"packages": {"ms": "2.1.3"}, "stored": True}

    # With the same lock nothing is installed, nor even asked for: there is no way out.
    again = pack.build(source, environ=SEALED)

    assert again.code == 0, again.output
    assert "is unchanged, nothing to install" in again.steps[0]
    assert again.report == {**built.report, "stored": False}
    assert tree(again.app) == tree(moved)
    assert "Built 60000" in again.run(f"{command} start")


def tree(app: Path) -> list[str]:
    return sorted(
        str(path.relative_to(app)) for path in (app / "node_modules").rglob("*") if not path.is_dir()
    )


def test_another_lock_is_installed_anew_and_the_old_modules_are_forgotten(pack: Pack, tmp_path: Path):
    source = tmp_path / "app"
    shutil.copytree(APPS / "node_npm", source)
    pack.build(source)
    lock = source / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")

    assert "installing package-lock.json with npm" in pack.build(source).output
    assert len(list((tmp_path / "cache/modules").glob("*.tar"))) == 1


def test_a_slug_shares_nothing_with_the_cache(pack: Pack):
    first = pack.build(APPS / "node_npm")
    (first.app / "node_modules/ms/index.js").write_text("throw new Error('changed')")

    assert "Built" in pack.build(APPS / "node_npm").run("npm start")


@pytest.mark.parametrize(
    "variables", [{"NPM_CONFIG_PRODUCTION": "false"}, {"NODE_ENV": "staging"}, {"YARN_PRODUCTION": "false"}]
)
def test_development_packages_stay_when_the_app_asks_for_them(pack: Pack, variables: dict[str, str]):
    built = pack.build(APPS / "node_npm", variables)

    assert built.has("json5"), built.output


def test_development_packages_are_not_even_installed_when_the_app_wants_none(pack: Pack):
    built = pack.build(APPS / "node_npm", {"NPM_CONFIG_PRODUCTION": "true"})

    assert built.report["doing"] == "Running build"
    assert "json5: not found" in built.output
    assert built.has("ms")


@pytest.mark.parametrize("manager", ["npm", "yarn", "berry", "pnpm"])
def test_an_app_that_builds_nothing_has_no_development_packages(pack: Pack, manager: str):
    source = pack.folder / "app"
    shutil.copytree(APPS / f"node_{manager}", source)
    manifest = json.loads((source / "package.json").read_text())
    del manifest["scripts"]["build"]
    (source / "package.json").write_text(json.dumps(manifest))

    built = pack.build(source)

    assert (built.has("ms"), built.has("json5")) == (True, False), built.output


def test_the_scripts_run_in_their_order_with_the_variables_of_the_app(pack: Pack, write):
    scripts = {
        "heroku-prebuild": "echo 1 $WORD",
        "build": "echo never",
        "heroku-postbuild": "echo 2 $WORD $NODE_ENV",
        "heroku-cleanup": "echo 3 $WORD",
    }
    app = write({"scripts": scripts})

    built = pack.build(app, {"WORD": "said", "PATH": "/nowhere"})

    assert built.code == 0, built.output
    said = [line for line in built.output.splitlines() if line[:1].isdigit()]
    assert said == ["1 said", "2 said production", "3 said"]


def test_scripts_of_an_install_run_at_every_build(pack: Pack):
    source = pack.folder / "app"
    shutil.copytree(APPS / "node_npm", source)
    manifest = json.loads((source / "package.json").read_text())
    manifest["scripts"]["postinstall"] = "echo made >> made.txt"
    (source / "package.json").write_text(json.dumps(manifest))

    assert [(pack.build(source).app / "made.txt").read_text() for _ in range(2)] == ["made\n", "made\n"]


def test_an_app_without_dependencies_needs_no_lock(pack: Pack, write):
    built = pack.build(write({}), environ=SEALED)

    assert (built.code, "lock file" in built.output) == (0, False), built.output


def test_dependencies_without_a_lock_are_installed_with_a_warning(pack: Pack, write):
    built = pack.build(write({"dependencies": {"ms": "2.1.3"}}))

    assert built.has("ms"), built.output
    assert "There is no lock file: what is installed may differ at every build." in built.output
    assert not (built.app / "package-lock.json").exists()


def test_modules_in_the_commit_are_left_out(pack: Pack, write):
    app = write({})
    (app / "node_modules/ms").mkdir(parents=True)

    built = pack.build(app)

    assert not built.has("ms")
    assert "node_modules is in the commit; it is left out." in built.output


def test_a_failing_script_fails_the_build_by_its_name(pack: Pack, write):
    built = pack.build(write({"scripts": {"build": "exit 3"}}))

    assert built.code == 3
    assert (built.report["doing"], built.report["detail"]) == ("Running build", "")
    assert "It is the script build of package.json that failed" in built.report["mend"]


NODE = subprocess.check_output(["node", "--version"], text=True).strip()[1:]


@pytest.mark.parametrize("range_", ["*", ">=10 <100", f"^{NODE}", f"{NODE.partition('.')[0]}.x", f"v{NODE}"])
def test_a_range_that_the_servers_node_is_in_is_fine(pack: Pack, write, range_: str):
    assert pack.build(write({"engines": {"node": range_}})).code == 0


@pytest.mark.parametrize(
    ("manifest", "files", "said"),
    [
        ("{", {}, "package.json cannot be read: "),
        ("[]", {}, "package.json is no JSON object."),
        ({"engines": {"node": "4.x"}}, {}, f"asks for Node.js 4.x; this server has {NODE}."),
        ({"engines": {"node": "new"}}, {}, 'engines.node in package.json is no range of versions: "new".'),
        ({"packageManager": "yarn"}, {}, 'packageManager in package.json is no name@version: "yarn".'),
        ({"packageManager": "yarn@4.0.0+sha999.00"}, {}, "packageManager in package.json is no name@version"),
        ({"packageManager": "pnpm@9.0.0"}, {}, "says pnpm, but there is no lock file of it."),
        (
            {"packageManager": "pnpm@9.0.0"},
            {"package_lock__json": "{}"},
            "says pnpm, but the lock file is package-lock.json.",
        ),
        (
            {},
            {"package_lock__json": "{}", "yarn__lock": ""},
            "There are lock files of several package managers: package-lock.json, yarn.lock.",
        ),
        ({}, {"bun__lock": ""}, "Bun is not known here."),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(pack: Pack, write, manifest, files, said: str):
    built = pack.build(write(manifest, **files))

    assert built.code == 1
    assert said in built.report["detail"]
    assert "push again" in built.report["mend"]


def test_without_what_stratum_adds_to_the_classic_api_it_prints_the_same(pack: Pack, write):
    built = pack.build(write({"engines": {"node": "4.x"}}), environ=CLASSIC)

    assert (built.code, built.report) == (1, {})
    assert " !     engines.node in package.json asks for Node.js 4.x; this server has" in built.output
    assert (
        "-----> Running build\n" in pack.build(write({"scripts": {"build": "true"}}), environ=CLASSIC).output
    )


def test_a_lock_that_does_not_fit_is_refused_with_what_to_do(pack: Pack, tmp_path: Path):
    source = tmp_path / "app"
    shutil.copytree(APPS / "node_npm", source)
    pack.build(source)
    manifest = json.loads((source / "package.json").read_text())
    manifest["dependencies"]["ms"] = "2.1.2"
    (source / "package.json").write_text(json.dumps(manifest))

    built = pack.build(source)

    assert built.code == 1
    assert built.report["doing"] == "Installing package-lock.json"
    assert "If the lock file does not fit package.json: run npm install" in built.report["mend"]


def test_without_npm_the_operator_is_told_what_to_install(pack: Pack, write, tmp_path: Path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("bash", "node"):
        (programs / program).symlink_to(shutil.which(program) or program)

    built = pack.build(write({}), environ={"PATH": str(programs)})

    assert built.code == 1
    assert built.report["detail"] == "this server has no npm, and package.json asks for it."
    assert "apt install nodejs npm" in built.report["mend"]


@pytest.mark.parametrize(
    ("manifest", "files", "web"),
    [
        ({"scripts": {"start": "node x.js"}}, {}, True),
        ({}, {"server__js": ""}, True),
        ({"scripts": {"build": "true"}}, {}, False),
    ],
)
def test_the_default_web_process_is_npm_start_where_there_is_something_to_start(
    write, manifest, files, web: bool
):
    assert ("  web: npm start" in released(write(manifest, **files)).splitlines()) == web


def test_a_pinned_manager_of_another_digest_is_refused(pack: Pack, tmp_path: Path):
    source = tmp_path / "app"
    shutil.copytree(APPS / "node_berry", source)
    manifest = json.loads((source / "package.json").read_text())
    assert pack.build(source).code == 0  # fetched, and kept
    manifest["packageManager"] += "+sha512." + "0" * 128
    (source / "package.json").write_text(json.dumps(manifest))

    assert "as fetched has another digest" in pack.build(source).report["detail"]


def test_a_cache_that_is_broken_is_as_if_it_were_not_there(pack: Pack):
    pack.build(APPS / "node_npm")
    for archive in (pack.folder / "cache/modules").glob("*.tar"):
        archive.write_bytes(archive.read_bytes()[:20_000])

    built = pack.build(APPS / "node_npm")

    assert "installing package-lock.json" in built.steps[0]
    assert "Built 60000" in built.run("npm start")


def test_what_we_are_told_stays_ours_and_later_buildpacks_find_the_programs(pack: Pack, write):
    export = pack.folder / "export"

    built = pack.build(write({"scripts": {"build": "env"}}), environ={"STRATUM_EXPORT": str(export)})

    assert "STRATUM_" not in built.output
    assert f"export PATH='{built.app}/node_modules/.bin:" in export.read_text()


def test_a_profile_of_the_app_by_the_same_name_comes_after_ours(pack: Pack, write):
    app = write({})
    (app / ".profile.d").mkdir()
    (app / ".profile.d/node.sh").write_text("export NODE_ENV=mine\n")

    assert pack.build(app).run("echo $NODE_ENV $PATH").startswith("mine /")


@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [
        ("file", ".profile.d is no folder."),
        ("link", ".profile.d is no folder."),
        ("folder", "node.sh is a folder."),
    ],
)
def test_what_stands_where_our_profile_goes_is_named(pack: Pack, write, in_the_way: str, said: str):
    app = write({})
    if in_the_way == "file":
        (app / ".profile.d").write_text("")
    elif in_the_way == "link":
        (app / ".profile.d").symlink_to("nowhere")
    else:
        (app / ".profile.d/node.sh").mkdir(parents=True)

    built = pack.build(app)

    assert built.code == 1
    assert built.report["doing"] == "Writing .profile.d/node.sh"
    assert built.report["detail"].endswith(said)
    assert "Error" not in built.output


def test_files_of_the_app_are_left_as_they_are(pack: Pack):
    built = pack.build(APPS / "node_npm")

    ours = {".profile.d", "node_modules", "settings.json"}
    assert {path.name for path in built.app.iterdir()} - ours == set(os.listdir(APPS / "node_npm"))  # noqa: PTH208 - names are wanted
