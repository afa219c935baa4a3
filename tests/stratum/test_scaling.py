"""What a scale that was given means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidScale
from stratum.model import Formation
from stratum.scaling import absolute, changed, checked_scale, joined, total, without_room

MOST = 100
SCALES = st.integers(0, MOST)


@given(SCALES, SCALES)
def test_a_number_is_what_it_is_to_be_and_a_signed_text_what_it_changes_by(now, wished):
    assert checked_scale("worker", wished, now, MOST) == wished
    assert checked_scale("worker", f"{wished - now:+}", now, MOST) == wished


@given(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.none())), SCALES
)
def test_whatever_is_given_becomes_a_scale_in_range_or_is_refused(anything, now):
    try:
        found = checked_scale("worker", anything, now, MOST)
    except InvalidScale as error:
        assert "worker" in error.message
    else:
        assert 0 <= found <= MOST


@pytest.mark.parametrize(
    "given_text", ["+", "1", "+ 1", " +1", "+1 ", "+1.0", "++1", "+\uff11", "+1_0", "+9999999"]
)
def test_no_other_text_is_a_change(given_text):
    with pytest.raises(InvalidScale):
        checked_scale("worker", given_text, 1, MOST)


def test_what_is_above_a_limit_that_was_lowered_may_become_less_but_not_more():
    assert checked_scale("worker", "-1", 150, MOST) == 149
    with pytest.raises(InvalidScale):
        checked_scale("worker", "+1", 150, MOST)


TARGETS = ("web", "worker", "clock", "mailer")
FORMATIONS = st.builds(
    Formation,
    st.fixed_dictionaries(dict.fromkeys(TARGETS, st.integers(0, 5))),
    st.frozensets(st.sampled_from(TARGETS)),
)


@given(FORMATIONS, st.sets(st.sampled_from(TARGETS)), st.integers(0, 12))
def test_what_a_release_brings_fits_beside_what_is_there_or_is_named(formation, there, most):
    left = without_room(formation, TARGETS, there, most)

    assert not there & set(left)
    rest = [target for target in TARGETS if target not in left]
    assert total(formation, rest) <= max(most, total(formation, there))
    for target in left:
        assert total(formation, [*rest, target]) > most


CHANGES = st.integers(-MOST, MOST).map("{:+d}".format)


@given(SCALES, SCALES | CHANGES)
def test_what_was_checked_is_none_at_least_when_it_is_wished(now, asked):
    try:
        checked = checked_scale("worker", asked, now, MOST)
    except InvalidScale:
        assert changed(asked, now) == 0 or changed(asked, now) > MOST
    else:
        assert changed(asked, now) == checked


MORE = SCALES | st.integers(0, MOST).map("{:+d}".format)


@given(SCALES, MORE, MORE)
def test_two_that_come_to_be_one_come_to_what_they_would_have_one_after_the_other(now, first, then):
    both = joined({"worker": first, "web": 1}, {"worker": then})

    assert changed(both["worker"], now) == changed(then, changed(first, now))
    assert both["web"] == 1


def test_less_than_none_is_none_where_two_come_to_be_one():
    assert joined({"worker": 1}, {"worker": "-3"}) == {"worker": 0}
    assert joined({"worker": "+1"}, {"worker": "-1"}) == {"worker": "+0"}


def test_changes_are_told_from_numbers():
    assert absolute({"worker": 0, "web": "+1"}) == {"worker": 0}
