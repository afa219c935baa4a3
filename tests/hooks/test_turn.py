"""Who pushes to an app waits for whoever came before."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hooks.parts import Parts
from hooks.turn import Turn
from stratum.errors import Conflict
from stratum.ownership import exclusive, is_free
from stratum.queue import Nudges


def turn_of(web, app):
    return Turn(Parts(web.instance, web.db, Nudges(web.instance.redis_url)), app.id)


def test_many_threads_hold_it_one_at_a_time(web, app):
    path, held = web.instance.layout.push_lock(app.id), []

    def hold(number):
        mine = turn_of(web, app)
        assert mine.wait(30)
        mine.take()
        held.append(number)
        assert held == [number]
        assert not is_free(path)
        held.remove(number)
        mine.let_go()
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(hold, range(40))) == list(range(40))
    assert is_free(path)


def test_waiting_for_another_process_has_an_end_and_leaves_nothing_held(web, app):
    mine = turn_of(web, app)
    with exclusive(web.instance.layout.push_lock(app.id)):
        assert not mine.wait(0.05)
        with pytest.raises(Conflict):
            mine.take()

    assert mine.take() == app
    mine.let_go()


def test_waiting_for_another_thread_has_an_end(web, app):
    first, second = turn_of(web, app), turn_of(web, app)
    first.take()

    assert not second.wait(0.05)
    with pytest.raises(Conflict):
        second.take()

    first.let_go()
    assert second.take() == app
    second.let_go()
