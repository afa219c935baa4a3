from datetime import timedelta

import pytest

from hooks.outgoing.backoff import AFTER_S, SPREAD, again_after_s


def test_trying_goes_on_for_about_a_day_and_then_ends():
    waits = [again_after_s(attempts, 0.5) for attempts in range(1, len(AFTER_S) + 2)]

    assert waits == [*AFTER_S, None]
    assert timedelta(hours=23) < timedelta(seconds=sum(AFTER_S)) < timedelta(hours=25)


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 1 - SPREAD), (1.0, 1 + SPREAD)])
def test_what_failed_together_is_tried_apart(chance, factor):
    assert again_after_s(3, chance) == pytest.approx(AFTER_S[2] * factor)


def test_what_is_asked_for_is_waited_for_within_bounds():
    assert again_after_s(1, 0.5, 100) == 100
    assert again_after_s(1, 0.5, 1) == AFTER_S[0]
    assert again_after_s(1, 0.5, 10**8) == 28_800
    assert again_after_s(len(AFTER_S) + 1, 0.5, 100) is None
