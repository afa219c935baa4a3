"""Pausing and resuming from a terminal, against a server whose applier records and runs nothing."""

import pytest


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


def test_what_is_paused_comes_back_as_it_was(terminal, app):
    terminal("scale", "-E", "MyProdEnv", "worker=2")

    paused = terminal("-E", "MyProdEnv", "pause", "worker")
    shown = terminal("-E", "MyProdEnv", "scale")
    resumed = terminal("resume", "-E", "MyProdEnv")

    assert (paused.code, paused.err) == (0, "Pausing worker (2); stratum resume brings back just that.\n")
    assert [line.split() for line in shown.out.splitlines()] == [
        ["TARGET", "SCALE", "PAUSED", "PRESENT"],
        ["web", "1", "no", "yes"],
        ["worker", "2", "yes", "yes"],
    ]
    assert (resumed.code, resumed.err) == (0, "Resuming worker (2).\n")
    assert resumed.out == "web.1 kept (pid 4701)\nworker.1 started (pid 4701)\nworker.2 started (pid 4702)\n"


def test_twice_is_no_error(terminal, app):
    terminal("-E", "MyProdEnv", "pause")

    again = terminal("-E", "MyProdEnv", "pause")

    assert (again.code, again.err) == (0, "web, worker are paused already; nothing changed.\n")


def test_a_change_of_what_does_not_run_is_not_passed_over_in_silence(terminal, app):
    terminal("-E", "MyProdEnv", "pause")

    told = terminal("-E", "MyProdEnv", "vars", "set", "GREETING=hello")

    assert (told.code, told.out, told.err) == (0, "", "No process runs that this would have changed.\n")
    assert terminal("-E", "MyProdEnv", "vars", "set", "GREETING=hi", "--json").rows == []
