"""How long a process that keeps ending waits for its next start."""

from hypothesis import given
from hypothesis import strategies as st

from runner.engines.supervisord.crashes import LONGEST_S, Crashes, pause_s
from stratum.crashing import STABLE_S

LIVES_S = st.lists(st.floats(0, STABLE_S - 0.001), min_size=1, max_size=40)


def crashed(*lives_s: float) -> Crashes:
    crashes = Crashes()
    for number, lived_s in enumerate(lives_s):
        crashes.note(lived_s, now=1000.0 + number)
    return crashes


def test_the_first_end_of_what_has_lived_for_a_second_has_no_pause():
    assert crashed(1.0).pause_s == 0
    assert 0.75 <= crashed(0.2).pause_s <= 1


@given(st.integers(2, 10**6))
def test_pauses_double_up_to_the_longest_and_no_two_need_be_alike(count):
    longest = min(LONGEST_S, 2.0 ** min(count - 1, 9))

    pauses = [pause_s(count, 5.0) for _ in range(50)]

    assert all(0.75 * longest <= pause <= longest for pause in pauses)
    assert len(set(pauses)) > 1


@given(LIVES_S)
def test_ends_are_counted_from_the_first_in_the_row(lives_s):
    crashes = crashed(*lives_s)

    assert (crashes.count, crashes.since) == (len(lives_s), 1000.0)


@given(LIVES_S)
def test_a_stable_life_begins_the_row_anew(lives_s):
    crashes = crashed(*lives_s, STABLE_S)

    assert (crashes.count, crashes.since, crashes.pause_s) == (1, 1000.0 + len(lives_s), 0)


def test_what_is_stopped_has_not_crashed():
    crashes = crashed(0, 0, 0)

    crashes.clear()

    assert (crashes.count, crashes.since, crashes.pause_s) == (0, 0, 0)
