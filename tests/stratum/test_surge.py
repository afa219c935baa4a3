"""How many new processes may run beside old ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.surge import MOST, at_once, parse


@pytest.mark.parametrize(
    ("given_", "scale", "number"),
    [
        ("", 7, 7),
        ("", 0, 1),
        ("2", 7, 2),
        (3, 7, 3),
        ("25%", 10, 3),  # rounded up, as Kubernetes has it
        ("25%", 4, 1),
        ("1%", 3, 1),
        ("100%", 5, 5),
        ("10%", 0, 1),
    ],
)
def test_a_number_is_one_and_a_percentage_is_of_the_scale(given_, scale, number):
    assert at_once(parse(given_) if given_ else "", scale) == number


@pytest.mark.parametrize(
    "value", [0, -1, True, None, 1.5, "", "0", "0%", "101%", "x", " 2", "2 %", "٣", MOST + 1, []]
)
def test_what_is_no_surge_is_refused(value):
    with pytest.raises(ValueError, match="whole number"):
        parse(value)


@given(st.text() | st.integers() | st.floats() | st.none())
def test_whatever_is_given_is_a_surge_or_refused(value):
    try:
        said = parse(value)
    except ValueError:
        return
    assert at_once(said, 10) >= 1
