"""The node buildpack by its scripts alone, as the classic API says: BUILD_DIR CACHE_DIR ENV_DIR."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.nodejs import need_node
from tests.nodepack import APPS, PACK, SEALED, Pack, released

need_node()


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
    source = with_scripts(pack, "npm", postinstall="echo made >> made.txt")

    assert [(pack.build(source).app / "made.txt").read_text() for _ in range(2)] == ["made\n", "made\n"]


@pytest.mark.parametrize("manager", ["npm", "yarn", "berry", "pnpm"])
def test_scripts_of_an_install_find_packages_as_they_were_before_them_at_every_build(
    pack: Pack, manager: str
):
    source = with_scripts(pack, manager, preinstall="echo pre >> ran.txt", postinstall=PATCH)

    built = [pack.build(source) for _ in range(2)]

    assert [one.code for one in built] == [0, 0], built[-1].output
    assert built[1].steps[0].endswith("is unchanged, nothing to install")
    assert [one.run("cat ran.txt node_modules/ms/mark") for one in built] == ["pre\npost\n"] * 2
    assert (built[1].app / "package.json").read_text() == (source / "package.json").read_text()


PATCH = "[ ! -e node_modules/ms/mark ] && echo post > node_modules/ms/mark"  # fails when done twice


def test_a_script_that_another_one_brings_with_it_runs_once(pack: Pack):
    scripts = {name: f"echo {name} >> ran.txt" for name in ("preinstall", "install", "postinstall")}
    source = with_scripts(pack, "npm", **scripts)

    assert [pack.build(source).run("xargs < ran.txt") for _ in range(2)] == [
        "preinstall install postinstall\n"
    ] * 2


def test_scripts_of_an_install_do_not_run_where_the_app_has_none_run(pack: Pack):
    source = with_scripts(pack, "npm", postinstall="false")
    (source / ".npmrc").write_text("ignore-scripts=true\n")

    assert [pack.build(source).code for _ in range(2)] == [0, 0]


def with_scripts(pack: Pack, manager: str, **scripts: str) -> Path:
    source = pack.folder / "app"
    shutil.copytree(APPS / f"node_{manager}", source)
    manifest = json.loads((source / "package.json").read_text())
    manifest["scripts"] |= scripts
    (source / "package.json").write_text(json.dumps(manifest))
    return source


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


def test_a_cache_that_is_broken_is_as_if_it_were_not_there(pack: Pack):
    pack.build(APPS / "node_npm")
    for archive in (pack.folder / "cache/modules").glob("*.tar"):
        archive.write_bytes(archive.read_bytes()[:20_000])

    built = pack.build(APPS / "node_npm")

    assert "installing package-lock.json" in built.steps[0]
    assert "Built 60000" in built.run("npm start")


def test_what_was_noted_of_pruning_in_part_is_as_if_it_were_not_there(pack: Pack):
    """As a build leaves it that is killed while it writes."""
    whole = pack.build(APPS / "node_npm")
    (noted,) = (pack.folder / "cache/modules").glob("*.json")
    noted.write_bytes(noted.read_bytes()[:10])

    built = pack.build(APPS / "node_npm")

    assert (built.code, tree(built.app)) == (0, tree(whole.app)), built.output
    assert "is unchanged, nothing to install" in built.steps[0]
    json.loads(noted.read_text())


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


def test_files_of_the_app_are_left_as_they_are(pack: Pack):
    built = pack.build(APPS / "node_npm")

    ours = {".profile.d", "node_modules", "settings.json"}
    assert {path.name for path in built.app.iterdir()} - ours == set(os.listdir(APPS / "node_npm"))  # noqa: PTH208 - names are wanted
