import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitserver import attempts as module
from gitserver.attempts import KNOWN_S, WINDOW_S, Attempt, Attempts, Limit

FREE = 3
CAP_S = 300.0


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def attempts(clock):
    return Attempts(FREE, clock)


def at(address="10.0.0.1", account="", token="guess"):
    return Attempt(address, account, token)


def fail(attempts, attempt, times):
    for _ in range(times):
        attempts.failed(attempt)


def test_the_first_failures_have_no_consequence(attempts):
    fail(attempts, at(), FREE - 1)

    assert attempts.wait_s(at()) == 0


def test_each_failure_beyond_doubles_the_wait_up_to_the_cap(attempts, clock):
    fail(attempts, at(), FREE - 1)
    waits = []
    for _ in range(12):
        attempts.failed(at())
        waits.append(attempts.wait_s(at()))
        clock.now += waits[-1]
        assert attempts.wait_s(at()) == 0, "who has waited is heard again"

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_after_a_quiet_time_all_is_forgotten(attempts, clock):
    fail(attempts, at(), FREE + 5)
    clock.now += attempts.wait_s(at()) + WINDOW_S + 1
    fail(attempts, at(), FREE - 1)

    assert attempts.wait_s(at()) == 0


def test_another_address_is_not_slowed(attempts):
    fail(attempts, at("10.0.0.1"), FREE)

    assert attempts.wait_s(at("10.0.0.2")) == 0


def test_a_user_name_is_slowed_from_all_addresses_later_and_shorter(attempts, clock):
    for number in range(5 * FREE):
        attempts.failed(at(f"10.0.0.{number}", "ci"))

    assert attempts.wait_s(at("10.9.9.9", "ci")) == 1
    assert attempts.wait_s(at("10.9.9.9", "other")) == 0
    assert attempts.wait_s(at("10.9.9.9")) == 0
    for number in range(20):
        attempts.failed(at(f"10.0.1.{number}", "ci"))
    assert attempts.wait_s(at("10.9.9.9", "ci")) == 30


def test_a_token_known_there_is_not_slowed(attempts, clock):
    """A guesser behind the same address does not lock a colleague out."""
    good = at(token="good")
    attempts.succeeded(good)
    fail(attempts, at(), FREE + 5)

    assert attempts.wait_s(good) == 0
    assert attempts.wait_s(at(token="other")) > 0
    clock.now += KNOWN_S + 1
    fail(attempts, at(), FREE + 5)
    assert attempts.wait_s(good) > 0


def test_a_token_known_anywhere_is_not_slowed_by_its_user_name(attempts):
    """CI comes from a new address each time; guessers elsewhere do not lock it out."""
    attempts.succeeded(at("10.0.0.1", "ci", "good"))
    for number in range(5 * FREE + 5):
        attempts.failed(at(f"10.0.1.{number}", "ci"))

    assert attempts.wait_s(at("10.9.9.9", "ci", "good")) == 0
    assert attempts.wait_s(at("10.9.9.9", "ci", "other")) > 0
    fail(attempts, at("10.9.9.9"), FREE)
    assert attempts.wait_s(at("10.9.9.9", "ci", "good")) > 0, "its address is another matter"


def test_a_token_that_is_good_no_more_is_known_no_more(attempts):
    attempts.succeeded(at(token="good"))
    fail(attempts, at(), FREE)
    attempts.failed(at(token="good"))

    assert attempts.wait_s(at(token="good")) > 0


def test_success_clears_no_failure(attempts):
    """Else who holds one token could guess others for ever."""
    fail(attempts, at(), FREE - 1)
    attempts.succeeded(at(token="own"))
    attempts.failed(at())

    assert attempts.wait_s(at()) > 0


def test_what_is_remembered_is_bounded(attempts, monkeypatch):
    monkeypatch.setattr(module, "MOST", 50)
    for number in range(500):
        attempts.failed(at(f"a{number}", f"n{number}", f"t{number}"))
        attempts.succeeded(at(f"a{number}", f"n{number}", f"t{number}"))

    assert len(attempts) <= 150


def test_threads_lose_no_failure(attempts, clock):
    threads = [threading.Thread(target=fail, args=(attempts, at(), 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert attempts.failed(at()) == CAP_S
    assert len(attempts) == 1


NAMES = st.sampled_from(["a", "b"])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["try", "try", "try", "good", "pass"]),
        st.builds(Attempt, NAMES, st.sampled_from(["", "x"]), st.sampled_from(["1", "2"])),
        st.floats(0, 2 * WINDOW_S),
    ),
    max_size=80,
)


@given(EVENTS)
@settings(max_examples=200, deadline=None)
def test_whatever_happens_waits_are_bounded_and_end_and_known_tokens_pass(events):
    """The token 1 is good, 2 is not; who is told to wait waits or does not."""
    clock = Clock()
    attempts, fails = Attempts(FREE, clock), {"a": 0, "b": 0}
    for what, attempt, pause_s in events:
        if what == "pass":
            clock.now += pause_s
            continue
        wait_s = attempts.wait_s(attempt)
        assert 0 <= wait_s <= CAP_S
        if wait_s:
            assert fails["a"] + fails["b"] >= FREE, "nobody waits who has not failed"
            clock.now += wait_s
            assert attempts.wait_s(attempt) == 0
        if attempt.token == "1":
            attempts.succeeded(attempt)
            assert attempts.wait_s(attempt) == 0
        else:
            fails[attempt.address] += 1
            assert 0 <= attempts.failed(attempt) <= CAP_S


@given(st.integers(1, 10**6), st.integers(0, 10**9))
def test_a_delay_never_shrinks_with_more_failures(free, failures):
    limit = Limit(free, CAP_S)

    assert limit.delay_s(failures) <= limit.delay_s(failures + 1) <= CAP_S
    assert (limit.delay_s(failures) == 0) == (failures < free)
