"""What became of processes, over the API and at the terminal."""

import pytest

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def events(side):
    file = side.instance.layout.process_events(side.app().id)
    file.parent.mkdir(parents=True)
    file.write_text(
        "1763805731.5\tMyProdEnv.app02.v3.worker.2\tstarted\t4711\t\t0.000\n"
        "1763805735.7\tMyProdEnv.app02.v3.worker.2\texited\t4711\t1\t4.200\n"
    )


def test_they_are_listed_oldest_first(api, events):
    _, found = api("GET", f"{HERE}/events")

    assert [event["kind"] for event in found] == ["started", "exited"]
    assert found[1] == {
        "at": "2025-11-22T10:02:15.700Z",
        "name": "MyProdEnv.app02.v3.worker.2",
        "release": "v3",
        "target": "worker",
        "index": 2,
        "kind": "exited",
        "pid": 4711,
        "exit_status": 1,
        "lived_s": 4.2,
        "message": "ended by itself (exit 1) after 4.2 s",
    }
    assert api("GET", f"{HERE}/events?lines=1")[1] == found[1:]
    assert api("GET", f"{HERE}/events?target=web") == (200, [])
