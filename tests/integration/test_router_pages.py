"""Pages in an app's place, in a real Caddy: each for its reason, and none of them loads a configuration."""

import http.client
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

from runner.router import own_pages
from runner.router.switch import Router
from stratum.errors import Unavailable
from stratum.git import Commit
from stratum.maintenance import MAX_BYTES
from stratum.model import App, BuildState
from stratum.ownership import is_free
from stratum.store import builds, environments
from stratum.store.tables import formation as formation_table
from stratum.store.tables import releases
from tests.repos import git, make_repo
from tests.served import free_port
from tests.stage import RUN_WEB, Stage

pytestmark = pytest.mark.integration


def told(stage: Stage, app: App) -> tuple[int, str]:
    """What a visitor gets once the router has looked again, as the reconciler has it do every two seconds."""
    stage.parts.router.ensure()
    return stage.get(app)


def maintain(stage: Stage, app: App, *, on: bool) -> None:
    with stage.parts.database.write() as tx:
        environments.set_maintenance(tx, app.id, on=on)


def test_each_reason_has_its_page_from_creation_to_pause_and_one_connection_lives_through_all(
    stage: Stage,
) -> None:
    app = stage.app("reasons")
    stage.parts.router.ensure()
    kept = http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60)

    def ask() -> tuple[int, str]:
        stage.parts.router.ensure()
        kept.request("GET", "/", headers={"Host": app.host("localhost")})
        answer = kept.getresponse()
        return answer.status, answer.read().decode()

    assert ask() == (404, "This app has not been deployed yet.\n")
    socket = kept.sock
    with stage.parts.database.write() as tx:
        builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
    assert ask() == (503, "This app is being deployed for the first time.\n")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    assert ask()[0] == 200
    stage.apply(app, stage.scale(app, web=0))
    assert ask() == (503, "This app has no web process running.\n")
    with stage.parts.database.write() as tx:
        tx.execute(formation_table.update().values(paused=True).where(formation_table.c.app_id == app.id))
    assert ask() == (503, "This app is paused.\n")
    stage.deploy(app, {"worker": "exec sleep 1000"}, worker=0)
    assert ask() == (404, "This app has no web target.\n")
    assert kept.sock is socket, "a configuration was loaded"
    kept.close()


def test_maintenance_hides_a_running_app_over_releases_until_it_is_off(stage: Stage) -> None:
    app = stage.app("closed")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    pids = stage.pids()
    assert told(stage, app)[0] == 200

    maintain(stage, app, on=True)
    assert told(stage, app) == (503, "This app is down for maintenance.\n")
    assert pids.items() <= stage.pids().items(), "its processes run on"
    stage.deploy(app, {"web": RUN_WEB}, web=2)
    assert told(stage, app) == (503, "This app is down for maintenance.\n")
    maintain(stage, app, on=False)
    assert told(stage, app)[1].startswith("v2 ")


def test_a_browser_gets_a_page_and_a_program_a_sentence_that_says_when_to_come_back(stage: Stage) -> None:
    app = stage.app("pages")
    maintain(stage, app, on=True)
    stage.parts.router.ensure()
    connection = http.client.HTTPConnection("127.0.0.1", stage.instance.port, timeout=60)
    connection.request(
        "GET", "/x?y", headers={"Host": app.host("localhost"), "Accept": "text/html,*/*;q=0.8"}
    )
    answer = connection.getresponse()
    page = answer.read().decode()

    assert (answer.status, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("60", "no-store")
    assert page.startswith("<!doctype html>")
    assert "<h1>This app is down for maintenance.</h1>" in page
    connection.close()
    assert stage.get(app, Accept="application/json") == (503, "This app is down for maintenance.\n")


def test_an_app_shows_a_page_of_its_own_as_it_is_and_the_next_release_another(
    stage: Stage, tmp_path: Path
) -> None:
    app = stage.app("own")
    asks = {"Accept": "text/html", "X": "<script>"}
    html = "<h1>{env.HOME}{http.request.header.X}{file./etc/passwd}\\{$1</h1>\n\r\n\u00fc"
    for text in (html, "x" * MAX_BYTES):
        stage.deploy(app, {"web": RUN_WEB}, web=1)
        work = make_repo(tmp_path / f"work{len(text)}", {"maintenance.html": text})
        shutil.rmtree(stage.layout.repo(app.id), ignore_errors=True)
        git(tmp_path, "clone", "-q", "--bare", str(work), str(stage.layout.repo(app.id)))
        with stage.parts.database.write() as tx:
            commit = git(work, "rev-parse", "HEAD")
            tx.execute(releases.update().where(releases.c.app_id == app.id).values(commit=commit))
        maintain(stage, app, on=True)
        stage.parts.router.ensure()
        assert stage.get(app, "/any", **asks) == (503, text)
        assert stage.get(app) == (503, "This app is down for maintenance.\n")
    maintain(stage, app, on=False)
    assert told(stage, app)[0] == 200


def released(stage: Stage, app: App, folder: Path, html: str) -> None:
    """Have an app run that has a page of its own."""
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    work = make_repo(folder / app.name, {"maintenance.html": html})
    git(folder, "clone", "-q", "--bare", str(work), str(stage.layout.repo(app.id)))
    commit = git(work, "rev-parse", "HEAD")
    with stage.parts.database.write() as tx:
        tx.execute(releases.update().where(releases.c.app_id == app.id).values(commit=commit))


def test_no_change_of_routes_waits_for_git_to_read_a_page(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stage.app("slow-git")
    released(stage, app, tmp_path, "<p>soon</p>")
    maintain(stage, app, on=True)
    files, free = Commit.files, []

    def look(self: Commit, names: Iterable[str], max_bytes: int) -> dict[str, bytes | None]:
        free.append(is_free(stage.layout.locks / "router"))
        return files(self, names, max_bytes)

    monkeypatch.setattr(Commit, "files", look)
    stage.parts.router.ensure()
    assert free == [True]

    appliers = Router(stage.instance, stage.parts.database)  # who has read no page leaves what is shown
    appliers.route(app, [])
    assert stage.get(app, Accept="text/html") == (503, "<p>soon</p>")
    assert free == [True]


def test_a_page_that_could_not_be_read_is_tried_again(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = stage.app("failing-git")
    released(stage, app, tmp_path, "<p>soon</p>")
    maintain(stage, app, on=True)
    with monkeypatch.context() as patch:
        patch.setattr(Commit, "files", Mock(side_effect=Unavailable("git failed")))
        for _ in range(2):
            stage.parts.router.ensure()
            assert stage.get(app, Accept="text/html")[1].startswith("<!doctype html>")
    assert caplog.messages == [f"the maintenance page of app {app.id}: git failed"]

    monkeypatch.setattr(own_pages, "AGAIN_S", 0.0)
    stage.parts.router.ensure()
    assert stage.get(app, Accept="text/html") == (503, "<p>soon</p>")


def test_a_request_that_a_former_configuration_ends_is_told_that_an_app_has_gone(stage: Stage) -> None:
    """By a rename, or for good: its file goes once Caddy has loaded that, and not all is answered yet."""
    app = stage.app("gone")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    file = stage.layout.router_upstreams / app.host("localhost")
    gone = (404, "There is no app at this address.\n")

    file.unlink()
    assert stage.get(app) == gone

    stage.parts.router.ensure()
    file.write_text(file.read_text().replace(file.read_text().split()[1], str(free_port())))
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(stage.get, app)  # for a process that does not listen
        file.unlink()
        assert waits.result(60) == gone
    assert told(stage, app)[0] == 200


def test_an_app_that_is_being_destroyed_has_gone_for_its_visitors(stage: Stage) -> None:
    app = stage.app("doomed")
    stage.deploy(app, {"web": RUN_WEB}, web=1)
    with stage.parts.database.write() as tx:
        environments.mark_destroying(tx, app.id)
    stage.parts.router.route(app, [])

    assert stage.get(app) == (404, "There is no app at this address.\n")
    assert not (stage.layout.router_upstreams / app.host("localhost")).exists()


def test_what_nobody_wrote_into_a_page_file_is_answered_as_an_app_that_does_not_run(stage: Stage) -> None:
    app = stage.app("garbled")
    stage.parts.router.ensure()
    file = stage.layout.router_upstreams / app.host("localhost")
    for word in ("nonsense", "{http.request.header.X}", "<b>"):
        for text in (word, f"{word}\n\n1\n{'0 ' * 8}\n."):
            file.write_text(text)
            assert stage.get(app, X="<script>") == (503, "This app has no web process running.\n")


def test_an_app_without_a_release_that_lost_its_build_is_not_deployed(stage: Stage) -> None:
    app = stage.app("failed")
    with stage.parts.database.write() as tx:
        builds.add_build(tx, app.id, "c" * 40, source="push", who="test")
        claimed = builds.claim_next(tx, app.id, "1:1")
        assert claimed is not None
        builds.finish(tx, claimed, BuildState.FAILED, error="no")
    assert told(stage, app) == (404, "This app has not been deployed yet.\n")
