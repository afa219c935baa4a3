"""Signing in and out; servers that do not answer."""

import json
import re
import stat
import subprocess
import sys
from dataclasses import astuple

import pytest

from stratum.client.server import Server
from tests.served import free_port


def test_login_checks_the_token_and_keeps_it_for_its_owner_only(fresh):
    said = fresh("login", fresh.url + "/", stdin=f"{fresh.admin}\n")

    assert (said.code, said.out, said.err) == (0, "", f"Signed in to {fresh.url} as admin.\n")
    assert json.loads(fresh.credentials.read_text()) == {
        "current": fresh.url,
        "tokens": {fresh.url: fresh.admin},
    }
    assert stat.S_IMODE(fresh.credentials.stat().st_mode) == 0o600
    assert fresh("whoami").out == f"admin at {fresh.url}, administrator\n"


def test_login_takes_the_token_from_the_environment(fresh, monkeypatch):
    monkeypatch.setenv("STRATUM_TOKEN", fresh.admin)

    assert fresh("login", fresh.url).code == 0


def test_a_wrong_token_is_not_kept(fresh):
    said = fresh("login", fresh.url, "--token", "wrong")

    assert (said.code, said.err) == (1, "This needs a valid token.\nSign in with: stratum login URL.\n")
    assert not fresh.credentials.exists()


@pytest.mark.parametrize("token", ["", " ", "a\tb", "ü"])
def test_what_can_be_no_token_is_said_to_be_none(fresh, token):
    said = fresh("login", fresh.url, stdin=token + "\n")

    assert (said.code, said.err) == (1, "That is no token.\nIt is one line of letters and digits.\n")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://h/path", "http://h:x:y/?q"])
def test_an_address_must_be_one(fresh, url):
    said = fresh("login", url, "--token", "x")

    assert said.code == 1
    assert said.err == (f"{url!r} is no address of a Stratum server.\nIt looks like http://localhost:8080.\n")


def test_a_server_that_is_away_is_said_in_one_sentence(fresh):
    port = free_port()

    said = fresh("login", f"http://127.0.0.1:{port}", "--token", "x")

    assert said.code == 1
    assert said.err == (
        f"No Stratum answers at http://127.0.0.1:{port}: [Errno 111] Connection refused.\n"
        "Is it up, and is the address right? stratum login URL chooses another.\n"
    )


def test_without_a_login_each_command_says_how(fresh):
    said = fresh("apps", "list")

    assert (said.code, said.err) == (1, "You are not signed in anywhere.\nSign in with: stratum login URL.\n")


def test_the_environment_overrules_the_login(terminal, monkeypatch):
    monkeypatch.setenv("STRATUM_URL", "http://127.0.0.1:1")
    assert terminal("whoami").err.startswith("You are not signed in to http://127.0.0.1:1.")

    monkeypatch.setenv("STRATUM_TOKEN", "x")
    assert terminal("whoami").err.startswith("No Stratum answers at http://127.0.0.1:1")


def test_logout_forgets_the_token(terminal):
    assert terminal("logout").err == f"Signed out of {terminal.url}.\n"
    assert terminal.admin not in terminal.credentials.read_text()
    assert terminal("whoami").code == 1
    assert terminal("logout").err == "You are not signed in.\n"


def test_a_damaged_file_is_named(terminal):
    terminal.credentials.write_text("{")

    assert terminal("whoami").err.startswith(f"{terminal.credentials} is damaged")


def test_status_says_that_apps_share_an_account(terminal):
    said = terminal("status")

    assert said.code == 0
    assert said.out.splitlines()[1:-1] == [
        "PART         UP",
        "redis        no",
        "supervisord  no",
        "web          no",
        "work         no",
        "router       no",
        "Started as an ordinary user: all apps, their builds and Stratum itself share one account.",
    ]
    assert re.fullmatch(r"Disk: [0-9.]+ [A-Z]iB of [0-9.]+ [A-Z]iB free\.", said.out.splitlines()[-1])
    assert terminal("status", "--json").rows[0]["fenced"] is False
    assert terminal("whoami", "--json").rows[0]["name"] == "admin"


@pytest.mark.parametrize(
    ("queue", "line"),
    [
        ({"running": 0, "queued": 0, "oldest_s": 0}, []),
        ({"running": 1, "queued": 0, "oldest_s": 0}, ["Builds: 1 running, 0 queued."]),
        (
            {"running": 2, "queued": 3, "oldest_s": 83},
            ["Builds: 2 running, 3 queued, the oldest for 0:01:23."],
        ),
    ],
)
def test_status_tells_of_builds_that_wait_and_of_a_full_disk(terminal, monkeypatch, queue, line):
    lack = "1 MiB of the server's disk are free, and none begins below 1 GiB."
    disk = {"free_bytes": 1 << 20, "total_bytes": 3 << 30, "lack": lack}
    found = terminal("status", "--json").rows[0]
    monkeypatch.setattr(Server, "status", lambda _: {**found, "queue": queue, "disk": disk})

    assert terminal("status").out.splitlines()[8:] == [
        *line,
        "Disk: 1 MiB of 3 GiB free.",
        f"No build begins: {lack}",
    ]


def test_git_gets_the_token_of_this_server_only(terminal):
    host = terminal.url.removeprefix("http://")
    asked = f"protocol=http\nhost={host}\npath=MyProdEnv/app02.git\n\n"

    assert terminal.program("git-credential", "get", stdin=asked).out == (
        f"username=stratum\npassword={terminal.admin}\n"
    )
    assert terminal.program("git-credential", "get", stdin="protocol=https\nhost=example.org\n\n").out == ""


def test_git_is_told_nothing_more_than_it_asks_for(terminal):
    """Operations yet unknown are ignored: gitcredentials(7) demands it."""
    asked = f"protocol=http\nhost={terminal.url.removeprefix('http://')}\nusername=x\npassword=y\n\n"

    for arguments in (["store"], ["capability"], [], ["get", "get"]):
        assert astuple(terminal.program("git-credential", *arguments, stdin=asked)) == (0, "", "")


def test_a_refused_token_is_said_to_be_and_is_not_forgotten(terminal):
    host = terminal.url.removeprefix("http://")
    asked = f"protocol=http\nhost={host}\nusername=stratum\npassword={terminal.admin}\n\n"

    said = terminal.program("git-credential", "erase", stdin=asked)

    assert astuple(said) == (
        0,
        "",
        f"stratum: {terminal.url} refused the token: it is unknown there, has expired or was revoked.\n"
        f"stratum: Sign in again with: stratum login {terminal.url}\n",
    )
    elsewhere = asked.replace(host, "example.org")
    assert astuple(terminal.program("git-credential", "erase", stdin=elsewhere)) == (0, "", "")
    assert terminal("whoami").code == 0


def test_git_is_told_in_a_line_that_the_file_is_damaged(terminal):
    terminal.credentials.write_text("{")

    said = terminal.program("git-credential", "get", stdin="protocol=http\nhost=localhost:1\n\n")

    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert said.err.startswith(f"stratum: {terminal.credentials} is damaged")


def test_git_credential_loads_only_what_it_needs(terminal):
    """Git waits for it at every push."""
    host = terminal.url.removeprefix("http://")
    slow = (
        "click",
        "http.client",
        "rich",
        "flask",
        "dataclasses",
        "pathlib",
        "typing",
        "urllib.parse",
        "inspect",
    )
    code = (
        "import sys; sys.argv[1:] = ['git-credential', 'get']; loaded = set(sys.modules)\n"
        "from stratum.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {slow} if name in set(sys.modules) - loaded])"
    )
    asked = f"protocol=http\nhost={host}\n\n"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, input=asked, check=True
    )

    assert done.stdout == f"username=stratum\npassword={terminal.admin}\n[]\n"


def test_a_command_to_a_server_without_tls_loads_neither_that_nor_email(terminal):
    """Each command waits for what it imports: these took a fifth of the time of most."""
    slow = ("ssl", "email", "http.client", "encodings.idna", "urllib.request", "asyncio")
    code = (
        "import sys; sys.argv[1:] = ['whoami']\n"
        "from stratum.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
    assert len(done.stdout.splitlines()) > 1, "it has said nothing"


def test_help_names_every_command_without_loading_them(fresh):
    said = fresh.program("--help")

    for command in ("login", "associate", "worker", "scale", "ps", "logs", "vars", "rollback", "up", "down"):
        assert f"\n  {command} " in said.out


def test_every_command_can_be_loaded(fresh):
    from stratum.cli.commands import COMMANDS

    for command in COMMANDS:
        assert fresh(command, "--help").code == 0, command
