import os
import signal
import subprocess
from itertools import pairwise

import pytest

from runner.engines.supervisord import members
from tests.waiting import wait_until


def test_a_group_lives_while_a_member_does_and_a_zombie_is_none() -> None:
    leader = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        assert leader.pid in members.living()
        members.kill(leader.pid)
        wait_until(lambda: leader.pid not in members.living())
        assert members.may_live(leader.pid)
        assert not members.Watch().lives(leader.pid)
        os.killpg(leader.pid, 0)  # the kernel still knows the zombie
    finally:
        assert leader.wait() == -signal.SIGKILL
    assert not members.may_live(leader.pid)
    members.kill(leader.pid)


def test_one_look_serves_all_groups_and_the_next_comes_later_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, looks = 100.0, []
    monkeypatch.setattr(members, "may_live", lambda _group: True)
    monkeypatch.setattr("time.monotonic", lambda: now)

    def look() -> set[int]:
        looks.append(now)
        return {1, 2}

    watch = members.Watch(look)
    for _ in range(1000):
        assert [watch.lives(group) for group in (1, 2, 3)] == [True, True, False]
        now += 0.01

    pauses = [late - early for early, late in pairwise(looks)]
    assert pauses[0] == pytest.approx(0.02)
    assert pauses[-1] == pytest.approx(0.5)
    assert len(looks) < 40


def test_a_further_group_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {1}
    monkeypatch.setattr(members, "may_live", lambda _group: True)
    watch = members.Watch(lambda: set(found))
    assert watch.lives(1)

    found.add(2)
    watch.again()

    assert watch.lives(2)


def test_a_look_that_fails_is_taken_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error would leave supervisord's loop, and end it with all that it runs."""
    monkeypatch.setattr(members, "may_live", lambda _group: True)
    looks = []

    def look() -> set[int]:
        looks.append(1)
        if len(looks) == 1:
            raise OSError(24, "Too many open files")
        return set()

    watch = members.Watch(look)

    assert watch.lives(1)
    assert not watch.lives(1)
