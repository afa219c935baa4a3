"""Rounds: which processes come up together, and which old ones go after them."""

from hypothesis import given
from hypothesis import strategies as st

from runner.plan import Known, Process, known
from runner.rounds import Round, rounds
from stratum.model import Strategy


def new(target: str, scale: int, surge: object = "") -> list[Process]:
    return [
        Process(
            f"Env.app.v2.{target}.{index}", target, index, index, "run", Strategy.OVERLAP, 0, (), str(surge)
        )
        for index in range(1, scale + 1)
    ]


def old(target: str, *indices: int) -> list[Known]:
    return [known(f"Env.app.v1.{target}.{index}") for index in indices]


def labels(found: list[Round]) -> list[tuple[list[str], list[str]]]:
    return [([one.label for one in each.processes], [one.label for one in each.relieved]) for each in found]


def test_without_a_surge_all_come_up_at_once_and_the_old_go_at_the_end():
    assert labels(rounds(new("web", 2), old("web", 1, 2), ())) == [(["web.1", "web.2"], ["web.1", "web.2"])]


def test_nothing_is_one_round_of_nothing():
    assert rounds([], [], ()) == [Round((), ())]


def test_each_round_relieves_the_old_ones_of_its_places():
    assert labels(rounds(new("web", 3, 2), old("web", 1, 2, 3), ())) == [
        (["web.1", "web.2"], ["web.1", "web.2"]),
        (["web.3"], ["web.3"]),
    ]


def test_what_no_old_one_stands_for_waits_for_nothing():
    assert labels(rounds(new("web", 3, 1), [], ())) == [(["web.1", "web.2", "web.3"], [])]
    assert labels(rounds(new("web", 4, 1), old("web", 1, 2), ())) == [
        (["web.1"], ["web.1"]),
        (["web.2", "web.3", "web.4"], ["web.2"]),
    ]


def test_of_a_target_that_is_through_the_last_old_ones_wait_for_the_end():
    found = rounds([*new("web", 2, 1), *new("worker", 1)], [*old("web", 1, 2), *old("worker", 1)], ())
    assert labels(found) == [
        (["web.1", "worker.1"], ["web.1"]),
        (["web.2"], ["web.2", "worker.1"]),
    ]


def test_what_an_earlier_attempt_has_done_is_looked_at_first():
    found = rounds(new("web", 3, 1), old("web", 2, 3), {"Env.app.v2.web.1", "Env.app.v2.web.2"})
    assert labels(found) == [(["web.2", "web.1"], ["web.2"]), (["web.3"], ["web.3"])]


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(0, 12))
def test_never_more_run_than_were_wished_and_the_surge(scale, before, surge, done):
    """Wherever the rollout is begun, once more after so many places were taken."""
    wished, there = new("web", scale, surge), {one.name for one in new("web", min(scale, done))}
    olds = old("web", *range(1 + done, before + 1))
    up, running = set(there), {one.name for one in olds}

    for one in rounds(wished, olds, there):
        up |= {process.name for process in one.processes}
        assert len(up) + len(running) <= max(scale, before) + surge
        running -= {known.name for known in one.relieved}

    assert up == {one.name for one in wished}
    assert not running
