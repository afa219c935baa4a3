"""Sites by the door on real folders and uids: fenced as root, unfenced as an ordinary user."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stratum.door import proc, sites
from stratum.errors import DoorUnavailable
from stratum.site import FILE, PLAIN, Site, parse, render
from tests.doors import APP, House, as_uid, in_background, stop_one
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DIGEST = "d" * 64
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")


@pytest.fixture(
    params=[pytest.param(True, id="fenced", marks=needs_root), pytest.param(False, id="unfenced")]
)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    made = House(fenced=request.param)
    if made.fence.fenced:
        made.start()
    made.call(lambda: made.door.prepare(APP))
    yield made
    made.end()


def slug(house: House, fill: Callable[[Path], None], folder: str = "dist", digest: str = DIGEST) -> Path:
    """A slug as a build leaves it: closed, and the build's."""
    path = house.layout.slug(APP, digest)
    uid = house.fence.build_uid(APP)
    path.mkdir()
    os.chown(path, uid, uid)

    def work() -> None:
        os.umask(0o022)
        os.chdir(handle)
        Path(FILE).write_bytes(render(Site(folder, PLAIN)))
        fill(Path())

    handle = os.open(path, os.O_RDONLY)
    as_uid(uid, work)
    os.close(handle)
    return path


def published(house: House, version: int = 1, digest: str = DIGEST) -> dict[str, str]:
    """Have a site made; return its files with their contents, as the router reads them."""
    _, why = house.call(lambda: house.door.publish_site(APP, version, digest))
    assert not why
    site = house.layout.site(APP, version)

    def read() -> dict[str, str]:
        files = [path for path in site.rglob("*") if not path.is_dir()]
        return {str(path.relative_to(site)): path.read_text() for path in files}

    return as_uid(house.fence.router_uid, read)


def write(**files: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for name, content in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return fill


def test_the_router_may_read_a_site_and_nobody_else(house: House):
    slug(house, write(dist__index_html="home", dist__css__a_css="a", package_json="{}"))

    assert published(house) == {"index.html": "home", "css/a.css": "a"}
    site = house.layout.site(APP, 1)
    if house.fence.fenced:
        assert [stat.S_IMODE(one.lstat().st_mode) for one in (site.parent, site)] == [0o750, 0o750]
        for uid in (house.fence.build_uid(APP), house.fence.app_uid(APP), house.fence.service_uid):
            assert as_uid(uid, lambda: os.access(site.parent, os.X_OK)) is False


def test_what_the_slug_says_of_the_site_is_handed_back(house: House):
    slug(house, write(dist__index_html="home"))

    said, why = house.call(lambda: house.door.publish_site(APP, 1, DIGEST))

    assert (parse(said.encode()), why) == (Site("dist", PLAIN), "")
    assert house.call(lambda: house.door.publish_site(APP, 1, DIGEST)) == (said, "")


def test_hidden_files_are_left_out_but_for_the_well_known_ones(house: House):
    def fill(folder: Path) -> None:
        for name in (".git/config", ".env", "sub/.htpasswd", ".well-known/security.txt", "index.html"):
            path = folder / "dist" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    slug(house, fill)
    assert published(house).keys() == {".well-known/security.txt", "index.html"}


def test_links_lead_to_files_of_the_site_only(house: House):
    outside = house.folder / "outside"
    outside.write_text("secret")
    outside.chmod(0o644)

    def fill(folder: Path) -> None:
        dist = folder / "dist"
        (dist / "sub").mkdir(parents=True)
        (dist / "index.html").write_text("home")
        (dist / ".env").write_text("secret")
        (folder / "app.py").write_text("secret")
        (dist / "sub/up").symlink_to("../index.html")
        elsewhere = (
            "../app.py",
            "/etc/passwd",
            "sub",
            "sub/up",
            ".env",
            "../dist/index.html",
            "none",
            "link7",
        )
        for number, target in enumerate((str(outside), *elsewhere)):
            (dist / f"link{number}").symlink_to(target)
        os.mkfifo(dist / "pipe")
        (dist / "out").symlink_to("..")

    slug(house, fill)
    assert published(house) == {"index.html": "home", "sub/up": "home"}


def test_a_site_takes_no_more_of_the_disk_than_the_slug(house: House):
    def fill(folder: Path) -> None:
        dist = folder / "dist"
        (dist / "sub").mkdir(parents=True)
        (dist / "a.bin").write_bytes(b"x" * 500_000)
        for number in range(40):
            (dist / f"sub/{number}.bin").symlink_to("../a.bin")
        os.link(dist / "a.bin", dist / "same.bin")
        with (dist / "holes.bin").open("wb") as file:
            file.seek(20 << 20)
            file.write(b"end")
            file.truncate(100 << 20)

    slug(house, fill)
    files = published(house)
    site = house.layout.site(APP, 1)
    taken = as_uid(
        house.fence.router_uid, lambda: {(f := site / name).stat().st_ino: f.stat() for name in files}
    )

    assert len(files) == 43
    assert files["sub/7.bin"] == files["same.bin"] == "x" * 500_000
    assert files["holes.bin"].strip("\0") == "end"
    assert len(files["holes.bin"]) == 100 << 20
    assert sum(one.st_blocks * 512 for one in taken.values()) < 2 << 20


def test_what_the_copying_program_complains_of_is_no_part_of_what_the_slug_says(house: House, monkeypatch):
    slug(house, write(dist__index_html="home"))
    program = "import sys; sys.stderr.write('hm'); from stratum.door.sitecopy import main; sys.exit(main())"
    monkeypatch.setattr(sites, "_COPY", (*sites._COPY[:-3], "-c", program, sites._COPY[-1]))

    def publish() -> tuple[str, str]:
        return sites.Sites(house.layout, house.fence).publish(APP, 1, DIGEST)

    said, why = house.call(publish, as_root=house.fence.fenced)
    assert why == ""
    assert parse(said.encode()) == Site("dist", PLAIN)


def test_a_site_is_made_once_though_its_applier_was_killed_and_the_next_asks_again(house: House, monkeypatch):
    """The door goes on with the first copy, in the folder that a second one would begin with, too."""
    slug(house, write(dist__index_html="home"))
    copy, (source, sink) = sites.Sites._copy, os.pipe()

    def publish() -> tuple[str, str]:
        return sites.Sites(house.layout, house.fence).publish(APP, 1, DIGEST)

    def publish_next() -> None:
        os.read(source, 1)
        assert publish()[1] == ""

    with in_background(publish_next) as other:

        def copy_late(self: sites.Sites, *args: Path) -> tuple[int, str]:
            os.write(sink, b"\n")
            with suppress(AssertionError):  # what must not happen takes no longer
                wait_until(house.layout.site(APP, 1).exists, 1)
            return copy(self, *args)

        monkeypatch.setattr(sites.Sites, "_copy", copy_late)
        assert house.call(publish, as_root=house.fence.fenced)[1] == ""
        assert os.waitpid(other, 0)[1] == 0

    assert published(house) == {"index.html": "home"}
    os.close(source)
    os.close(sink)


def test_a_site_folder_that_is_a_link_is_refused(house: House):
    def fill(folder: Path) -> None:
        (folder / "dist").symlink_to("/etc")

    slug(house, fill)
    _, why = house.call(lambda: house.door.publish_site(APP, 1, DIGEST))
    assert "cannot be copied" in why
    assert not house.layout.site(APP, 1).exists()


def test_of_a_site_that_is_all_of_its_repository_only_what_is_for_the_router_is_left_out(house: House):
    names = (
        "index.html",
        "Procfile",
        "Procfile_staging",
        "static.json",
        "Staticfile",
        "node_modules/a.js",
        "a/Procfile",
    )

    def fill(folder: Path) -> None:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")

    slug(house, fill, folder=".")
    assert published(house).keys() == {"index.html", "a/Procfile"}


def test_files_of_one_moment_and_size_are_told_apart_by_what_they_hold(house: House):
    def at(content: str) -> Callable[[Path], None]:
        def fill(folder: Path) -> None:
            write(dist__index_html=content)(folder)
            os.utime(folder / "dist/index.html", (1_700_000_000, 1_700_000_000))

        return fill

    moments = []
    for version, content in enumerate(("aaaa", "bbbb", "aaaa"), start=1):
        digest = str(version) * 64
        slug(house, at(content), digest=digest)
        published(house, version, digest)
        page = house.layout.site(APP, version) / "index.html"
        moments.append(as_uid(house.fence.router_uid, page.stat).st_mtime_ns)

    assert moments[0] == moments[2] != moments[1]
    assert {moment // 1_000_000_000 for moment in moments} == {1_700_000_000}


def test_only_the_sites_that_are_named_are_kept(house: House):
    slug(house, write(dist__index_html="home"))
    for version in (1, 2, 3):
        published(house, version)

    house.call(lambda: house.door.keep_sites(APP, [3]))
    parent = house.layout.site(APP, 1).parent

    def left() -> list[str]:
        found = house.call(lambda: sorted(parent.iterdir()), as_root=house.fence.fenced)
        return [path.name for path in found]

    gone, other, *kept = left()
    assert (gone[:9], other[:9], kept) == (".gone-v1-", ".gone-v2-", ["v3", "v3.rules"])
    house.call(lambda: house.door.keep_sites(APP, [3]))
    assert left() == [gone, other, *kept]
    house.call(lambda: house.door.erase_releases(APP))
    assert left() == kept

    house.call(lambda: house.door.destroy(APP))
    assert not parent.exists()


@needs_root
def test_a_build_of_the_same_app_does_not_end_the_making_of_a_site():
    house = House(fenced=True)
    house.start()
    house.unpack({"file": "of the next build"}, number=2)
    slug(house, write(**{f"dist__{name}_html": "" for name in range(2000)}))

    with in_background(lambda: published(house)) as publishing:
        copier = stop_one(house, house.fence.site_uid, "stratum.door.sitecopy")
        house.step("close", number=2)
        house.call(lambda: house.door.discard(APP, 2))
        proc.send(copier, signal.SIGCONT)
        assert os.waitpid(publishing, 0)[1] == 0

    assert len(published(house)) == 2000
    house.end()


def test_a_slug_that_is_gone_or_has_no_site_is_said(house: House):
    def why() -> str:
        return house.call(lambda: house.door.publish_site(APP, 1, DIGEST))[1]

    assert why() == "what was built for it is not there any more"

    def fill(folder: Path) -> None:
        (folder / FILE).write_text('{"root": "../../state"}')

    slug(house, fill)
    assert "cannot be copied" in why()


@pytest.mark.parametrize("args", [{"version": 0}, {"version": "1"}, {"digest": "../x"}, {"app_id": 0}])
def test_numbers_and_digests_are_all_that_the_door_takes(house: House, args: dict[str, object]):
    from stratum.door import requests

    asked = {"app_id": APP, "version": 1, "digest": DIGEST, **args}
    with pytest.raises(DoorUnavailable):
        requests.answer(house.layout, house.fence, "publish_site", asked)
