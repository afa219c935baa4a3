"""What is said of processes that were ended."""

from runner.engines.supervisord.ends import named


def test_what_was_ended_is_named_and_no_process_writes_into_our_log() -> None:
    assert named([(7, 1, "Env.app.v1.web.1"), (8, 1, ""), (9, 1, "a\n\x1b[2Jb")]) == [
        "pid 7 of Env.app.v1.web.1",
        "pid 8",
        "pid 9 of a\\n\\x1b[2Jb",
    ]
