"""The processes' output."""

import itertools

import pytest

from gitserver.api.applogs import AppLogs
from gitserver.api.shapes import Logs
from gitserver.api.streams import app_logs
from gitserver.services import Services
from stratum.store import formation

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app, "web", "worker")
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 2})
    return app


def write(side, process, text):
    path = side.instance.layout.process_log(1, f"MyProdEnv.app02.{process}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    return path


def test_last_lines_of_each_process_carry_its_name(api, side, app):
    write(side, "v1.web.1", "one\ntwo\nthree\n")
    write(side, "v1.worker.2", "\x1b[31mred\x1b[0m\x07\n")
    write(side, "v0.web.1", "of an old release\n")

    assert api.text(f"{HERE}/logs?lines=2") == (200, "web.1 | two\nweb.1 | three\nworker.2 | red\n")
    assert api.text(f"{HERE}/logs?target=worker") == (200, "worker.2 | red\n")
    assert api.text(f"{HERE}/logs?lines=0") == (200, "")


def test_an_unknown_target_is_refused(api, app):
    status, said = api("GET", f"{HERE}/logs?target=nope")

    assert (status, said["error"]) == (422, "unknown-target")


def test_an_app_without_release_has_no_logs(api, side):
    side.app("empty")

    assert api("GET", "/apps/MyProdEnv/empty/logs")[1]["error"] == "nothing-released"


@pytest.fixture
def followed(side, app):
    """What a follower of all targets is sent, chunk by chunk."""
    services = Services.of(side.instance)
    logs = AppLogs(services, app, None)
    logs.refresh()
    stream = app_logs(logs, Logs(lines=10, follow=True), lambda: False)
    yield stream
    stream.close()
    services.database.close()


def test_following_goes_on_over_rotation_and_releases(side, app, followed):
    path = write(side, "v1.web.1", "early\n")
    assert next(followed) == b"web.1 | early\n"
    write(side, "v1.web.1", "half")
    write(side, "v1.web.1", " line\n")
    assert next(followed) == b"web.1 | half line\n"

    path.rename(path.with_name(path.name + ".1"))
    write(side, "v1.web.1", "after rotation\n")
    assert next(followed) == b"web.1 | after rotation\n"

    side.release(app, "web", "worker", commit="b" * 40)
    write(side, "v2.web.1", "new release\n")
    assert next(followed) == b"web.1 | new release\n"


def test_following_does_not_repeat_what_a_former_process_of_the_name_wrote(side, app):
    write(side, "v1.worker.3", "long ago\n")
    services = Services.of(side.instance)
    logs = AppLogs(services, app, None)
    logs.refresh()
    stream = app_logs(logs, Logs(lines=10, follow=True), lambda: False)
    write(side, "v1.web.1", "x\n")
    assert next(stream) == b"web.1 | x\n"

    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 3})
    write(side, "v1.worker.3", "now\n")

    assert next(stream) == b"worker.3 | now\n"
    stream.close()
    services.database.close()


def test_following_ends_when_the_caller_leaves(side, app):
    services = Services.of(side.instance)
    logs = AppLogs(services, app, None)
    logs.refresh()
    write(side, "v1.web.1", "x\n")
    asked = itertools.count()

    chunks = list(app_logs(logs, Logs(lines=10, follow=True), lambda: next(asked) > 2))

    assert chunks == [b"web.1 | x\n"]
    services.database.close()
