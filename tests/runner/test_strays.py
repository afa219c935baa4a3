"""Which processes have been started anew, and what is said of strays."""

from runner.strays import MOST_TOLD, Restarts, listed
from stratum.supervisor import ProcessStatus


def status(name: str, pid: int | None) -> ProcessStatus:
    return ProcessStatus(name, pid, "RUNNING" if pid else "BACKOFF", None, 0, None)


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


def test_what_was_ended_is_named_and_no_process_writes_into_our_log() -> None:
    few = listed([(7, 1, "Env.app.v1.web.1"), (8, 1, ""), (9, 1, "a\n\x1b[2Jb")])
    many = listed([(7, 1, "")] * (MOST_TOLD + 3))

    assert few == "pid 7 of Env.app.v1.web.1, pid 8, pid 9 of a\\n\\x1b[2Jb"
    assert many.count("pid 7") == MOST_TOLD
    assert many.endswith(", and 3 more")
