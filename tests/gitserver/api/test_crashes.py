"""What is told of processes that keep ending."""

from datetime import UTC, datetime

import pytest

from stratum.model import Crash
from stratum.secrets import seal
from stratum.store import crashes, releases
from tests.supervision import supervised

HERE = "/apps/MyProdEnv/app02"
NAME = "MyProdEnv.app02.v1.web.1"
AT = datetime(2026, 11, 22, 10, 2, 11, tzinfo=UTC)
SECRET = "hunter2-and-more"


@pytest.fixture
def app(side):
    app = side.app()
    with side.db.write() as tx:
        releases.add_config(tx, app.id, seal(side.instance.layout.config_key, {"PASSWORD": SECRET}))
    side.release(app, "web")
    with side.db.write() as tx:
        crashes.note(tx, [Crash(app.id, NAME, AT, 5, 1, AT)])
    log = side.instance.layout.process_log(app.id, NAME)
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {n}\n" for n in range(20)) + f"\x1b[2Jno login with {SECRET}\n")
    return app


@pytest.mark.integration
def test_a_crash_looping_process_is_listed_with_its_last_lines_and_no_values(api, side, app):
    with supervised(fenced=False) as supervisord:
        side.instance.layout.supervisord_socket.symlink_to(supervisord.folder / "supervisord.sock")
        _, (web,) = api("GET", f"{HERE}/processes")

    assert web["state"] == "crash-looping (exit 1)"
    assert web["crash"].pop("lines") == [
        *(f"line {n}" for n in range(11, 20)),
        "no login with [PASSWORD]",
    ]
    assert web["crash"] == {
        "since": "2026-11-22T10:02:11.000Z",
        "count": 5,
        "exit_status": 1,
        "last_at": "2026-11-22T10:02:11.000Z",
        "message": "web.1 of v1 is crash-looping since 2026-11-22 10:02:11 UTC: "
        "5 crashes, the last with exit 1",
    }
