"""Each kind of request that lasts has places of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gitserver import places as module
from gitserver.places import DELIVERIES, SPARE, WAITING, Places, threads
from stratum.errors import Unavailable
from stratum.settings import Settings
from tests.waiting import wait_until

SETTINGS = Settings(live_pushes=2, receiving_pushes=1, fetches=1, streams=1, polls=1, web_threads=3)


def test_no_kind_takes_the_places_of_another():
    places = Places(SETTINGS)
    with ExitStack() as held:
        places.receiving.enter()
        places.fetches.enter()
        held.enter_context(places.for_stream())
        assert held.enter_context(places.polls.held())
        assert not held.enter_context(places.polls.held())
        live = [held.enter_context(places.for_live(keeps_waiting=False)) for _ in range(3)]

    assert live == [True, True, False]
    assert threads(SETTINGS) == 2 + 1 + 1 + 1 + 1 + 3 + 2 * WAITING + DELIVERIES + SPARE


def test_a_stream_too_many_is_refused_with_what_to_do():
    places = Places(SETTINGS)
    with places.for_stream(), pytest.raises(Unavailable) as refused, places.for_stream():
        pass

    assert str(refused.value) == "1 logs are being read already. Try again in a moment."


def in_another_thread(call):
    """Return what a call in a thread of its own raises."""
    raised = []

    def run():
        try:
            call()
        except Unavailable as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


def test_a_push_leaves_its_place_to_the_next_once_it_is_followed():
    places = Places(SETTINGS)
    places.receiving.enter()
    assert in_another_thread(places.receiving.enter)
    with places.for_live(keeps_waiting=False):
        assert not in_another_thread(places.receiving.enter)
    places.receiving.exit()  # as the end of every answer does


def test_a_gated_push_is_followed_whatever_the_number_in_the_place_it_has():
    places = Places(SETTINGS)
    places.receiving.enter()
    with ExitStack() as held:
        for _ in range(2):
            assert places.live.take()
        assert held.enter_context(places.for_live(keeps_waiting=True))
        assert in_another_thread(places.receiving.enter)


def test_a_thread_whose_last_request_never_told_its_end_holds_one_place_only():
    places = Places(SETTINGS)
    places.fetches.enter()
    places.fetches.enter()
    places.fetches.exit()
    places.fetches.exit()
    assert not in_another_thread(places.fetches.enter)


def test_an_ordinary_request_waits_a_while_for_its_place_and_not_behind_too_many(monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    monkeypatch.setattr(module, "WAITING", 1)
    places = Places(SETTINGS)
    for _ in range(3):
        assert not in_another_thread(places.ordinary.enter)
    [refused] = in_another_thread(places.ordinary.enter)
    assert str(refused) == "3 requests are under way already. Try again in a moment."

    monkeypatch.setattr(module, "WAIT_S", 60.0)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(in_another_thread, places.ordinary.enter)
        wait_until(lambda: not places.ordinary._waiting._free._value)
        assert in_another_thread(places.ordinary.enter), "at once: another waits already"
        places.ordinary.leave()
        assert waits.result() == []


def test_a_reader_of_a_log_and_a_long_poll_give_their_ordinary_place_back():
    places = Places(SETTINGS)
    for held in (places.for_stream, places.for_poll):
        places.ordinary.enter()
        with held():
            assert places.ordinary._free._value == 3
