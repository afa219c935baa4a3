"""The sentences of a rollout's report."""

import pytest

from stratum.cli.waiting import sentence


@pytest.mark.parametrize(
    ("outcome", "pid", "note", "said"),
    [
        ("kept", 4701, "", "worker.1 kept (pid 4701)"),
        (
            "kept",
            0,
            "it does not stay up: exit status 3",
            "worker.1 kept, but it does not stay up: exit status 3",
        ),
        ("stopped", 0, "exit status 0", "worker.1 stopped"),
        ("stopped", 0, "killed after 30.1 s", "worker.1 stopped, killed after 30.1 s"),
    ],
)
def test_what_became_of_a_process_is_one_sentence(outcome: str, pid: int, note: str, said: str) -> None:
    line = {"label": "worker.1", "outcome": outcome, "pid": pid, "port": 0, "seconds": 0.0, "note": note}
    assert sentence(line) == said
