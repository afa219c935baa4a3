"""The web process of an instance in a temporary folder, without builders and appliers.

What those would record is recorded here through the store, by `release` and by `Applier`.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from werkzeug.serving import make_server

from gitserver.app import create_app
from gitserver.services import services_of
from stratum.fence import Fence
from stratum.instance import Identity, Instance
from stratum.layout import Layout
from stratum.model import (
    App,
    BuildState,
    Outcome,
    Release,
    ReleaseState,
    ReportLine,
    Rollout,
    RolloutState,
    Target,
)
from stratum.secrets import make_key
from stratum.settings import Settings
from stratum.store import Database, builds, environments, formation, releases, rollouts, tokens
from stratum.up import folders
from tests.databases import new_database

COMMIT = "3f2c1ab" + "0" * 33
SLUG = "a" * 64
PROMPT_S = 0.02  # how soon the server sees that it shall stop


def make_instance(data: Path) -> Instance:
    """An unfenced instance with a database and a key; nothing of it runs."""
    data.mkdir()
    Identity("0" * 12, fenced=False, uid_base=os.getuid(), listen="127.0.0.1:8080").write(data)
    layout = Layout(data, f"test-{os.getpid():x}-{data.parent.name[-32:]}")
    instance = Instance(Settings(data=data), layout, Fence(False, os.getuid()), "127.0.0.1:8080")
    folders.make(instance)
    new_database(layout.database)
    make_key(layout.config_key)
    return instance


@dataclass
class WebSide:
    """An application under test and what it stands on."""

    instance: Instance
    db: Database
    admin: str

    @classmethod
    def make(cls, data: Path) -> "WebSide":
        instance = make_instance(data)
        db = Database.open(instance.layout.database)
        with db.write() as tx:
            admin = tokens.add_token(tx, "admin", is_admin=True)
        return cls(instance, db, admin)

    def close(self) -> None:
        self.db.close()
        self.instance.layout.descriptions.rmdir()

    @contextmanager
    def client(self):
        """Flask's own test client on a new application."""
        app = create_app(self.instance)
        yield app.test_client()
        services_of(app).database.close()

    @contextmanager
    def served(self, port: int = 0, *, applies: bool = True) -> Iterator[str]:
        """Serve it on a loopback port, with an applier unless told otherwise; yield the address."""
        app = create_app(self.instance)
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(PROMPT_S,))
        thread.start()
        with Applier(self.db) if applies else nullcontext():
            yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()
        services_of(app).database.close()

    def app(self, name: str = "app02", environment: str = "MyProdEnv") -> App:
        """Make an app, and its environment if there is none."""
        with self.db.write() as tx:
            found = environments.find_environment(tx, environment)
            if found is None:
                found = environments.add_environment(tx, environment, "production", start_all=False)
            return environments.add_app(tx, found, name)

    def release(self, app: App, *targets: str, commit: str = COMMIT) -> Release:
        """Record a build, its release, and that it went live, as builder and applier would."""
        chosen = tuple(Target(name, f"run {name}") for name in targets or ("web", "worker"))
        with self.db.write() as tx:
            build = builds.add_build(tx, app.id, commit, source="push", who="admin")
            claimed = builds.claim_next(tx, app.id, "1:1")
            assert claimed is not None
            release = releases.add_release(
                tx,
                app.id,
                slug=SLUG,
                commit=commit,
                targets=chosen,
                cause=f"push {commit[:7]}",
                who="admin",
                build_id=build.id,
            )
            if formation.get_formation(tx, app.id).scales == {}:
                formation.set_scales(
                    tx, app.id, {target.name: int(target.name == "web") for target in chosen}
                )
            rollouts.add_rollout(
                tx, app.id, cause="push", who="admin", release_id=release.id, build_id=build.id
            )
            builds.finish(tx, claimed, BuildState.SUCCEEDED, release_id=release.id)
        self.settle(app)
        with self.db.read() as tx:
            return releases.get_release(tx, release.id)

    def settle(self, app: App, error: str = "", report: Sequence[ReportLine] = ()) -> None:
        """Settle all rollouts of an app: well, or with an error."""
        while settle_next(self.db, app.id, error, report):
            pass

    def token(self, name: str, *grants) -> str:
        with self.db.write() as tx:
            return tokens.add_token(tx, name, is_admin=False, grants=grants)


def settle_next(db: Database, app_id: int, error: str = "", report: Sequence[ReportLine] = ()) -> bool:
    """Do what an applier records for one rollout, without running anything."""
    with db.write() as tx:
        rollout = rollouts.claim_next(tx, app_id, "1:1")
        if rollout is None:
            return False
        app = environments.get_app(tx, app_id)
        assert app is not None
        if app.destroying:
            environments.remove_app(tx, app_id)
            return True
        state = RolloutState.FAILED if error else RolloutState.SUCCEEDED
        lines = list(report) or ([] if error else _report(tx, app, rollout))
        if rollout.release_id is not None:
            _record_release(tx, app, rollout.release_id, failed=bool(error))
        elif error:
            formation.set_scales(tx, app_id, rollout.formation_before)
            formation.set_paused(tx, app_id, rollout.resumed, paused=True)
        rollouts.record(tx, rollout, state, lines, error)
    return True


def _record_release(tx, app: App, release_id: int, *, failed: bool) -> None:
    if failed:
        releases.set_release_state(tx, release_id, ReleaseState.FAILED)
        return
    if app.current_release_id is not None:
        releases.set_release_state(tx, app.current_release_id, ReleaseState.RETIRED)
    releases.set_release_state(tx, release_id, ReleaseState.LIVE)
    environments.set_current_release(tx, app.id, release_id)


def _report(tx, app: App, rollout: Rollout) -> list[ReportLine]:
    """One line for each wished process: started if it is new, kept if not."""
    release_id = rollout.release_id or app.current_release_id
    if release_id is None:
        return []
    release = releases.get_release(tx, release_id)
    lines = []
    wished = formation.get_formation(tx, app.id)
    for target in wished.scales:
        scale = wished.scale(target)
        before = rollout.formation_before.get(target, scale)
        if rollout.release_id or target in rollout.resumed:
            before = 0
        for index in range(1, max(scale, before) + 1):
            name = f"{app.environment.name}.{app.name}.v{release.version}.{target}.{index}"
            line = ReportLine(name, target, index, Outcome.KEPT, pid=4700 + index)
            if index > scale:
                line = replace(line, outcome=Outcome.STOPPED, pid=0)
            elif index > before:
                line = replace(line, outcome=Outcome.STARTED)
            lines.append(line)
    return lines


class Applier:
    """Settles every rollout of every app for as long as the block lasts.

    Attributes:
        failing: what the next rollouts fail with; empty: they go well.
    """

    def __init__(self, db: Database) -> None:
        self._db, self._ended = db, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Applier":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(0.01):
            with self._db.read() as tx:
                queued = rollouts.in_state(tx, RolloutState.QUEUED)
                causes = {rollout.app_id: rollout.cause for rollout in queued}
            for app_id, cause in causes.items():
                settle_next(self._db, app_id, *FAILING.get(cause, ()))


# A rollout with this cause fails, as one would whose new process ends at once.
FAILING = {
    "scale worker=9": (
        "worker.9 ended with exit code 3 after 0.1 s.",
        (
            ReportLine(
                "MyProdEnv.app02.v1.worker.9",
                "worker",
                9,
                Outcome.FAILED,
                note="did not come up: exit status 3 after 0.1 s.",
                output=("no broker",),
            ),
        ),
    )
}
