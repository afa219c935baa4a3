"""The plugin, the launcher and the client on a real supervisord, fenced and unfenced."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from runner.engines.supervisord.rpc import Wanted
from tests.supervision import Supervised, marked, name_of, supervised
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FENCED = pytest.param(True, id="fenced", marks=pytest.mark.skipif(os.getuid() != 0, reason="needs root"))
VERSIONS = count(1)
SET_BY_BASH = {b"PWD", b"SHLVL", b"_"}


@pytest.fixture(scope="module", params=[FENCED, pytest.param(False, id="unfenced")])
def server(request: pytest.FixtureRequest) -> Iterator[Supervised]:
    with supervised(request.param) as running:
        yield running


@pytest.fixture
def wanted(server: Supervised) -> Iterator[Wanted]:
    """A process of its own for each test, gone after it."""
    wished = Wanted("MyProdEnv", "app02", 7, next(VERSIONS), "worker", 1)
    yield wished
    server.rpc.stop([name_of(wished)])
    wait_until(lambda: all(status.has_ended for status in server.rpc.status([name_of(wished)])))
    assert server.rpc.remove([name_of(wished)]) == {}


def test_add_starts_a_process_at_once_and_stop_and_remove_end_it(server: Supervised, wanted: Wanted) -> None:
    pid = server.run(wanted, "exec sleep 1000")

    status = server.status(wanted)
    assert (status.pid, status.restarts, status.exit_status) == (pid, 0, None)
    assert status.state in {"STARTING", "RUNNING"}  # the second only after one of life
    wait_until(lambda: server.status(wanted).state == "RUNNING")
    wait_until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\0001000\0")
    stopped = server.stopped(wanted)
    assert (stopped.pid, stopped.exit_status) == (None, -signal.SIGTERM)
    assert server.rpc.remove([name_of(wanted)]) == {}
    assert server.rpc.status([name_of(wanted)]) == []


def test_adding_again_and_adding_others_keeps_pids(server: Supervised, wanted: Wanted) -> None:
    second = replace(wanted, index=2)
    first_pid = server.run(wanted, "exec sleep 1000")
    server.describe(second, "exec sleep 1000")

    both = server.rpc.add([wanted, second])

    assert both[0].pid == first_pid
    assert both[1].pid not in {None, first_pid}
    assert server.ctl("update") == ""
    assert [started.pid for started in server.rpc.add([wanted, second])] == [item.pid for item in both]
    server.stopped(second)
    assert server.rpc.remove([name_of(second)]) == {}
    assert server.status(wanted).pid == first_pid
    assert server.ctl("update") == ""


def test_adding_a_stopped_one_starts_it_again(server: Supervised, wanted: Wanted) -> None:
    first_pid = server.run(wanted, "exec sleep 1000")
    server.stopped(wanted)

    (started,) = server.rpc.add([wanted])

    assert started.pid not in {None, first_pid}
    assert server.status(wanted).restarts == 1


def test_one_bad_entry_stops_no_other(server: Supervised, wanted: Wanted) -> None:
    server.describe(wanted, "exec sleep 1000")
    bad = [
        replace(wanted, target="x\n[program:evil]\ncommand=id"),
        replace(wanted, environment="_web"),
        replace(wanted, version=0),
        replace(wanted, index=True),
    ]

    answers = server.rpc.add([*bad, wanted])

    assert [bool(answer.error) for answer in answers] == [True, True, True, True, False]
    assert server.status(wanted).pid == answers[-1].pid


def test_a_running_one_is_not_forgotten(server: Supervised, wanted: Wanted) -> None:
    server.run(wanted, "exec sleep 1000")

    assert "has not ended" in server.rpc.remove([name_of(wanted)])[name_of(wanted)]


def test_our_own_services_are_out_of_reach(server: Supervised) -> None:
    server.rpc.start_service("_web")
    server.rpc.start_service("_web")
    assert server.rpc.service_state("_web") == "RUNNING"

    server.rpc.stop(["_web"])

    assert server.rpc.status("_") == []
    assert server.rpc.remove(["_web"]) == {"_web": "is no process of an app"}
    assert "RUNNING" in server.ctl("status", "_web")
    server.rpc.stop_service("_web")
    server.rpc.stop_service("_web")
    assert server.rpc.service_state("_web") == "STOPPED"


@pytest.mark.parametrize(
    "command",
    [
        "echo one ; echo two",
        "echo a # b",
        "date +%Y | tr 0-9 d; echo 100% %(here)s %s",
        """echo "it's" 'say "hi"' \\$HOME""",
        "echo $(echo inner | tr a-z A-Z) `echo back`",
        "seq 9 | head -2 | tac",
        "yes | head -1",
        "FOO=1 env | grep ^FOO",
        "cd / && cd tmp && pwd",
        "echo ümläut → 日本; printf '%s\\n' [a-z] {1..3} ~",
        "echo to-stderr >&2; exit 3",
        "no-such-program-here",
        "ulimit -c; umask",
    ],
)
def test_a_command_runs_exactly_as_bash_would(server: Supervised, wanted: Wanted, command: str) -> None:
    plain = subprocess.run(
        ["/usr/bin/bash", "-c", f"ulimit -c 0\n{command}"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(server.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        umask=0o022,
    )

    server.run(wanted, command)

    assert server.ended(wanted).exit_status == plain.returncode
    expected = plain.stdout.replace(b"line 2:", b"line 1:")
    assert server.log(wanted).read_bytes()[: len(expected) or None] == expected


def variables_of(environ: bytes) -> dict[bytes, bytes]:
    """Read what a process has copied from /proc; the log ends its last line."""
    return dict(item.split(b"=", 1) for item in environ.removesuffix(b"\n").split(b"\0") if item)


def test_variables_arrive_byte_for_byte(server: Supervised, wanted: Wanted) -> None:
    variables = {
        "QUOTES": """it's "both" `kinds`""",
        "LINES": "one\ntwo\r\n\n[program:evil]\ncommand=id\n",
        "SIGNS": "50% %(here)s %%s; a # b $HOME \\ \t",
        "UNICODE": "ümläut → 日本 🚀",
        "BYTES": bytes(range(1, 256)).decode("utf-8", "surrogateescape"),
        "EMPTY": "",
        "LARGE": "x%;\n" * 16384,
        "LARGEST": "y" * (128 * 1024 - 1 - len("LARGEST=")),
    }

    server.run(wanted, "exec cat /proc/self/environ", variables)

    server.ended(wanted)
    arrived = variables_of(server.log(wanted).read_bytes())
    assert {name: arrived[name.encode()] for name in variables} == {
        name: value.encode("utf-8", "surrogateescape") for name, value in variables.items()
    }


def test_a_process_gets_its_variables_its_home_its_mark_and_nothing_of_ours(
    server: Supervised, wanted: Wanted
) -> None:
    server.run(wanted, "exec cat /proc/self/environ")

    server.ended(wanted)
    arrived = variables_of(server.log(wanted).read_bytes())
    assert {name: value for name, value in arrived.items() if name not in SET_BY_BASH} == {
        b"HOME": os.fsencode(server.folder),
        b"PATH": b"/usr/bin:/bin",
        b"STRATUM_PROCESS": f"testing/{name_of(wanted)}".encode(),
    }


def test_a_process_has_its_own_uid_session_and_limits_and_no_privileges(
    server: Supervised, wanted: Wanted
) -> None:
    pid = server.run(wanted, "exec sleep 1000")
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")

    facts = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    uid = str(server.app_uid(wanted.app_id))
    assert facts["Uid"].split() == facts["Gid"].split() == [uid] * 4
    assert facts["Groups"].strip() == ""
    assert facts["NoNewPrivs"] == "1"
    glibcs_own = 0b11 << 31  # 32 and 33: nobody can reset them (signal(7)), and a caller may ignore them
    assert (int(facts["SigIgn"], 16) | int(facts["SigBlk"], 16)) & ~glibcs_own == 0
    assert os.getsid(pid) == os.getpgid(pid) == pid
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert "Max open files            512 " in limits
    assert {link.name for link in Path(f"/proc/{pid}/fd").iterdir()} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("command", "size"),
    [
        ("sleep 1001 & sleep 1002", 2),
        ("sleep 1001 | sleep 1002 | sleep 1003", 3),
        ("(sleep 1001; sleep 1002) & wait", 2),
        ("trap '' TERM; sleep 1001 & sleep 1002", 2),
        ("(trap '' TERM; sleep 1001) & wait", 2),
    ],
)
def test_on_stop_the_whole_tree_is_gone(server: Supervised, wanted: Wanted, command: str, size: int) -> None:
    server.run(wanted, command)
    wait_until(lambda: len(marked(wanted)) >= size)

    server.stopped(wanted)

    assert marked(wanted) == []


FORK_TWICE = """
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.execve("/bin/sleep", ["sleep", sys.argv[1]], {})
"""


def test_what_has_shed_parents_session_and_mark_is_gone_unfenced(wanted: Wanted, server: Supervised) -> None:
    """Fenced, the door finds it by its uid."""
    seconds = f"1009.{wanted.version}"
    server.run(wanted, f"{sys.executable} -c '{FORK_TWICE}' {seconds}; sleep 1000")
    wait_until(lambda: sleeping(seconds))

    server.stopped(wanted)

    if server.fenced:
        for pid in sleeping(seconds):
            os.kill(pid, signal.SIGKILL)
    else:
        wait_until(lambda: not sleeping(seconds))


def sleeping(seconds: str) -> list[int]:
    """Pids of the processes that sleep for just so long."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if (folder / "cmdline").read_bytes() == b"sleep\0" + seconds.encode() + b"\0":
                found.append(int(folder.name))
    return found


def test_on_stop_the_members_of_a_pipeline_keep_their_grace(server: Supervised, wanted: Wanted) -> None:
    script = "(trap 'sleep 0.2; echo bye; exit' TERM; echo up; while :; do sleep 0.02; done) & wait"
    server.run(wanted, script)
    wait_until(lambda: server.log(wanted).read_text() == "up\n")

    server.stopped(wanted)

    assert server.log(wanted).read_text().endswith("bye\n")


def test_a_crash_ends_the_rest_of_the_tree_and_restarts_at_once(server: Supervised, wanted: Wanted) -> None:
    """The helper holds the output pipe, so nothing but SIGCHLD tells supervisord of the death."""
    pid = server.run(wanted, "sleep 1001 & exec sleep 1002")
    wait_until(lambda: server.status(wanted).state == "RUNNING")
    old = marked(wanted)

    os.kill(pid, signal.SIGKILL)
    seen = [server.status(wanted)]
    while (status := seen[-1]).pid in {None, pid}:
        seen.append(server.status(wanted))
    assert "BACKOFF" not in {one.state for one in seen}, "the first time it waits for nothing"
    assert (status.restarts, status.exit_status) == (1, -signal.SIGKILL)
    assert not set(old) & set(marked(wanted))


def test_a_process_that_fails_to_start_keeps_trying_and_can_be_stopped(
    server: Supervised, wanted: Wanted
) -> None:
    server.run(wanted, "exit 7")

    wait_until(lambda: server.status(wanted).restarts == 1)
    status = server.ended(wanted)
    assert (status.exit_status, status.has_ended) == (7, False)
    server.stopped(wanted)
    assert server.status(wanted).state == "STOPPED"


def test_a_missing_description_or_directory_is_told_in_the_log(server: Supervised, wanted: Wanted) -> None:
    assert server.rpc.add([wanted])[0].pid
    assert server.ended(wanted).exit_status == 126
    assert "No such file" in server.log(wanted).read_text()
    server.stopped(wanted)
    server.describe(wanted, "true", directory="/no/such/folder")

    server.rpc.add([wanted])

    wait_until(lambda: "stratum: cannot enter /no/such/folder" in server.log(wanted).read_text())


def test_supervisorctl_works_on_readable_names(server: Supervised, wanted: Wanted) -> None:
    name = name_of(wanted)
    pid = server.run(wanted, "echo hello; exec sleep 1000")
    wait_until(lambda: server.status(wanted).state == "RUNNING")

    assert server.ctl("status", name).split()[:4] == [name, "RUNNING", "pid", f"{pid},"]
    assert server.ctl("tail", name).strip() == "hello"
    assert server.ctl("restart", name) == f"{name}: stopped\n{name}: started\n"
    assert server.status(wanted).pid not in {None, pid}
    assert server.status(wanted).restarts == 1
    assert server.ctl("stop", name) == f"{name}: stopped\n"
    assert server.status(wanted).state == "STOPPED"
    assert server.ctl("reread") == "No config updates to processes\n"


@pytest.mark.parametrize("more", [(), ("update",)])
def test_what_an_operator_has_removed_is_made_anew(
    server: Supervised, wanted: Wanted, more: tuple[str, ...]
) -> None:
    """Supervisord would neither read its output nor start it again, and could start a second one."""
    name = name_of(wanted)
    server.run(wanted, "exec sleep 1000")
    server.stopped(wanted)
    assert server.ctl("remove", name) == f"{name}: removed process group\n"
    for command in more:
        server.ctl(command)

    pid = server.run(wanted, "exec sleep 1000")

    assert server.ctl("status", name).split()[:2] in ([name, "STARTING"], [name, "RUNNING"])
    wait_until(lambda: server.status(wanted).state == "RUNNING")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.status(wanted).pid not in {None, pid})
    server.stopped(wanted)


def test_what_an_operator_has_started_instead_is_no_second_time(server: Supervised, wanted: Wanted) -> None:
    name = name_of(wanted)
    server.run(wanted, "exec sleep 1000")
    server.stopped(wanted)
    for command in ("remove", "update", "start"):
        server.ctl(*((command,) if command == "update" else (command, name)))

    (started,) = server.rpc.add([wanted])

    assert started.error == f"{name} was started by supervisorctl; stop it there"
    server.ctl("stop", name)
    server.run(wanted, "exec sleep 1000")


def test_a_hundred_start_while_others_are_answered(server: Supervised) -> None:
    hundred = [Wanted("Many", "app", 9, 1, "worker", index) for index in range(1, 101)]
    for one in hundred:
        server.describe(one, "exec sleep 1000")

    with ThreadPoolExecutor() as pool:
        adding = pool.submit(server.rpc.add, hundred)
        seen = {0}
        while not adding.done():
            seen.add(len(server.rpc.status("Many.app.")))

    assert seen - {0, 100}
    started = adding.result()
    pids = {one.name: one.pid for one in started}
    assert len(set(pids.values()) - {None}) == 100
    assert {status.name: status.pid for status in server.rpc.status("Many.app.")} == pids
    server.rpc.stop(list(pids))
    wait_until(lambda: all(status.has_ended for status in server.rpc.status(list(pids))))
    assert server.rpc.remove(list(pids)) == {}


def test_there_may_be_as_many_files_as_thousands_of_programs_need(server: Supervised) -> None:
    """The usual soft limit, under which the tests start it, is reached with 330."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert server.most_files() == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))


def test_a_stop_right_after_the_start_is_not_lost(server: Supervised, wanted: Wanted) -> None:
    """Lost, it would take the whole grace until the kill, and that would be its end."""
    for _ in range(20):
        server.run(wanted, "exec sleep 1000")
        assert server.stopped(wanted).exit_status == -signal.SIGTERM
