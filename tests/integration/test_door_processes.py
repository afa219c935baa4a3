"""The door's questions about processes, and how it ends them, on real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from stratum.door import netlink, proc, sockets
from tests.doors import APP, CONTAINED, FENCED, NOBODY, UNFENCED, House, housed
from tests.served import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

WEB = "Env.app.v1.web.1"
WORKER = "Env.app.v1.worker.1"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LISTEN = """
import socket, sys
family, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((host, port)); server.listen()
print("ready", flush=True)
kept = [server.accept() for _ in range(100)]
"""
# As setproctitle does: what the process was started with is gone from /proc.
COVER = """
import ctypes, os, time
start, end = (int(field) for field in open("/proc/self/stat").read().rpartition(")")[2].split()[47:49])
ctypes.memset(start, 0, end - start)
print("covered", flush=True)
time.sleep(1000)
"""


class Apps:
    """Processes of apps, started as the launcher does: own session, own uid, marked."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, argv: Sequence[str], name: str = WEB, app_id: int = APP, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        layout, uid = self.house.layout, self.house.fence.app_uid(app_id)
        marked = {"STRATUM_PROCESS": f"{layout.instance_id}/{name}", "HOME": str(layout.release(app_id, 1))}
        owner = {"user": uid, "group": uid, "extra_groups": []} if os.getuid() == 0 else {}
        process = subprocess.Popen(  # type: ignore[call-overload]
            argv,
            env={**marked, "PATH": os.environ["PATH"], **(env or {})},
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
            **owner,
        )
        self.started.append(process)
        return process  # type: ignore[no-any-return]

    def shell(self, text: str, count: int = 1, **how: object) -> tuple[subprocess.Popen[str], list[int]]:
        """Run a script that prints `count` pids, one a line."""
        process = self.start(["bash", "-c", text], **how)  # type: ignore[arg-type]
        assert process.stdout is not None
        return process, [int(process.stdout.readline()) for _ in range(count)]

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


fenced_only = pytest.mark.parametrize("house", [FENCED, CONTAINED], indirect=True)


@pytest.fixture(params=[FENCED, CONTAINED, UNFENCED])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with housed(request.param) as made:
        yield made


@pytest.fixture
def apps(house: House) -> Iterator[Apps]:
    made = Apps(house)
    yield made
    made.end()


def supervised_by_us(house: House) -> None:
    """Make the door take this test for supervisord."""
    house.layout.supervisord_pid.write_text(f"{os.getpid()}\n")


def alive(pids: Sequence[int]) -> list[int]:
    return [pid for pid in pids if proc.read(pid)]


def ends_by_kill(process: subprocess.Popen[str]) -> bool:
    return process.wait(30) == -signal.SIGKILL


# -- sockets


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")])
def test_a_process_listens_when_it_or_its_tree_does(house: House, apps: Apps, family: int, host: str):
    port = free_port()
    script = f"{sys.executable} -c '{LISTEN}' {int(family)} {host} {port}; true"
    web = apps.start(["bash", "-c", script])
    other = apps.start(["sleep", "1000"])
    assert web.stdout is not None and web.stdout.readline() == "ready\n"

    assert house.call(lambda: house.door.listeners(web.pid, port)) is True
    assert house.call(lambda: house.door.listeners(other.pid, port)) is False
    assert house.call(lambda: house.door.listeners(web.pid, free_port())) is False


def test_a_daemon_of_the_same_session_listens_for_its_process(house: House, apps: Apps):
    port = free_port()
    daemon = f"({sys.executable} -c '{LISTEN}' {int(socket.AF_INET)} 0.0.0.0 {port} &) ; exec sleep 1000"
    web = apps.start(["bash", "-c", daemon])
    assert web.stdout is not None and web.stdout.readline() == "ready\n"

    assert house.call(lambda: house.door.listeners(web.pid, port)) is True


def test_a_process_that_is_gone_listens_nowhere(house: House, apps: Apps):
    gone = apps.start(["true"])
    gone.wait()

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert house.call(lambda: house.door.listeners(gone.pid, port)) is False


def test_connections_are_counted_at_their_server(house: House):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert house.door.established(port) == 0
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]

        assert house.door.established(port) == 3

        for client in clients:
            client.close()


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_kernel_and_its_tables_tell_the_same_sockets(family: socket.AddressFamily, host: str):
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection(server.getsockname()[:2]):
            assert [str(one) for one in netlink.inodes(port, 1)] == sockets.from_table(port, 1)
            assert sockets.established(port) == 1


# -- strays


def test_strays_are_ended_and_live_processes_are_not(house: House, apps: Apps):
    house.call(lambda: house.door.prepare(APP))
    live, live_children = apps.shell("sleep 1000 & echo $!; wait", name=WEB)
    stray, stray_children = apps.shell("sleep 1000 & echo $!; wait", name=WORKER)
    other_app = apps.start(["sleep", "1000"], name="Env.other.v1.web.1", app_id=APP + 1)

    ended = house.call(lambda: house.door.end_strays(APP, [WEB]))

    assert {pid for pid, _, _ in ended} == {stray.pid, *stray_children}
    assert {name for _, _, name in ended} == {WORKER}
    assert ends_by_kill(stray)
    assert alive([live.pid, *live_children, other_app.pid]) == [live.pid, *live_children, other_app.pid]
    assert house.call(lambda: house.door.end_strays(APP, [WEB])) == []


def test_what_an_earlier_life_of_a_process_has_left_is_a_stray(house: House, apps: Apps):
    former, left = apps.shell("setsid sleep 1000 & echo $!; exit 0")
    former.wait()
    (orphan,) = filter(None, map(proc.read, left))
    wait_until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS_PER_S > orphan.start + 1)
    present, own = apps.shell("setsid sleep 1000 & echo $!; wait")

    ended = house.call(lambda: house.door.end_strays(APP, [WEB], {WEB: present.pid}))

    assert ended == [(orphan.pid, orphan.start, WEB)]
    assert alive([present.pid, *own]) == [present.pid, *own]


def test_one_look_tells_which_apps_have_strays(house: House, apps: Apps):
    other = "Env.b.v2.web.1"
    fine, present = apps.start(["sleep", "1000"]), apps.start(["sleep", "1000"], other, APP + 1)
    left = apps.start(["sleep", "1000"], "Env.b.v1.web.1", APP + 1)
    live = {APP: {WEB: fine.pid}, APP + 1: {other: present.pid}, APP + 2: {}}

    assert house.call(lambda: house.door.apps_with_strays(live)) == [APP + 1]

    left.kill()
    left.wait()
    assert house.call(lambda: house.door.apps_with_strays(live)) == []


def test_an_app_without_live_processes_has_all_its_strays_ended(house: House, apps: Apps):
    stray = apps.start(["sleep", "1000"])

    assert [pid for pid, _, _ in house.call(lambda: house.door.end_strays(APP, []))] == [stray.pid]
    assert ends_by_kill(stray)


def test_orphans_of_a_stopped_process_are_strays(house: House, apps: Apps):
    parent, orphans = apps.shell("setsid sleep 1000 & echo $!; sleep 1000 & echo $!", 2)
    parent.wait()

    house.call(lambda: house.door.end_strays(APP, [WORKER]))

    assert alive(orphans) == []


@fenced_only
def test_a_uid_is_never_shed(house: House, apps: Apps):
    parent, orphans = apps.shell("env -i /usr/bin/setsid /bin/sh -c 'echo $$; exec sleep 1000' & wait")
    parent.kill()
    parent.wait()

    house.call(lambda: house.door.end_strays(APP, [WORKER]))

    assert alive(orphans) == []


def test_a_process_of_supervisord_that_covers_its_mark_lives_on(house: House, apps: Apps):
    supervised_by_us(house)
    covered = apps.start([sys.executable, "-c", COVER])
    assert covered.stdout is not None and covered.stdout.readline() == "covered\n"

    assert house.call(lambda: house.door.end_strays(APP, [WEB, WORKER])) == []
    assert house.call(lambda: house.door.end_strays(APP, [WORKER])) == []
    assert alive([covered.pid])


@fenced_only
def test_a_process_that_forks_without_end_is_ended_whole(house: House, apps: Apps):
    """Each of its processes starts the next and ends; a search that is not quick enough finds none."""
    apps.shell("f() { (setsid bash -c 'sleep 0.001' & f &) ; }; f; echo $$; wait")

    house.call(lambda: house.door.end_strays(APP, []))

    assert not proc.snapshot(lambda uid: uid == house.fence.app_uid(APP))


def test_all_strays_are_those_of_every_app_and_build_but_of_no_other_instance(house: House, apps: Apps):
    first, second = apps.start(["sleep", "1000"]), apps.start(["sleep", "1000"], "Env.b.v2.web.1", APP + 1)
    other = House(fenced=house.fence.fenced)
    others = Apps(other)
    foreign = others.start(["sleep", "1000"])

    ended = house.call(house.door.end_all_strays)

    assert {pid for pid, _, _ in ended} == {first.pid, second.pid}
    assert alive([foreign.pid])
    others.end()
    other.end()


# -- trees


def test_a_tree_is_ended_by_the_name_of_its_process(house: House, apps: Apps):
    stopped, orphans = apps.shell("setsid sleep 1000 & echo $!; exit 0")
    stopped.wait()
    other = apps.start(["sleep", "1000"], name=WORKER)

    ended = house.call(lambda: house.door.end_tree(WEB))

    assert [pid for pid, _, _ in ended] == orphans
    assert alive([*orphans, other.pid]) == [other.pid]


def test_what_was_seen_in_a_tree_is_ended_even_without_a_mark(house: House, apps: Apps):
    process, children = apps.shell("env -i /usr/bin/setsid /bin/sh -c 'echo $$; exec sleep 1000' & wait")
    seen = house.call(lambda: house.door.tree(process.pid))
    process.kill()
    process.wait()

    house.call(lambda: house.door.end_tree(WEB, seen))

    assert {pid for pid, _ in seen} == {process.pid, *children}
    assert alive(children) == []


def test_a_pid_that_was_used_again_is_left_alone(house: House, apps: Apps):
    bystander = apps.start(["sleep", "1000"], name=WORKER)
    found = proc.read(bystander.pid)
    assert found

    assert house.call(lambda: house.door.end_tree(WEB, [(found.pid, found.start - 1)])) == []
    assert alive([bystander.pid])


@fenced_only
def test_what_no_app_or_build_runs_is_out_of_reach(house: House):
    """Root's and other people's processes: not in a tree, not to be ended, marked or not."""
    mark = {"STRATUM_PROCESS": f"{house.layout.instance_id}/{WEB}"}
    with subprocess.Popen(["sleep", "1000"], env=mark) as roots:
        with subprocess.Popen(["sleep", "1000"], env=mark, user=NOBODY) as nobodys:
            keys = [proc.read(pid) for pid in (roots.pid, nobodys.pid)]
            seen = [found.key for found in keys if found]

            assert house.call(lambda: house.door.tree(roots.pid)) == []
            assert house.call(lambda: house.door.end_tree(WEB, seen)) == []
            assert house.call(house.door.end_all_strays) == []
            assert len(seen) == len(alive([roots.pid, nobodys.pid])) == 2
            nobodys.kill()
        roots.kill()
