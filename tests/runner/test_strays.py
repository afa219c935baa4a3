"""Which processes have been started anew, and how strays are listed."""

from runner.strays import MOST_TOLD, Restarts, listed
from stratum.states import ProcessStatus, State


def status(name: str, pid: int | None) -> ProcessStatus:
    return ProcessStatus(name, pid, State.RUNNING if pid else State.BACKOFF, None, 0, None)


def test_a_process_with_another_pid_was_started_anew_even_after_a_pause() -> None:
    restarts = Restarts()
    looks: list[list[tuple[str, int | None]]] = [
        [("a", 1), ("b", 2)],
        [("a", None), ("b", 2)],
        [("a", 3), ("b", 2), ("c", 4)],
        [("c", 4)],
    ]

    found = [restarts.since(status(*one) for one in look) for look in looks]

    assert found == [set(), set(), {"a"}, set()]


def test_a_few_are_named_if_they_are_many() -> None:
    many = listed(["pid 7"] * (MOST_TOLD + 3))

    assert listed(["pid 7 of Env.app.v1.web.1", "pid 8"]) == "pid 7 of Env.app.v1.web.1, pid 8"
    assert many.count("pid 7") == MOST_TOLD
    assert many.endswith(", and 3 more")
