"""The grammar of a stop sequence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.stopping import LONGEST_S, MAX_SIGNALS, SIGNALS, checked, longest_s, parse, render

STEPS = st.lists(
    st.tuples(st.sampled_from([name for name in SIGNALS if name != "kill"]), st.integers(0, 700)),
    max_size=MAX_SIGNALS,
).map(tuple)


def test_signals_are_waited_for_before_the_kill():
    assert parse("term,90,kill") == (("term", 90),)
    assert parse(" SIGQUIT, 75 , term,15, Kill") == (("quit", 75), ("term", 15))
    assert parse("kill") == ()


@pytest.mark.parametrize(
    "text",
    [
        *("", "term", "term,90", "90,kill", "term,kill", "kill,1,kill", "term,-1,kill", "term,1.5,kill"),
        *(
            "stop,1,kill",
            "9,1,kill",
            "term,3601,kill",
            "term,2000,int,2000,kill",
            "term,90,kill,",
            "term 90 kill",
        ),
        *("term,٣,kill", "term,90,kill\n", "term,1," * 6 + "kill", "x" * 300),
    ],
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match="such as term,90,kill"):
        parse(text)


@pytest.mark.parametrize(
    "given", [None, {}, [1], [["term"]], [["term", True]], [["term", "1"]], [["kill", 1]], [[15, 1]]]
)
def test_what_comes_over_the_wire_is_looked_at_as_well(given: object):
    with pytest.raises(ValueError, match="such as term,90,kill"):
        checked(given)


@given(STEPS)
def test_what_was_written_is_read_again(steps: tuple[tuple[str, int], ...]):
    if longest_s(steps) <= LONGEST_S:
        assert parse(render(steps)) == steps == checked([list(step) for step in steps])


@given(st.text(max_size=30) | st.lists(st.sampled_from(["term", "kill", "5", "", "x"])).map(",".join))
def test_whatever_is_given_is_read_or_refused(text: str):
    try:
        steps = parse(text)
    except ValueError:
        return
    assert parse(render(steps)) == steps
