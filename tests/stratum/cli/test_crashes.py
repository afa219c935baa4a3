"""What `ps` prints below its table."""

from stratum.cli.crashes import quote


def test_what_keeps_crashing_is_quoted_harmlessly(capsys):
    lines = ["Traceback", "\x1b[2Jno broker"]

    quote([{"message": "worker.1 of v3 is crash-looping", "lines": lines}, {"message": "a.1", "lines": []}])

    assert capsys.readouterr().out == (
        "\nworker.1 of v3 is crash-looping\n       Traceback\n       no broker\n"
        "\na.1\n       (it has printed nothing)\n"
    )
