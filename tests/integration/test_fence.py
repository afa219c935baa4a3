"""What a hostile build gets to: nothing of ours, of other apps, or of the host, fenced or unfenced."""

import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stratum.door.fencing import fences, trial
from stratum.door.fencing.fences import Fences
from tests.doors import APP, House, as_uid

pytestmark = pytest.mark.integration

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="separate uids need root")
needs_namespaces = pytest.mark.skipif(
    bool(as_uid(os.getuid(), trial.find).missing), reason="the kernel grants no namespaces here"
)

BWRAP = shutil.which("bwrap") or ""
needs_bwrap = pytest.mark.skipif(not BWRAP, reason="bubblewrap is not installed")

# What a build tries with, in the shell of the step.
TRY = r"""
unset BASH_ENV
try() { "$@" >/dev/null 2>&1 && echo "$1 GOT THROUGH: $*"; }
tcp() { timeout 5 bash -c "exec 3<>/dev/tcp/$1/$2"; }
unix() { timeout 5 python3 -c "
import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1].replace('@', chr(0)))
" "$1"; }
"""


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["Host"].encode() + self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def registry() -> Iterator[int]:
    """The port of a web server on this machine's loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(
    params=[
        pytest.param("root", id="fenced", marks=needs_root),
        pytest.param("user", id="unfenced"),
        pytest.param("bwrap", id="unfenced by bubblewrap", marks=needs_bwrap),
    ]
)
def house(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, registry: int) -> Iterator[House]:
    """A door whose operator allows the registry of the tests, by its number and not by its name."""
    hosts = f"127.0.0.1:{registry},.test.invalid"
    monkeypatch.setenv("STRATUM_BUILD_HOSTS", hosts)
    made = House(fenced=request.param == "root", settings={"STRATUM_BUILD_HOSTS": hosts})
    if request.param == "bwrap":
        within = Fences(frozenset(fences.FLAGS), as_user=True, bwrap=BWRAP)
        fences.write(made.layout.fences, within)
    if made.fence.fenced:
        made.start()
    yield made
    made.end()


@contextmanager
def listening(address: str | bytes) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        yield


def hostile(house: House, script: str) -> str:
    """Run a script as a build would; return what got through and what it printed."""
    return house.script(TRY + script + "\nexit 0")


@needs_namespaces
def test_nothing_of_the_data_folder_is_there_but_the_builds_own(house: House):
    data = house.layout.data
    house.unpack({"secret": "1"}, number=2)
    (data / "admin.token").touch()
    (data / "admin.token").chmod(0o644)

    said = hostile(house, f"cd {data}; find . -type d | sort; find . -type f; touch x 2>/dev/null; ls x")

    found = set(said.split())
    own = str(house.scratch().relative_to(data))
    assert {f"./{own}", f"./cache/{APP}"} <= found
    assert not [path for path in found if path.startswith("./") and not is_near(path[2:], own)]


def is_near(path: str, own: str) -> bool:
    """Whether a path is on the way to the build's folders, or in them."""
    folders = (own, f"cache/{APP}")
    return any(f"{one}/".startswith(f"{path}/") or path.startswith(f"{one}/") for one in folders)


@needs_namespaces
def test_other_slugs_are_out_of_reach_whatever_their_mode(house: House):
    other = house.layout.slug(APP + 1, "ab" * 32)
    house.call(lambda: other.mkdir(parents=True, mode=0o777), as_root=house.fence.fenced)
    (other / "code").write_text("of another")
    for folder in (other.parent, other):
        folder.chmod(0o777)

    assert hostile(house, f"try cat {other}/code; try touch {other}/x") == ""


@needs_namespaces
def test_sockets_are_out_of_reach_whatever_their_mode(house: House):
    where = house.layout.redis_socket
    abstract = b"\0stratum-test-" + house.layout.instance_id.encode()
    with listening(str(where)), listening(abstract):
        for path in (where, *list(where.parents)[:3]):
            path.chmod(0o777)
        name = abstract.decode().replace("\0", "@")
        script = f"try unix {where}; try unix {name}; try unix /run/docker.sock"

        assert hostile(house, script) == ""


@needs_namespaces
def test_nothing_that_listens_on_this_machine_is_reached(house: House, registry: int):
    own = socket.gethostname()
    script = (
        f"try tcp 127.0.0.1 {registry}; try tcp ::1 {registry}; try tcp {own} {registry};"
        "try tcp 169.254.169.254 80; try tcp 1.1.1.1 443"
    )

    assert hostile(house, script) == ""


@needs_namespaces
def test_the_way_out_leads_to_what_is_allowed_and_says_what_is_not(house: House, registry: int):
    said = hostile(
        house,
        f"""
        curl -sS http://127.0.0.1:{registry}/simple/ --noproxy ''; echo
        curl -sSp http://127.0.0.1:{registry}/tunnel --noproxy ''; echo
        curl -sS https://example.org/ 2>/dev/null
        curl -sS http://169.254.169.254/latest/ -o /dev/null
        curl -sS http://localhost:{registry}/ --noproxy '' -o /dev/null
        curl -sS http://pypi.org:{registry}/ -o /dev/null
        curl -sS -o /dev/null -w '%{{http_code}}\\n' http://a.test.invalid/
        """,
    )

    *begun, unreachable, code = said.splitlines()
    assert begun == [
        f"127.0.0.1:{registry}/simple/",
        f"127.0.0.1:{registry}/tunnel",
        refused("example.org:443", "example.org"),
        refused("169.254.169.254:80", "169.254.169.254"),
        refused(f"localhost:{registry}", f"localhost:{registry}"),
        refused(f"pypi.org:{registry}", f"pypi.org:{registry}"),
    ]
    assert unreachable.startswith("No way out to a.test.invalid:80: it cannot be reached (")
    assert code == "502"


def refused(place: str, setting: str) -> str:
    return (
        f"No way out to {place}: builds reach package registries only. "
        f"An operator allows it with STRATUM_BUILD_HOSTS={setting}."
    )


@needs_namespaces
def test_the_host_can_be_read_only_where_the_system_is(house: House):
    script = (
        "try touch /usr/x; try touch /etc/x; try touch /x; try ls /root/.; try ls /srv; try ls /sys;"
        "ls -A /home /root /run | sed '/:$/d;/^$/d'; touch /tmp/here; ls /tmp | grep -v stratum-door"
    )

    ours = {part for path in (Path(sys.prefix), Path(__file__)) for part in path.parts}
    seen = [word for word in hostile(house, script).split() if word not in ours]
    assert seen == ["ls", "GOT", "THROUGH:", "ls", "/root/.", "here"]
    assert not Path("/tmp/here").exists()


@needs_namespaces
def test_no_other_process_can_be_seen_or_signalled(house: House):
    said = hostile(house, f"ls /proc | grep -c '^[0-9]'; try kill -0 {os.getpid()}; kill -9 1; echo on")

    count, last = said.split()
    assert int(count) < 8
    assert last == "on"


@needs_namespaces
def test_links_in_a_cache_lead_nobody_out_of_it(house: House):
    bait = house.folder / "bait"
    bait.mkdir(mode=0o777)
    bait.chmod(0o777)
    (bait / "kept").touch()
    hostile(
        house,
        f"cd $UV_CACHE_DIR; ln -s {bait} link; mkdir a; ln -s ../../../../bait a/up; ln -s . a/loop;"
        "chmod 0 a",
    )

    assert hostile(house, "cd $UV_CACHE_DIR; try cat link/kept; try touch link/x; try ls link/") == ""
    house.call(lambda: house.door.empty_cache(APP))
    assert list(house.layout.cache(APP).iterdir()) == []
    assert [file.name for file in bait.iterdir()] == ["kept"]


def test_what_was_found_at_a_start_is_kept(tmp_path: Path):
    found = trial.find()
    fences.write(tmp_path / "fences.json", found)

    assert fences.read(tmp_path / "fences.json") == found
    assert fences.read(tmp_path / "none") is None


def test_where_nothing_stands_steps_run_as_before(house: House, registry: int):
    fences.write(house.layout.fences, fences.NONE)
    if house.fence.fenced:
        house.stop()
        house.start()

    abstract = b"\0stratum-test-" + house.layout.instance_id.encode()
    with listening(abstract):
        name = abstract.decode().replace("\0", "@")
        said = hostile(house, f"try tcp 127.0.0.1 {registry}; try unix {name}; env | grep -i proxy")

    assert said.splitlines() == [
        f"tcp GOT THROUGH: tcp 127.0.0.1 {registry}",
        f"unix GOT THROUGH: unix {name}",
    ]
