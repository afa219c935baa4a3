import errno
import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from runner.engines.supervisord.pipes import Pipes
from runner.engines.supervisord.seconds import Seconds
from runner.engines.supervisord.wakeup import Wakeup


class Pipe:
    """A dispatcher as supervisor's are: reads, or writes what it has."""

    def __init__(self, *, to_write: bytes = b"", reads: bool = True) -> None:
        self.mine, self.other = os.pipe() if reads else os.pipe()[::-1]
        os.set_blocking(self.mine, False)
        self.to_write, self.reads, self.fails = to_write, reads, False
        self.got: list[bytes] = []
        self.errors = self.told = self.read_bytes = 0

    def readable(self) -> bool:
        return self.reads

    def writable(self) -> bool:
        return bool(self.to_write)

    def handle_read_event(self) -> None:
        if self.fails:
            raise OSError(errno.EIO, "no")
        self.got.append(os.read(self.mine, 4))
        self.read_bytes += len(self.got[-1])
        self.reads = bool(self.got[-1])

    def handle_write_event(self) -> None:
        self.to_write = self.to_write[os.write(self.mine, self.to_write) :]

    def held_back(self) -> None:
        self.told += 1

    def handle_error(self) -> None:
        self.errors += 1
        self.reads = False

    def close(self) -> None:
        os.close(self.mine)
        os.close(self.other)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Pipes, dict[int, Pipes]]]:
    """As supervisord has it; it reads eight bytes of a pipe within a second, and the piece it begins with."""
    monkeypatch.setattr(Wakeup, "soon", lambda _after_s: None)
    sockets: dict[int, Pipes] = {}
    pipes = Pipes(Seconds(clock, most_bytes=8))
    supervisord = SimpleNamespace(options=SimpleNamespace(get_socket_map=lambda: sockets))
    pipes.install(supervisord)
    yield pipes, sockets


def test_one_descriptor_stands_for_all_and_each_is_read_once_a_pass(loop) -> None:
    pipes, sockets = loop
    first, second = Pipe(), Pipe()
    for one in (first, second):
        pipes.add({one.mine: one})
    os.write(first.other, b"12345678")
    os.write(second.other, b"ab")

    assert list(sockets.values()) == [pipes]
    pipes.handle_read_event()
    assert (first.got, second.got) == ([b"1234"], [b"ab"])
    pipes.handle_read_event()
    assert (first.got, second.got) == ([b"1234", b"5678"], [b"ab"])
    first.close()
    second.close()


def test_a_pipe_that_has_ended_is_left_alone_and_its_number_may_be_anothers(loop) -> None:
    pipes, _ = loop
    ended = Pipe()
    pipes.add({ended.mine: ended})
    os.close(ended.other)
    pipes.handle_read_event()
    pipes.handle_read_event()
    assert ended.got == [b""]

    number = ended.mine
    os.close(number)
    other = Pipe()
    assert number in (other.mine, other.other)
    pipes.add({other.mine: other})
    os.write(other.other, b"new")
    pipes.handle_read_event()
    assert other.got == [b"new"]
    other.close()


def test_input_that_does_not_fit_is_written_once_it_does(loop) -> None:
    pipes, _ = loop
    full = Pipe(to_write=b"x" * (1 << 20), reads=False)
    pipes.add({full.mine: full})
    pipes.handle_read_event()
    left = len(full.to_write)
    assert 0 < left < 1 << 20
    pipes.handle_read_event()
    assert len(full.to_write) == left

    while full.to_write:
        os.read(full.other, 1 << 20)
        pipes.handle_read_event()
    full.close()


def test_one_that_fails_is_closed_and_the_others_are_read(loop) -> None:
    pipes, _ = loop
    bad, good = Pipe(), Pipe()
    bad.fails = True
    for one in (bad, good):
        pipes.add({one.mine: one})
        os.write(one.other, b"text")
    pipes.handle_read_event()
    pipes.handle_read_event()
    assert (bad.errors, good.got) == (1, [b"text"])
    bad.close()
    good.close()


def test_a_dropped_pipe_is_read_no_more(loop) -> None:
    pipes, _ = loop
    one = Pipe()
    pipes.add({one.mine: one})
    os.write(one.other, b"text")
    pipes.drop([one.mine, 12345])
    pipes.handle_read_event()
    assert one.got == []
    one.close()


def a_pass(pipes: Pipes) -> None:
    assert pipes.readable()
    pipes.handle_read_event()


def test_what_floods_is_read_again_in_the_next_second_and_others_are_meanwhile(loop, clock: Clock) -> None:
    pipes, _ = loop
    flood, other = Pipe(), Pipe()
    for one in (flood, other):
        pipes.add({one.mine: one})
    os.write(flood.other, b"0123456789abcdefghij")

    for _ in range(5):
        a_pass(pipes)
    os.write(other.other, b"text")
    a_pass(pipes)
    assert (b"".join(flood.got), flood.told, other.got) == (b"0123456789ab", 1, [b"text"])

    clock.now += 0.9
    pipes.add({flood.mine: flood})  # as `write` does
    a_pass(pipes)
    assert len(flood.got) == 3
    clock.now += 0.2
    for _ in range(5):
        a_pass(pipes)
    assert b"".join(flood.got) == b"0123456789abcdefghij"
    assert flood.told == 1
    flood.close()
    other.close()


def test_what_is_written_over_more_than_a_second_is_no_flood(loop, clock: Clock) -> None:
    pipes, _ = loop
    one = Pipe()
    pipes.add({one.mine: one})
    for _ in range(10):
        os.write(one.other, b"12345678")
        a_pass(pipes)
        a_pass(pipes)
        clock.now += 1
    assert (len(b"".join(one.got)), one.told) == (80, 0)
    one.close()


def test_one_that_is_held_back_may_be_dropped_and_its_number_be_anothers(loop, clock: Clock) -> None:
    pipes, sockets = loop
    held = Pipe()
    pipes.add({held.mine: held})
    os.write(held.other, b"x" * 20)
    for _ in range(4):
        a_pass(pipes)
    assert held.told == 1

    pipes.drop([held.mine])
    pipes.add({held.mine: held})  # as a new start's pipe, which may have the same number
    a_pass(pipes)
    assert len(held.got) == 4
    clock.now += 1
    a_pass(pipes)
    assert len(held.got) == 5
    held.close()
    assert list(sockets.values()) == [pipes]
