"""The static buildpack by its scripts: which apps are sites, of which folder, and how they are served."""

import json
from pathlib import Path

import pytest

from stratum.site import FILE, Fallback, Redirect, parse
from tests.builtin import PackOfApp
from tests.nodejs import need_node


@pytest.fixture
def static(tmp_path: Path) -> PackOfApp:
    return PackOfApp("static", tmp_path)


BUILDS = json.dumps({"scripts": {"build": "mkdir -p dist && echo built > dist/index.html"}})


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"static.json": "{}"}, "Static site"),
        ({"Staticfile": ""}, "Static site"),
        ({"index.html": ""}, "Static site"),
        ({"public/index.html": ""}, "Static site"),
        ({"_site/index.html": "", "Procfile": "worker: x"}, "Static site"),
        ({"package.json": BUILDS}, "Front end"),
        ({"package.json": BUILDS, "index.html": ""}, "Front end"),
        ({"package.json": BUILDS, "static.json": "{}", "server.js": ""}, "Static site"),
        ({"package.json": BUILDS, "server.js": ""}, ""),
        ({"package.json": BUILDS, "Procfile": "worker: node x"}, ""),
        ({"package.json": '{"scripts": {"build": "x", "start": "y"}}', "index.html": ""}, ""),
        ({"package.json": "{}", "index.html": ""}, ""),
        ({"package.json": "no", "index.html": ""}, ""),
        ({"static.json": "{}", "Procfile": "web: x"}, ""),
        ({"static.json": "{}", "Procfile_staging": "a: b\n web : x"}, ""),
        ({"index.html": "", "requirements.txt": ""}, ""),
        ({"index.html": "", "go.mod": ""}, ""),
        ({"other/index.html": ""}, ""),
        ({"README": ""}, ""),
    ],
)
def test_a_site_is_what_has_a_page_and_no_process(
    static: PackOfApp, files: dict[str, str], named: str
) -> None:
    static.write(files)

    done = static.run("detect")

    assert (done.returncode, done.stdout.strip()) == (0 if named else 1, named)


def test_the_folder_with_a_page_is_the_site(static: PackOfApp) -> None:
    static.write({"dist/index.html": "", "_site/index.html": "", "public/app.js": ""})

    done = static.compile()

    assert done.returncode == 0, done.stdout
    assert "The router serves dist as a site" in done.stdout
    assert (static.report["site"], parse((static.app / FILE).read_bytes()).folder) == ("dist", "dist")
    assert static.run("release").stdout == ""


def test_the_repository_itself_is_a_site_where_its_root_has_a_page(static: PackOfApp) -> None:
    static.write({"index.html": "", "public/index.html": ""})

    assert static.compile().returncode == 0
    assert static.report["site"] == "."


def test_what_static_json_asks_for_is_kept_for_the_router(static: PackOfApp) -> None:
    asked = {"root": "web/", "redirects": {"/a": "/b"}, "rooot": 1}
    static.write({"static.json": json.dumps(asked), "web/index.html": "", "index.html": ""})

    done = static.compile()

    site = parse((static.app / FILE).read_bytes())
    assert (site.folder, site.rules.redirects) == ("web", (Redirect("/a", "/b", 301),))
    assert 'warning: static.json: "rooot" is not known.' in done.stdout


def test_all_that_is_wrong_with_static_json_is_said_at_once(static: PackOfApp) -> None:
    asked = {"clean_urls": 1, "redirects": {"/a": "javascript:x"}, "basic_auth": True}
    static.write({"static.json": json.dumps(asked), "index.html": ""})

    assert static.compile().returncode == 1
    assert str(static.report["detail"]).count("static.json: ") == 3


def test_a_staticfile_means_what_it_does_elsewhere(static: PackOfApp) -> None:
    static.write(
        {"Staticfile": "# mine\nroot: site\npushstate: enabled\nssi: enabled\n", "site/index.html": ""}
    )

    done = static.compile()

    site = parse((static.app / FILE).read_bytes())
    assert (site.folder, site.rules.routes) == ("site", (Fallback("/**", "index.html"),))
    assert '"ssi: enabled" has no effect' in done.stdout


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"static.json": "{}"}, "there is no index.html at its root, nor in public, dist,"),
        ({"static.json": '{"root": "web"}'}, "there is no folder web."),
    ],
)
def test_a_site_without_files_is_refused(static: PackOfApp, files: dict[str, str], why: str) -> None:
    static.write(files)

    assert static.compile().returncode == 1
    assert why in str(static.report["detail"])


@pytest.mark.parametrize("asked", [{}, {"static.json": '{"root": "dist"}'}])
def test_no_link_is_taken_for_the_sites_folder(static: PackOfApp, asked: dict[str, str]) -> None:
    static.write({"real/index.html": "", **asked})
    (static.app / "dist").symlink_to("real")

    assert static.compile().returncode == 1
    assert not (static.app / FILE).exists()


def test_a_file_that_pretends_to_be_ours_is_replaced_and_not_followed(static: PackOfApp) -> None:
    static.write({"index.html": ""})
    outside = static.folder / "outside"
    outside.write_text("mine")
    (static.app / FILE).symlink_to(outside)

    assert static.compile().returncode == 0
    assert outside.read_text() == "mine"
    assert parse((static.app / FILE).read_bytes()).folder == "."


def test_a_folder_by_our_files_name_is_refused(static: PackOfApp) -> None:
    static.write({"index.html": "", f"{FILE}/x": ""})

    done = static.compile()

    assert (done.returncode, done.stderr) == (1, "")
    assert str(static.report["detail"]).startswith(f"{FILE} is a folder")


def test_links_are_warned_of(static: PackOfApp) -> None:
    static.write({"index.html": ""})
    (static.app / "a").symlink_to("index.html")

    assert "warning: 1 of its entries are links" in static.compile().stdout


def test_what_node_builds_is_the_site_and_its_packages_go(static: PackOfApp) -> None:
    need_node()
    static.write({"package.json": BUILDS, "index.html": "source", "public/a.txt": ""})
    (static.app / "node_modules").mkdir()

    done = static.compile()

    assert done.returncode == 0, done.stdout
    assert static.report["site"] == "dist"
    assert (static.app / "dist/index.html").read_text() == "built\n"
    assert not (static.app / "node_modules").exists()


def test_what_node_builds_without_a_page_is_left_to_node(static: PackOfApp) -> None:
    need_node()
    static.write({"package.json": '{"scripts": {"build": "true"}}'})

    assert static.compile().returncode == 0
    assert static.report["site"] == ""
    assert static.run("release").stdout == ""
    assert "dist/index.html" in str(static.report["advice"])


def test_a_build_by_node_that_fails_is_told_as_node_tells_it(static: PackOfApp) -> None:
    need_node()
    static.write({"package.json": '{"scripts": {"build": "exit 3"}}', "index.html": ""})

    assert static.compile().returncode != 0
    assert static.report["doing"] == "Running build"
