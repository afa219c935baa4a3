"""What stands in the operators' log is ours, whatever a client or a program had to say."""

import io
import logging

import pytest

from stratum.logs import configure


@pytest.fixture
def written(monkeypatch):
    """What is written to the log."""
    root, said = logging.getLogger(), io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    configure("web")
    return said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ä", "plain, with ä"),
        ("bad\n2026-11-23 web[1] ERROR part: forged", "bad\\u000a2026-11-23 web[1] ERROR part: forged"),
        ("\x1b[2J\r\x9b", "\\u001b[2J\\u000d\\u009b"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("a\tb", "a b"),
    ],
)
def test_an_event_is_one_line_that_steers_no_terminal(written, text, shown):
    logging.getLogger("part").warning("it said: %s", text)

    said = written.getvalue()
    assert said.endswith(f" WARNING part: it said: {shown}\n")
    assert said.count("\n") == 1


def test_the_trace_of_an_error_keeps_its_lines_and_none_of_them_looks_like_an_event(written):
    error = ZeroDivisionError("its reason\n2026-11-23 web[1] ERROR part: forged \x1b[2J")
    logging.getLogger("part").error("broken\n%s", "forged", exc_info=error)

    first, *trace = written.getvalue().splitlines()
    assert first.endswith(" ERROR part: broken\\u000aforged")
    assert trace == [
        "    ZeroDivisionError: its reason",
        "    2026-11-23 web[1] ERROR part: forged \\u001b[2J",
    ]
