"""`stratum events`."""

import json


def test_what_became_of_processes_is_listed(side, terminal):
    app = side.app()
    assert terminal("-E", "MyProdEnv", "events").err == "Nothing has happened yet.\n"
    file = side.instance.layout.process_events(app.id)
    file.parent.mkdir(parents=True)
    file.write_text("1763805731500000\t1763805731.5\tMyProdEnv.app02.v3.worker.2\tstarted\t4711\t\t0.000\n")

    assert terminal("-E", "MyProdEnv", "events", "-t", "worker").out == (
        "AT                        RELEASE  TARGET  INDEX  MESSAGE\n"
        "2025-11-22T10:02:11.500Z  v3       worker  2      started (pid 4711)\n"
    )
    assert terminal("-E", "MyProdEnv", "events", "-t", "web", "--json").rows == []


def test_who_asks_for_no_line_is_told_nothing(side, terminal):
    side.release(side.app())

    for command in ("events", "logs"):
        said = terminal("-E", "MyProdEnv", command, "-n", "0")
        assert (said.code, said.out, said.err) == (0, "", "")
    assert terminal("-E", "MyProdEnv", "logs").err == "Nothing was written yet.\n"


def test_what_comes_is_shown_to_who_follows(side, terminal):
    file = side.instance.layout.process_events(side.app().id)
    file.parent.mkdir(parents=True)
    file.write_text("1763805731500000\t1763805731.5\tMyProdEnv.app02.v3.worker.2\tstarted\t4711\t\t0.000\n")

    with terminal.started("-E", "MyProdEnv", "events", "-f") as following:
        assert following.stdout.readline() == "2025-11-22T10:02:11.500Z v3 worker.2 started (pid 4711)\n"
        with file.open("a") as more:
            more.write(
                "1763805735700000\t1763805735.7\tMyProdEnv.app02.v3.worker.2\texited\t4711\t1\t4.200\n"
            )
        said = "2025-11-22T10:02:15.700Z v3 worker.2 ended by itself (exit 1) after 4.2 s\n"
        assert following.stdout.readline() == said
    with terminal.started("-E", "MyProdEnv", "events", "-f", "-n", "1", "--json") as following:
        assert json.loads(following.stdout.readline())["kind"] == "exited"
