"""`stratum events`."""


def test_what_became_of_processes_is_listed(side, terminal):
    app = side.app()
    assert terminal("-E", "MyProdEnv", "events").err == "Nothing has happened yet.\n"
    file = side.instance.layout.process_events(app.id)
    file.parent.mkdir(parents=True)
    file.write_text("1763805731.5\tMyProdEnv.app02.v3.worker.2\tstarted\t4711\t\t0.000\n")

    assert terminal("-E", "MyProdEnv", "events", "-t", "worker").out == (
        "AT                        RELEASE  TARGET  INDEX  MESSAGE\n"
        "2025-11-22T10:02:11.500Z  v3       worker  2      started (pid 4711)\n"
    )
    assert terminal("-E", "MyProdEnv", "events", "-t", "web", "--json").rows == []
