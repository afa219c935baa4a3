"""The sentences of a rollout's report."""

import pytest

from stratum.cli.waiting import NOT_BEGUN, Patience, sentence


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


def test_a_rollout_that_does_not_begin_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    patience = Patience(silent_s=0)
    for _ in range(3):
        patience.tell({"status": "queued"})

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{NOT_BEGUN}\n")


@pytest.mark.parametrize(("status", "silent_s"), [("running", 0), ("queued", 3600)])
def test_nothing_is_told_of_a_rollout_under_way_or_soon(
    capsys: pytest.CaptureFixture[str], status: str, silent_s: float
) -> None:
    Patience(silent_s).tell({"status": status})

    assert capsys.readouterr().err == ""
