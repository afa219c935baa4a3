"""`stratum maintenance`."""

WHERE = ("-E", "MyProdEnv", "-A", "app02")


def test_it_is_told_turned_on_and_seen_in_ps(terminal, side, monkeypatch):
    side.app()
    monkeypatch.setattr("stratum.supervisor.Supervisor.status", lambda *_: [])
    assert terminal(*WHERE, "maintenance").out == "off\n"
    assert terminal(*WHERE, "ps").err == ""

    said = terminal(*WHERE, "maintenance", "on")

    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("Maintenance of MyProdEnv/app02 is on: ")
    assert terminal(*WHERE, "maintenance").out == "on\n"
    assert terminal(*WHERE, "ps").err == "Maintenance is on: visitors get a page that says so.\n"
    assert terminal(*WHERE, "maintenance", "maybe").code == 2
