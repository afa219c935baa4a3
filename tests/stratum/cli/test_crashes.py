"""What `ps` prints below its table."""

from stratum.cli.crashes import quote, tell


def test_what_keeps_crashing_is_quoted_harmlessly(capsys):
    lines = ["Traceback", "\x1b[2Jno broker"]

    quote([{"message": "worker.1 of v3 is crash-looping", "lines": lines}, {"message": "a.1", "lines": []}])

    assert capsys.readouterr().out == (
        "\nworker.1 of v3 is crash-looping\n       Traceback\n       no broker\n"
        "\na.1\n       (it has printed nothing)\n"
    )


def test_a_note_on_the_release_is_printed_once(capsys):
    tell(["", "v3 is an automatic rollback", "v3 is an automatic rollback"])

    assert capsys.readouterr().out == "\nv3 is an automatic rollback\n"


def test_a_time_to_roll_back_within_is_set_and_taken_back(side, terminal):
    side.app()

    said = terminal("apps", "set", "app02", "-E", "MyProdEnv", "--roll-back-within", "300")
    assert "goes back from a release that crash-loops within 300 s" in said.err
    assert "roll back within   300 s\n" in terminal("apps", "show", "app02", "-E", "MyProdEnv").out
    assert terminal("apps", "set", "app02", "-E", "MyProdEnv", "--roll-back-within", "off").code == 0
    assert "roll back within   off\n" in terminal("apps", "show", "app02", "-E", "MyProdEnv").out
    wrong = terminal("apps", "set", "app02", "-E", "MyProdEnv", "--roll-back-within", "5m")
    assert (wrong.code, "whole seconds, as 300, or off" in wrong.err) == (2, True)
