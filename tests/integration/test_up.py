"""`stratum up` and `stratum down` as an operator uses them."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.served import BIN, Served, free_port
from tests.there import there
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(served: Served) -> list[int]:
    """Every process that knows the instance's folder, by its command line or its environment."""
    mark, found = str(served.data).encode(), []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if mark in known:
                found.append(int(folder.name))
    return found


def test_the_first_start_tells_the_administrators_token_once(own: Served):
    first = own.up()
    token = (own.data / "admin.token").read_text().strip()
    own.down()
    second = own.up()

    assert first.stdout.strip() == token
    assert second.stdout == ""
    assert (own.data / "admin.token").stat().st_mode & 0o777 == 0o600
    who = own.run("stratum", "whoami", environ={"STRATUM_URL": own.url, "STRATUM_TOKEN": token})
    assert who.stdout.startswith("admin at ")


def test_down_leaves_nothing_behind_and_up_brings_all_back_without_building(own: Served):
    own.up()
    own.login()
    repo = own.app("app", "plain")
    own.push(repo)
    own.stratum("scale", "worker=2", cwd=repo)
    own.down()

    assert processes_of(own) == []
    instance = json.loads((own.data / "instance.json").read_text())["id"]
    assert not Path(f"/dev/shm/stratum-{instance}").exists()
    assert not answers(own.port)
    assert "not running" in own.down().stderr

    own.up()
    wait_until(lambda: len(own.rows("ps", cwd=repo)) == 3 and own.get("app")[0] == 200, timeout=60)
    assert len(own.rows("builds", cwd=repo)) == 1
    assert {row["release"] for row in own.rows("ps", cwd=repo)} == {"v1"}


def test_in_the_foreground_a_signal_ends_everything_in_order(own: Served):
    argv = [str(BIN / "stratum"), "up", "--data", str(own.data), "--listen", f"127.0.0.1:{own.port}"]
    with subprocess.Popen(
        argv, env=own.environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as up:
        lines = iter(there(up.stderr).readline, "")
        assert any("Ctrl-C" in line for line in lines)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0

    assert processes_of(own) == []


def test_a_second_up_changes_nothing(served: Served):
    before = served.supervisord_pid()

    again = served.up(check=False)

    assert again.returncode == 1
    assert f"runs already in {served.data}, at {served.url}" in again.stderr
    assert served.supervisord_pid() == before


def test_a_taken_port_is_said_before_anything_starts(own: Served):
    with socket.create_server(("127.0.0.1", own.port)):
        refused = own.up(check=False)

    assert refused.returncode == 1
    assert f"127.0.0.1:{own.port} cannot be listened on" in refused.stderr
    assert processes_of(own) == []


def test_a_redis_that_cannot_be_used_is_said_before_anything_starts(own: Served):
    silent = "redis://127.0.0.1:1/0"
    for redis, said in (("nonsense", "is not allowed"), (silent, f"does not answer: {silent}")):
        own.settings["STRATUM_REDIS_URL"] = redis

        refused = own.up(check=False)

        assert refused.returncode == 1
        assert said in refused.stderr
        assert processes_of(own) == []
    del own.settings["STRATUM_REDIS_URL"]
    assert own.up().stdout.strip(), "the first start that succeeds tells the token"


def test_an_own_redis_is_used(own: Served):
    port = free_port()
    argv = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(own.folder),
    ]
    with subprocess.Popen(argv, env=own.environ, stdout=subprocess.DEVNULL) as server:
        wait_until(lambda: answers(port))
        own.settings["STRATUM_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        own.up()
        own.login()
        own.push(own.app("app", "plain"))

        assert own.get("app")[0] == 200
        assert (
            "_redis"
            not in own.run("supervisorctl", "-c", str(own.data / "run/supervisord.conf"), "status").stdout
        )
        own.down()
        server.terminate()


@pytest.mark.parametrize("listen", ["8080", "localhost:", ":80", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(own: Served, listen):
    refused = own.run("stratum", "up", "--data", str(own.data), "--listen", listen, check=False)

    assert refused.returncode == 1
    assert "is no address to listen on" in refused.stderr


@pytest.mark.parametrize("name", ["with blank", 'with"quote', "with%percent", "with;mark", "x" * 90])
def test_a_data_folder_that_programs_cannot_be_told_is_refused(own: Served, name):
    refused = own.run("stratum", "up", "--data", str(own.folder / name), check=False)

    assert refused.returncode == 1
    assert "data folder" in refused.stderr
    assert "Traceback" not in refused.stderr
