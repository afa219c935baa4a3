"""Buildpacks of the classic API on real git, folders and door: from URLs, in order, pinned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stratum.model import BuildState, Target, UsedBuildpack
from stratum.store import buildpacks
from tests.remotes import Remote
from tests.repos import git
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

DETECT = '#!/bin/sh\n[ -f "$1/page.txt" ] && echo Foreign\n'
COMPILE = """#!/usr/bin/env bash
set -eu
echo "-----> Compiling version 1"
env | sort > "$1/compile-env"
ls "$3" > "$1/env-dir"
cat "$3/COLOUR" > "$1/colour" 2>/dev/null || true
count=$(( $(cat "$2/count" 2>/dev/null || echo 0) + 1 ))
echo "$count" | tee "$2/count"
mkdir -p "$1/.profile.d"
echo 'export FOREIGN=yes' > "$1/.profile.d/foreign.sh"
echo 'export FROM_FIRST="one two"; export PATH="$PATH:/of/first"' > "$(dirname "$0")/../export"
"""
RELEASE = """#!/bin/sh
cat <<END
---
addons: []
config_vars: {}
default_process_types:
  web: sh -c 'exec python3 -m http.server --bind 127.0.0.1 "\\$PORT"'
  worker: "while :; do sleep 1; done # no comment"
END
"""
PROGRAMS = {"bin/detect": DETECT, "bin/compile": COMPILE, "bin/release": RELEASE}
APP = {"page.txt": "hello\n", "requirements.txt": "six==1.17.0\n"}
PROCFILE = {"Procfile": "web: run me\n"}


@pytest.fixture
def remote(tmp_path, monkeypatch) -> Iterator[Remote]:
    made = Remote(tmp_path)
    made.start()
    monkeypatch.setenv("STRATUM_BUILD_HOSTS", made.url.removeprefix("http://"))
    yield made
    made.end()


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param, build_timeout_s=60)
    yield made
    made.remove()


def slug(yard: Yard, app) -> Path:
    return yard.layout.slug(app.id, yard.releases(app)[0].slug)


def test_a_foreign_buildpack_by_url_builds_and_says_what_is_started(yard: Yard, remote: Remote):
    url = remote.pack("foreign", PROGRAMS)
    app = yard.app(APP)
    yard.set_variables(app, BUILDPACK_URL=url, COLOUR="green", PATH="/stolen", GIT_DIR="/x", LD_PRELOAD="/y")

    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED, yard.log(build)
    (release,) = yard.releases(app)
    made, tip = slug(yard, app), remote.tip("foreign")
    assert release.targets == (
        Target("web", """sh -c 'exec python3 -m http.server --bind 127.0.0.1 "$PORT"'"""),
        Target("worker", "while :; do sleep 1; done # no comment"),
    )
    assert release.contents.buildpacks == (UsedBuildpack("foreign", url, tip),)
    assert (made / ".profile.d/foreign.sh").read_text() == "export FOREIGN=yes\n"
    assert (made / "colour").read_text() == "green"
    assert (made / "env-dir").read_text().split() == ["BUILDPACK_URL", "COLOUR"]
    environ = dict(line.partition("=")[::2] for line in (made / "compile-env").read_text().splitlines())
    assert "COLOUR" not in environ
    assert not [name for name in environ if name.startswith("STRATUM_") and name != "STRATUM_BUILD"]
    assert environ["SOURCE_VERSION"] == build.commit
    assert environ["STACK"].startswith("heroku-")
    assert environ["HOME"] == f"{yard.layout.build(app.id, 1)}/home"
    log = yard.log(build)
    assert f"-----> Foreign app detected by {url} at {tip[:7]}\n" in log
    assert "       -----> Compiling version 1\n" in log


def test_a_pin_stays_while_the_remote_moves_and_goes_when_it_is_updated(yard: Yard, remote: Remote):
    url = remote.pack("foreign", PROGRAMS)
    first = remote.tip("foreign")
    app = yard.app({**APP, **PROCFILE, ".buildpacks": f"# ours\n{url}\n"})
    yard.build(app)
    remote.pack("foreign", {"bin/compile": COMPILE.replace("version 1", "version 2")})

    yard.push(app, {"page.txt": "changed\n"})
    kept = yard.build(app)
    with yard.shop.db.write() as tx:
        gone = buildpacks.unpin(tx, app.id)
    yard.push(app, {"page.txt": "again\n"})
    updated = yard.build(app)

    assert "Compiling version 1" in yard.log(kept)
    assert "Fetching" not in yard.log(kept)
    assert "       2\n" in yard.log(kept)  # its CACHE_DIR was kept
    assert [(pin.url, pin.ref, pin.commit) for pin in gone] == [(url, "", first)]
    assert "Compiling version 2" in yard.log(updated)
    newest, before, _ = yard.releases(app)
    assert before.contents.buildpacks[0].commit == first
    assert newest.contents.buildpacks[0].commit == remote.tip("foreign")
    assert newest.targets == (Target("web", "run me"),)


def test_a_ref_is_a_branch_a_tag_or_a_commit(yard: Yard, remote: Remote):
    remote.pack("foreign", PROGRAMS)
    work = remote.folder / "foreign-work"
    git(work, "tag", "v1")
    old = remote.tip("foreign")
    url = remote.pack("foreign", {"bin/compile": COMPILE.replace("version 1", "version 2")})
    app = yard.app({**APP, ".buildpacks": f"{url}#v1\n"})
    by_tag = yard.build(app)

    yard.push(app, {".buildpacks": f"{url}#{old}\n"})
    by_commit = yard.build(app)

    for build in (by_tag, by_commit):
        assert "Compiling version 1" in yard.log(build)
    assert {release.contents.buildpacks[0].commit for release in yard.releases(app)} == {old}


def test_several_run_in_order_and_each_has_what_those_before_export(yard: Yard, remote: Remote):
    first = remote.pack("first", PROGRAMS)
    show = '#!/bin/sh\necho "first said $FROM_FIRST"; echo "$PATH" | grep -o ":/of/first$"\n'
    second = remote.pack("second", {"bin/detect": "#!/bin/sh\necho Second\n", "bin/compile": show})
    app = yard.app({**APP, ".buildpacks": f"{first}\n{second}\nstratum/python\n", **PROCFILE})

    build = yard.build(app)

    log = yard.log(build)
    assert "       first said one two\n       :/of/first\n" in log
    assert log.index("Compiling version 1") < log.index("first said") < log.index("Python app detected")
    (release,) = yard.releases(app)
    assert [one.name for one in release.contents.buildpacks] == ["first", "second", "python"]
    assert release.contents.packages == {"six": "1.17.0"}


def test_hooks_run_around_the_buildpacks_with_the_apps_variables(yard: Yard):
    hook = "#!/bin/sh\necho $0 sees $COLOUR\nprintf '%s\\n' six==1.17.0 > requirements.txt\n"
    after = '#!/bin/sh\n.venv/bin/python -c "import six; print(six.__version__)"\n'
    app = yard.app({"Procfile": "web: x\n"})
    yard.set_variables(app, COLOUR="green")
    work = yard.folder / f"work-{app.id}"
    for path, text in ((".stratum/pre-build", hook), (".catalyze/post-build", after)):
        (work / path).parent.mkdir()
        (work / path).write_text(text)
        (work / path).chmod(0o755)
    yard.push(app, {})

    build = yard.build(app)

    log = yard.log(build)
    assert "-----> Running .stratum/pre-build\n" in log
    assert "pre-build sees green" in log
    assert log.endswith("-----> Running .catalyze/post-build\n       1.17.0\n")


@pytest.mark.parametrize(
    ("mode", "text", "expected"),
    [
        (0o644, "#!/bin/sh\n", "Running .stratum/pre-build failed: the file is not executable."),
        (0o755, "#!/bin/sh\necho no; exit 3\n", "Running .stratum/pre-build failed (exit code 3): no"),
        (0o755, "#!/no/such/program\n", "Running .stratum/pre-build failed: it could not be started"),
        (None, "", "Running .stratum/pre-build failed: it is a folder, or a link to no file that is there."),
    ],
)
def test_a_hook_that_fails_fails_the_build_and_the_old_release_stays(mode, text, expected):
    yard = Yard.make(build_timeout_s=60)
    try:
        app = yard.app({"Procfile": "web: x\n"})
        yard.build(app)
        path = yard.folder / f"work-{app.id}" / ".stratum" / "pre-build"
        path.parent.mkdir()
        if mode is None:
            path.symlink_to("nothing")
        else:
            path.write_text(text)
            path.chmod(mode)
        yard.push(app, {})

        build = yard.build(app)

        assert build.error.startswith(expected)
        assert build.state is BuildState.FAILED
        assert len(yard.releases(app)) == 1
        assert yard.scratch(app) == []
    finally:
        yard.remove()


@pytest.fixture
def plain_yard():
    made = Yard.make(build_timeout_s=60)
    yield made
    made.remove()


def test_a_buildpack_that_cannot_be_had_is_named_with_what_to_do(plain_yard: Yard, remote: Remote):
    app = plain_yard.app({**APP, ".buildpacks": f"{remote.url}/none.git\n"})
    build = plain_yard.build(app)

    assert build.state is BuildState.FAILED
    assert build.error.startswith(
        f"Fetching the buildpack {remote.url}/none.git failed: git could not get HEAD"
    )
    with plain_yard.shop.db.read() as tx:
        assert buildpacks.pins(tx, app.id) == []


def test_the_beginning_of_a_commits_id_is_told_to_be_too_short(plain_yard: Yard, remote: Remote):
    url = remote.pack("foreign", PROGRAMS)
    app = plain_yard.app({**APP, ".buildpacks": f"{url}#0123abc\n"})
    build = plain_yard.build(app)

    assert "write all 40 characters of its id" in plain_yard.log(build)


def test_what_bin_release_says_in_vain_is_told(plain_yard: Yard, remote: Remote):
    says = "#!/bin/sh\nprintf 'config_vars:\\n  A: b\\ndefault_process_types:\\n  web: x\\n'"
    url = remote.pack("foreign", {**PROGRAMS, "bin/release": says})
    app = plain_yard.app({"x": "", "page.txt": "x", ".buildpacks": f"{url}\n"})
    log = plain_yard.log(plain_yard.build(app))

    assert "warning: config_vars of bin/release has no effect. Set variables with `stratum vars set`" in log
    assert "Started by default:" in log


def test_one_that_does_not_fit_or_fails_is_named(plain_yard: Yard, remote: Remote):
    url = remote.pack("foreign", PROGRAMS)
    app = plain_yard.app({"x": "", ".buildpacks": f"{url}\n"})
    unfit = plain_yard.build(app)
    remote.pack("foreign", {"bin/compile": "#!/bin/sh\necho broken; exit 7\n"})
    plain_yard.push(app, {"page.txt": "x"})
    failed = plain_yard.build(app)

    assert unfit.error.startswith(f"The buildpack {url} failed: it does not fit this app.")
    assert failed.error.startswith(f"The buildpack {url} failed (exit code 7): broken")


def test_what_is_no_buildpack_is_refused_before_anything_runs(plain_yard: Yard):
    app = plain_yard.app({**APP, ".buildpacks": "python\nfile:///etc\n"})

    build = plain_yard.build(app)

    assert "'file:///etc' in .buildpacks:2 is no buildpack" in build.error


def test_a_list_of_buildpacks_that_is_no_file_is_refused_and_not_passed_over(plain_yard: Yard):
    app = plain_yard.app({**APP, **PROCFILE, ".buildpacks/python": ""})

    build = plain_yard.build(app)

    assert "Choosing the buildpacks failed: .buildpacks cannot be read: it is a folder." in build.error


def test_what_names_packages_or_a_python_is_refused_where_it_leads_to_nothing(plain_yard: Yard):
    app = plain_yard.app(PROCFILE)
    plain_yard.build(app)
    work = plain_yard.folder / f"work-{app.id}"
    (work / "requirements.txt").symlink_to("../shared/requirements.txt")
    plain_yard.push(app, {})
    packages = plain_yard.build(app)
    (work / "requirements.txt").unlink()
    (work / ".python-version").symlink_to("nothing")
    plain_yard.push(app, {"requirements.txt": ""})
    python = plain_yard.build(app)

    assert packages.error.startswith(
        "Choosing the buildpacks failed: requirements.txt cannot be read: "
        "it is a link to something outside of the commit."
    )
    assert ".python-version is a folder, or a link to no file that is there." in python.error


def test_a_commit_that_no_buildpack_can_start_fails_with_the_advice(plain_yard: Yard):
    app = plain_yard.app({"requirements.txt": "six==1.17.0\n"})

    build = plain_yard.build(app)

    assert "Procfile:1:1: there is none, and no buildpack knows what to start." in build.error
    assert build.error.endswith("Add a Procfile with a line such as: web: python app.py")


def test_a_buildpack_leaves_no_process_behind(yard: Yard, remote: Remote):
    loose = '#!/bin/sh\nsetsid sh -c "exec sleep 4242424" >/dev/null 2>&1 &\n'
    url = remote.pack("foreign", {**PROGRAMS, "bin/compile": loose})
    app = yard.app({**APP, ".buildpacks": f"{url}\n"})

    build = yard.build(app)

    assert build.state is BuildState.SUCCEEDED
    wait_until(lambda: not _runs("sleep", "4242424"))


def _runs(*argv: str) -> bool:
    wanted = "\0".join(argv).encode() + b"\0"
    return any(_command(process) == wanted for process in Path("/proc").glob("[0-9]*"))


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
