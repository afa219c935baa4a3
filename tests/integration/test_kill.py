"""Kill -9 of each part at each named point of a push: no acknowledged push is lost, no refused one stays.

`make test` stops a push at every point of the receive path once for redis and `_work`, for the router and for
supervisord, to kill them there (test_kill_web.py does so for the web process and git), and once at every
later point, where the parts take turns; redis is emptied in every other round. `make soak` kills every part
at every point, in SOAK_ROUNDS rounds, several at a time, each process on an instance of its own; each kill
is a test and a line in SOAK_LOG. SOAK_SEED repeats what was left to chance, and takes up again what was
broken off: what the log tells to have passed with that seed is not done again.
"""

import os
import random
import time
from itertools import cycle

import pytest

from stratum.faults import GATED_POINTS, POINTS
from tests.killing import OURS, Round, Trial, answers, is_with_git
from tests.served import Served
from tests.soaking import Diary
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ALL = (*POINTS, *GATED_POINTS)
RECEIVING = ("self", "git", "master", "_redis", "_router", "_work", "supervisord")
OTHERS = ("_redis+_work", "_router", "supervisord")  # what receives is killed in test_kill_web.py
RUN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # the same in all processes of a run
SEED = int(os.environ.get("SOAK_SEED", "0")) or RUN.randrange(1, 10**6)
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "20"))


def parts_at(point: str) -> tuple[str, ...]:
    """Parts that are at work when a push has come to a point: git begins late, and ends before the build."""
    return RECEIVING if is_with_git(point) else OURS


def options_at(point: str) -> tuple[str, ...]:
    return ("gate=build",) if point in GATED_POINTS else ()


def one_each() -> list[Round]:
    """Rounds for each point, with redis emptied in every other.

    Of a receive: one for each way that its push sees it; later the parts take turns.
    """
    later = cycle(OURS)
    parts = {point: OTHERS if point.startswith("receive.") else (next(later),) for point in ALL}
    return [
        Round(point, part, wipe=bool(number % 2), options=options_at(point))
        for number, (point, part) in enumerate((point, part) for point in ALL for part in parts[point])
    ]


def name_of(a_round: Round) -> str:
    return f"{a_round.point}-{a_round.part}{'-wiped' * a_round.wipe}"


class Trials:
    """The instance that takes the next round; one that has failed a round is not used again."""

    def __init__(self) -> None:
        self._trial: Trial | None = None
        self._is_sound = False

    def run(self, a_round: Round) -> str:
        trial, self._is_sound = self.sound(), False
        told = trial.run(a_round)
        self._is_sound = True
        return told

    def sound(self) -> Trial:
        if self._trial is None or not self._is_sound:
            self.end()
            self._trial = Trial(Served.in_new_folder(STRATUM_STOP_GRACE_S="3", STRATUM_DRAIN_S="1"))
            self._is_sound = True
        return self._trial

    def end(self) -> None:
        if self._trial is not None:
            self._trial.served.end()
            self._trial = None


@pytest.fixture(scope="module")
def trials():
    made = Trials()
    yield made
    made.end()


@pytest.fixture(scope="module")
def diary():
    return Diary()


@pytest.mark.parametrize("a_round", one_each(), ids=name_of)
def test_a_push_survives_a_kill(trials, a_round):
    trials.run(a_round)


@pytest.mark.parametrize("part", OURS)
def test_everything_comes_back_without_a_push(trials, part):
    """Killed while nothing happens: the apps keep running or come back, and nothing is built."""
    trial = trials.sound()
    builds = len(trial.served.rows("builds", cwd=trial.repo))
    trial.kill(part, trial.served.pids_of("_work")[-1])

    wait_until(lambda: answers(trial.served), timeout=60)
    wait_until(trial.settled, timeout=60)
    assert trial.served.get("app") == (200, str(trial.number))
    assert len(trial.served.rows("builds", cwd=trial.repo)) == builds
    trial.check_processes()


@pytest.mark.soak
@pytest.mark.parametrize(("point", "part"), [(point, part) for point in ALL for part in parts_at(point)])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_soak_kills_every_part_at_every_point(trials, diary, record_property, number, point, part):
    chance = random.Random(f"{SEED} {number} {point} {part}")
    half = number + ALL.index(point) + RECEIVING.index(part)
    pause_s = chance.choice((0.0, chance.uniform(0, 2)))
    a_round = Round(point, part, wipe=bool(half % 2), options=options_at(point), pause_s=pause_s)
    name = f"seed {SEED}  round {number}  {name_of(a_round)}"
    if name in diary.done:
        pytest.skip("done before, by SOAK_LOG")
    began = time.monotonic()
    told, failure = "failed", None
    try:
        told = trials.run(a_round)
    except BaseException as error:
        failure = error
        raise
    finally:
        line = f"{name}  told {told}  {time.monotonic() - began:.1f} s"
        diary.note(line, failure)
        record_property("line", line)
