"""Another number of processes in a real Caddy: nothing is loaded, so nobody else notices."""

import select
import threading
from contextlib import ExitStack

import pytest

from stratum.store import formation
from tests.routed import opened, process, received, upgraded
from tests.served import free_port
from tests.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

TIMES = 50


def test_no_connection_is_refused_or_closed_while_another_app_scales_fifty_times(stage: Stage) -> None:
    a, b = stage.app("steady"), stage.app("scaled")
    over, failed, asked = threading.Event(), [], [0]

    def ask_again_and_again() -> None:
        while not over.is_set():
            asked[0] += 1
            with opened(stage, a, "GET / HTTP/1.1") as fresh:
                got = received(fresh, b"]")
            if b" 200 " not in got:
                failed.append(got)

    with ExitStack() as stack:
        stack.enter_context(process(stage, a, "a.9"))
        names = [stack.enter_context(process(stage, b, f"b.{number}")).name for number in range(8)]
        stage.parts.router.route(a, ["a.9"])
        kept = stack.enter_context(opened(stage, a, "GET / HTTP/1.1"))
        asks = threading.Thread(target=ask_again_and_again)
        asks.start()
        config = stage.layout.router_config.read_bytes()
        for number in range(TIMES):
            stage.parts.router.route(b, names[: number % (len(names) + 1)])
            assert b" 200 " in received(kept, b"]")
            kept.sendall(f"GET / HTTP/1.1\r\nHost: {a.host('localhost')}\r\n\r\n".encode())
        wait_until(lambda: asked[0] > TIMES)
        over.set()
        asks.join()
    assert not failed
    assert stage.layout.router_config.read_bytes() == config, "a configuration was loaded"


def test_each_of_many_processes_is_asked_when_the_others_are_busier(stage: Stage) -> None:
    app = stage.app("many")
    with ExitStack() as stack:
        processes = [stack.enter_context(process(stage, app, f"m.{number}")) for number in range(33)]
        for some in (processes[:12], processes):  # all have one place, and some have two
            stage.parts.router.route(app, [one.name for one in some])
            with ExitStack() as streams:
                for _ in some:
                    streams.enter_context(upgraded(stage, app))
                assert [len(one.streams) for one in some] == [1] * len(some)
            for one in some:
                one.streams.clear()


def test_room_for_more_processes_is_made_once(stage: Stage) -> None:
    app = stage.app("growing")
    with ExitStack() as stack:
        names = [stack.enter_context(process(stage, app, f"g.{number}")).name for number in range(70)]
        stage.parts.router.route(app, names)
        grown = stage.layout.router_config.read_bytes()
        for number in (1, 0, 33, 70):
            stage.parts.router.route(app, names[:number])
            assert stage.layout.router_config.read_bytes() == grown
        assert stage.get(app)[0] == 200


def test_a_request_that_waits_for_a_dead_process_finds_the_one_that_takes_its_place(stage: Stage) -> None:
    app = stage.app("replaced")
    with process(stage, app, "r.2"):
        with stage.parts.database.write() as tx:
            formation.give_port(tx, app.id, "r.1", free_port())
        stage.parts.router.route(app, ["r.1"])
        with opened(stage, app, "GET / HTTP/1.1") as waits:
            assert select.select([waits], [], [], 0.3)[0] == []
            stage.parts.router.route(app, ["r.2"])
            assert received(waits, b"]").endswith(b'["r.2", 0]')
