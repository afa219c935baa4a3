"""`--json`: which commands take it, and what they print then."""

import json

import click
import pytest

from stratum.cli.commands import COMMANDS, stratum
from tests.webside import COMMIT

NO_DATA = {
    "login": "keeps a token, prints none",
    "logout": "forgets a token",
    "associate": "changes the repository it stands in",
    "environments": "a group; its list has it",
    "environments destroy": "leaves nothing to show",
    "apps": "a group; its list has it",
    "apps destroy": "leaves nothing to show",
    "apps import": "says what git says",
    "apps set": "says what it did",
    "releases name": "says what it did",
    "releases note": "says what it did",
    "releases pin": "says what it did",
    "releases unpin": "says what it did",
    "storage destroy": "leaves nothing to show",
    "targets": "a group; stratum explain shows what there is",
    "tokens": "a group; its list has it",
    "tokens revoke": "leaves nothing to show",
    "up": "runs the server",
    "down": "ends the server",
    "maintenance": "says on or off",
    "domains add": "leaves nothing to show but the list",
    "domains remove": "leaves nothing to show",
    "notifications enable": "says what it did",
    "notifications disable": "says what it did",
    "notifications remove": "leaves nothing to show",
    "notifications replay": "says what it did",
    "webhooks set": "says in a sentence what it changed",
    "webhooks destroy": "leaves nothing to show",
    "review-apps enable": "says what it did",
    "review-apps approve": "says what it did",
    "review-apps disable": "says what it did",
    "review-apps destroy": "leaves nothing to show",
    "webhooks replay": "says how to see what becomes of it",
}


def every_command():
    root = click.Context(stratum)
    for name in COMMANDS:
        command = stratum.get_command(root, name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", found) for below, found in command.commands.items())


def rows_of(said):
    assert said.code == 0, said.err
    return said.rows


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


@pytest.fixture
def log(side, app):
    path = side.instance.layout.build_log(app.id, 1)
    path.parent.mkdir(parents=True)
    path.write_text("-----> Procfile: web\n-----> Released ünd v1\n")


def test_every_command_that_prints_data_takes_json():
    without = {name for name, command in every_command() if not takes_json(command)}

    assert without == set(NO_DATA)


def takes_json(command):
    return any("--json" in parameter.opts for parameter in command.params)


def test_creating_prints_a_list_of_what_was_made(terminal):
    (environment,) = rows_of(terminal("environments", "create", "MyProdEnv", "--json"))
    (app,) = rows_of(terminal("apps", "create", "app02", "-E", "MyProdEnv", "--json"))
    (token,) = rows_of(terminal("tokens", "create", "ci", "--read", "MyProdEnv", "--json"))

    assert (environment["name"], environment["stage"]) == ("MyProdEnv", "production")
    assert (app["name"], app["url"]) == ("app02", "http://app02.myprodenv.localhost:8080")
    assert sorted(token) == ["expires_at", "name", "token"]


def test_a_verb_prints_its_report(terminal, app):
    launched = rows_of(terminal("-E", "MyProdEnv", "worker", "worker", "--json"))
    unchanged = terminal("-E", "MyProdEnv", "worker", "worker", "--json")

    assert [(row["target"], row["index"], row["outcome"]) for row in launched] == [
        ("web", 1, "kept"),
        ("worker", 1, "started"),
    ]
    assert launched[0].keys() >= {"name", "target", "index", "outcome", "pid", "port", "seconds", "note"}
    assert (unchanged.code, unchanged.rows) == (0, [])


@pytest.mark.parametrize(
    "verb", [["scale", "worker=1"], ["vars", "set", "A=1"], ["vars", "unset", "B"], ["rollback"]]
)
def test_each_verb_has_a_report(side, terminal, app, verb):
    terminal("-E", "MyProdEnv", "vars", "set", "B=1")

    assert rows_of(terminal("-E", "MyProdEnv", *verb, "--json"))[0]["name"].startswith("MyProdEnv.app02.v")


def test_json_may_stand_before_the_subcommand(terminal, app):
    assert rows_of(terminal("-E", "MyProdEnv", "vars", "--json", "set", "A=1"))


def test_a_failed_verb_prints_its_report_and_exits_1(terminal, app):
    said = terminal("-E", "MyProdEnv", "scale", "worker=9", "--json")

    assert said.code == 1
    assert said.rows[-1]["outcome"] == "failed"
    assert said.err == "worker.9 ended with exit code 3 after 0.1 s. What ran before runs on.\n"


def test_a_redeploy_prints_its_build_once_settled(settling, terminal, app):
    with settling(app, "Installing failed (exit code 1): x"):
        said = terminal("-E", "MyProdEnv", "redeploy", "--json")

    assert (said.code, said.err) == (1, "Build 2 failed: Installing failed (exit code 1): x\n")
    assert [(row["number"], row["status"], row["commit"]) for row in said.rows] == [(2, "failed", COMMIT)]


def test_a_followed_build_is_an_object_a_line(terminal, log):
    said = terminal("-E", "MyProdEnv", "builds", "follow", "1", "--json")

    assert [json.loads(line) for line in said.out.splitlines()] == [
        {"line": "-----> Procfile: web"},
        {"line": "-----> Released ünd v1"},
    ]


def test_logs_are_a_list_of_lines(side, terminal, app):
    assert rows_of(terminal("-E", "MyProdEnv", "logs", "--json")) == []
    path = side.instance.layout.process_log(app.id, "MyProdEnv.app02.v1.web.1")
    path.parent.mkdir(parents=True)
    path.write_text("one\na | b\n")

    assert rows_of(terminal("-E", "MyProdEnv", "logs", "--json")) == [
        {"process": "web.1", "release": "v1", "line": "one"},
        {"process": "web.1", "release": "v1", "line": "a | b"},
    ]


def test_followed_logs_are_an_object_a_line(side, terminal, app):
    path = side.instance.layout.process_log(app.id, "MyProdEnv.app02.v1.web.1")
    path.parent.mkdir(parents=True)
    path.write_text("one\n")
    with terminal.started("-E", "MyProdEnv", "logs", "-f", "--json") as following:
        assert json.loads(following.stdout.readline()) == {"process": "web.1", "release": "v1", "line": "one"}
        with path.open("a") as file:
            file.write("two\n")
        assert json.loads(following.stdout.readline()) == {"process": "web.1", "release": "v1", "line": "two"}
