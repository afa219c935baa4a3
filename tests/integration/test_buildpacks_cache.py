"""What builds keep for the next ones: an unchanged lock is not installed again."""

import os
import shutil
from pathlib import Path

import pytest

from stratum.model import BuildOptions, BuildState
from stratum.verbs import build as verbs
from tests.integration.test_builder_killed import builder
from tests.waiting import wait_until
from tests.yard import ROOT, Yard

pytestmark = pytest.mark.integration

APP = {"Procfile": "web: x\n", "requirements.txt": "six==1.17.0\n"}
NOTHING_TO_INSTALL = "Nothing to install: requirements.txt and the tools are unchanged\n"


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not ROOT, reason="needs root"))])
def yard(request):
    made = Yard.make(fenced=request.param, build_timeout_s=60)
    yield made
    made.remove()


@pytest.fixture
def plain_yard():
    made = Yard.make(build_timeout_s=60)
    yield made
    made.remove()


def build(yard: Yard, app, files, options=None):
    if files is not None:
        yard.push(app, files, options or BuildOptions())
    built = yard.build(app)
    assert built.state is BuildState.SUCCEEDED, yard.log(built)
    return yard.log(built)


def test_an_unchanged_lock_is_not_installed_again(yard: Yard):
    app = yard.app(APP)
    first = build(yard, app, None)
    again = build(yard, app, {"app.py": "changed"})
    other = build(yard, app, {"requirements.txt": "six==1.16.0\n"})
    back = build(yard, app, {"requirements.txt": "six==1.17.0\n"})

    assert "+ six==1.17.0" in first
    assert "+ six==1.16.0" in other
    for log in (again, back):
        assert NOTHING_TO_INSTALL in log
        assert "+ six" not in log
    newest, _, kept, oldest = yard.releases(app)
    assert newest.contents == kept.contents == oldest.contents
    slug = yard.layout.slug(app.id, newest.slug)
    assert (slug / ".venv/bin/python").exists()


def test_a_slug_shares_no_file_with_the_cache(yard: Yard):
    app = yard.app(APP)
    build(yard, app, None)
    build(yard, app, {"app.py": "changed"})

    slugs = [yard.layout.slug(app.id, release.slug) for release in yard.releases(app)]
    places = (*slugs, yard.layout.cache(app.id))
    inodes = [
        {
            Path(folder, name).lstat().st_ino
            for folder, _, names in os.walk(place)
            for name in names
            if not Path(folder, name).is_symlink()
        }
        for place in places
    ]
    assert all(inodes)
    assert len(set().union(*inodes)) == sum(map(len, inodes))


def test_without_the_cache_all_is_installed_and_what_was_kept_stays(yard: Yard):
    app = yard.app(APP)
    build(yard, app, None)

    without = build(yard, app, {}, BuildOptions(no_cache=True))
    usual = build(yard, app, {"app.py": "x"})

    assert "+ six==1.17.0" in without
    assert NOTHING_TO_INSTALL in usual


def test_after_a_purge_all_is_installed(yard: Yard):
    app = yard.app(APP)
    build(yard, app, None)
    yard.shop.door.empty_cache(app.id)

    assert list(yard.layout.cache(app.id).iterdir()) == []
    assert "+ six==1.17.0" in build(yard, app, {})


def test_a_cache_that_may_hold_nothing_holds_nothing(plain_yard: Yard):
    app = plain_yard.app(APP)
    small = plain_yard.reopened(build_cache_bytes=1)

    assert "+ six" in build(small, app, None)
    assert "+ six" in build(small, app, {"app.py": "x"})
    assert not list(plain_yard.layout.cache(app.id).rglob("six*"))


FILLS = (
    "import os, sys\nfor n in range(3):\n"
    "    open(os.environ['UV_CACHE_DIR'] + f'/big{n}', 'wb').write(bytes(60 << 20))\n"
)


def test_a_build_that_fills_the_cache_above_the_disks_limit_ends_no_later_one(yard: Yard, monkeypatch):
    monkeypatch.setenv("STRATUM_BUILD_DISK_BYTES", str(150 << 20))
    app = yard.app(
        {**APP, "requirements.txt": "./own\n", "own/setup.py": FILLS + "os.execlp('sleep', 'sleep', '9')"}
    )

    failed = yard.build(app)

    assert failed.state is BuildState.FAILED
    assert "150 MiB of disk" in failed.error, yard.log(failed)
    assert "What builds had kept for the next ones is removed." in yard.log(failed)
    assert "+ six" in build(yard, app, APP)


def test_a_build_that_fails_leaves_the_cache_below_its_bound(plain_yard: Yard):
    small = plain_yard.reopened(build_cache_bytes=1)
    app = plain_yard.app({**APP, "requirements.txt": "./own\n", "own/setup.py": FILLS + "sys.exit(1)\n"})

    assert small.build(app).state is BuildState.FAILED

    assert not list(plain_yard.layout.cache(app.id).rglob("big*"))


def test_the_build_after_one_that_was_ended_while_it_filled_the_cache_bounds_it(plain_yard: Yard):
    app = plain_yard.app(APP)
    build(plain_yard, app, None)
    slow = FILLS + "import subprocess; subprocess.run(['sleep', '60'])\n"
    plain_yard.push(app, {"requirements.txt": "./own\n", "own/setup.py": slow})
    cache = plain_yard.layout.cache(app.id)
    working = builder(plain_yard, app.id)
    # Not by a glob, to which it is an error that folders go meanwhile.
    wait_until(lambda: any("big2" in names for _, _, names in os.walk(cache)), timeout=60)
    with plain_yard.shop.db.write() as tx:
        verbs.cancel(tx, app, 2, who="me")
    working.wait(30)
    assert [*cache.rglob("big*")]

    small = plain_yard.reopened(build_cache_bytes=100 << 20)
    assert NOTHING_TO_INSTALL in build(small, app, APP)
    assert not [*cache.rglob("big*")]


def test_after_a_crash_of_the_server_what_its_disk_may_not_have_is_not_used(plain_yard: Yard):
    """As file systems leave it: the names are there, and their files are empty."""
    app = plain_yard.app(APP)
    mark = plain_yard.layout.cache(app.id) / ".unsynced"
    build(plain_yard, app, None)
    assert mark.read_text() == "", "the sync that closes a slug is the cache's, too"
    (module,) = plain_yard.layout.cache(app.id).glob("python/kept/*/tree/lib/*/site-packages/six.py")
    module.write_text("")
    mark.write_text("another boot\n")

    without = build(plain_yard, app, {"app.py": "x"}, BuildOptions(no_cache=True))
    assert "the server went down" not in without
    log = build(plain_yard, app, {"app.py": "y"})

    assert "What was kept of earlier builds is removed: the server went down" in log
    assert "+ six==1.17.0" in log
    slug = plain_yard.layout.slug(app.id, plain_yard.releases(app)[0].slug)
    (installed,) = slug.glob(".venv/lib/*/site-packages/six.py")
    assert installed.stat().st_size
    assert NOTHING_TO_INSTALL in build(plain_yard, app, {"app.py": "z"})


def test_a_build_that_fails_leaves_what_it_keeps_to_be_told_from_what_is_on_the_disk(plain_yard: Yard):
    app = plain_yard.app({"requirements.txt": "six==1.17.0\n"})  # and nothing to start
    failed = plain_yard.build(app)
    assert failed.state is BuildState.FAILED
    assert "+ six" in plain_yard.log(failed)

    since = (plain_yard.layout.cache(app.id) / ".unsynced").read_text()

    assert since == Path("/proc/sys/kernel/random/boot_id").read_text()
    assert NOTHING_TO_INSTALL in build(plain_yard, app, APP)


def test_what_the_cache_has_only_in_part_is_installed(plain_yard: Yard):
    app = plain_yard.app(APP)
    build(plain_yard, app, None)
    (kept,) = (plain_yard.layout.cache(app.id) / "python" / "kept").iterdir()
    shutil.rmtree(kept / "tree")

    log = build(plain_yard, app, {"app.py": "x"})

    assert "+ six==1.17.0" in log
    assert NOTHING_TO_INSTALL in build(plain_yard, app, {"app.py": "y"})


def test_what_is_installed_from_the_apps_own_files_is_installed_each_time(plain_yard: Yard):
    setup = "from setuptools import setup\nsetup(name='own', version='1')\n"
    app = plain_yard.app({**APP, "requirements.txt": "six==1.17.0\n./own\n", "own/setup.py": setup})
    build(plain_yard, app, None)

    assert "+ own==1" in build(plain_yard, app, {"app.py": "x"})
