"""What the node buildpack refuses, and what it says when something fails."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.nodejs import need_node
from tests.nodepack import APPS, CLASSIC, Pack

need_node()


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


def test_a_pinned_manager_of_another_digest_is_refused(pack: Pack, tmp_path: Path):
    source = tmp_path / "app"
    shutil.copytree(APPS / "node_berry", source)
    manifest = json.loads((source / "package.json").read_text())
    assert pack.build(source).code == 0  # fetched, and kept
    manifest["packageManager"] += "+sha512." + "0" * 128
    (source / "package.json").write_text(json.dumps(manifest))

    assert "as fetched has another digest" in pack.build(source).report["detail"]


@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [
        ("file", ".profile.d is no folder."),
        ("link", ".profile.d is no folder."),
        ("link out", ".profile.d is a link out of the app."),
        ("folder", "node.sh is a folder."),
    ],
)
def test_what_stands_where_our_profile_goes_is_named(pack: Pack, write, in_the_way: str, said: str):
    app = write({})
    if in_the_way == "file":
        (app / ".profile.d").write_text("")
    elif in_the_way == "link":
        (app / ".profile.d").symlink_to("nowhere")
    elif in_the_way == "link out":
        (app / ".profile.d").symlink_to("/etc")
    else:
        (app / ".profile.d/node.sh").mkdir(parents=True)

    built = pack.build(app)

    assert built.code == 1
    assert built.report["doing"] == "Writing .profile.d/node.sh"
    assert built.report["detail"].endswith(said)
    assert "Error" not in built.output
