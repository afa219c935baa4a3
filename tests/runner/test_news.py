import pytest

from runner.news import LONGEST_S, News


class World:
    """An engine, a database and a clock, all of which stand still unless told."""

    def __init__(self) -> None:
        self.now, self.word, self.has_committed = 100.0, "a", True
        self.news = News(self, self, lambda: self.now)

    def mark(self) -> str:
        return self.word

    def happened(self) -> bool:
        found, self.has_committed = self.has_committed, False
        return found


@pytest.fixture
def settled() -> World:
    world = World()
    assert world.news.is_due()
    world.news.settled()
    return world


def test_what_was_settled_stands_while_nothing_changes(settled: World) -> None:
    settled.now += LONGEST_S - 1
    assert not settled.news.is_due()


def test_everything_is_looked_at_after_a_while_all_the_same(settled: World) -> None:
    settled.now += LONGEST_S
    assert settled.news.is_due()


def test_what_runs_and_what_is_wished_are_news(settled: World) -> None:
    settled.word = "b"
    assert settled.news.is_due()
    settled.news.settled()
    settled.has_committed = True
    assert settled.news.is_due()


def test_what_was_not_settled_is_looked_at_again_and_again(settled: World) -> None:
    settled.word = "b"
    assert settled.news.is_due()
    assert settled.news.is_due()


def test_what_happens_during_a_look_is_due_for_the_next(settled: World) -> None:
    settled.word = "b"
    assert settled.news.is_due()
    settled.word = "c"
    settled.news.settled()
    assert settled.news.is_due()
