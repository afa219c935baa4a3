"""Reading what became of an app's processes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.events import Event, Kind, parse

NAME = "MyProdEnv.app02.v3.worker.1"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("started\t4711\t\t0", "started (pid 4711)"),
        ("not-started\t0\t\t0", "could not be started"),
        ("exited\t4711\t0\t3.21", "ended by itself (exit 0) after 3.2 s"),
        ("exited\t4711\t-9\t3.21", "ended by itself (SIGKILL) after 3.2 s"),
        ("crash-looping\t4711\t1\t3.21", "is crash-looping"),
        ("held-back\t4711\t\t3.21", "writes more than 16 MiB a second, and is held back"),
        ("stopping\t4711\t\t60", "told to stop after 60.0 s"),
        ("stopped\t4711\t-15\t60", "stopped (SIGTERM) after 60.0 s"),
        ("lost\t4711\t\t0", "lost with its supervisor: how it ended was not seen"),
        ("stopped\t0\t\t0", "stopped while it waited for its next start"),
    ],
)
def test_each_change_is_said_in_words(fields, said):
    event = parse(f"1763805731500000\t1763805731.5\t{NAME}\t{fields}")

    assert event is not None
    assert (event.process, event.message) == (NAME, said)


@given(st.one_of(st.text(), st.lists(st.text(), min_size=7, max_size=7).map("\t".join)))
def test_a_line_that_is_none_is_left_out(line):
    parse(line)


DIGITS = st.from_regex(r"-?[0-9]{0,40}(\.[0-9]{0,9})?", fullmatch=True)


@given(DIGITS, DIGITS | st.floats().map(str), DIGITS, DIGITS, DIGITS | st.floats().map(str))
def test_numbers_of_any_size_are_no_error_and_what_is_read_fits_the_database(
    number, at, pid, status, lived_s
):
    event = parse(f"{number}\t{at}\t{NAME}\texited\t{pid}\t{status}\t{lived_s}")

    assert event is None or (event.number < 2**63 and (event.pid or 0) < 2**63 and event.lived_s < 1e9)


@given(
    st.integers(0, 10**16 - 1), st.integers(0, 4_000_000_000), st.sampled_from(Kind), st.integers(1, 2**22)
)
def test_a_line_is_read_as_it_was_written(number, second, kind, pid):
    event = parse(f"{number}\t{second}.250\t{NAME}\t{kind}\t{pid}\t-9\t1.500")

    at = datetime.fromtimestamp(second, UTC).replace(microsecond=250_000)
    assert event == Event(number, at, NAME, kind, pid, -9, 1.5)
