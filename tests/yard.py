"""A builder on real folders, git, database and door, without the services around it."""

import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Self

from builder.jobs import build_queued
from builder.workshop import Workshop
from stratum.door.fencing import fences
from stratum.fence import fenced_base
from stratum.instance import Identity
from stratum.model import NO_OPTIONS, App, Build, BuildOptions, BuildState, RefUpdate, Release
from stratum.ownership import this_process
from stratum.secrets import make_key, seal
from stratum.settings import Settings
from stratum.spool import spool
from stratum.store import builds, environments, pushes, releases
from stratum.up import folders
from tests.databases import new_database
from tests.doors import standing
from tests.repos import Source, commit, git, make_repo

ROOT = os.geteuid() == 0


class Yard:
    """One data folder and a workshop in it.

    Attributes:
        folder: holds all; every uid can reach it.
    """

    def __init__(self, folder: Path, shop: Workshop) -> None:
        self.folder, self.shop = folder, shop
        self.layout = shop.instance.layout

    @classmethod
    def make(cls, *, fenced: bool = False, data: Path | None = None, **settings: object) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="stratum-yard-", dir="/tmp"))
        folder.chmod(0o755)
        chosen = data or folder / "data"
        chosen.mkdir(exist_ok=True)
        chosen.chmod(0o711)
        name = secrets.token_hex(6)
        base = fenced_base(name) if fenced else os.geteuid()
        Identity(name, fenced, base, "127.0.0.1:8080").write(chosen)
        given = Settings(data=chosen, redis_url="unix:///nonexistent.sock", **settings)  # type: ignore[arg-type]
        shop = Workshop.open(given)
        folders.make(shop.instance)
        fences.write(shop.instance.layout.fences, standing(os.geteuid()))
        make_key(shop.instance.layout.config_key)
        new_database(shop.instance.layout.database)
        return cls(folder, shop)

    def reopened(self, **settings: object) -> "Yard":
        """The same with other settings."""
        before = self.shop.instance.settings
        return Yard(self.folder, Workshop.open(replace(before, **settings)))  # type: ignore[arg-type]

    def remove(self) -> None:
        self.shop.db.close()
        shutil.rmtree(self.layout.descriptions, ignore_errors=True)
        subprocess.run(["chmod", "-R", "u+w", self.folder], check=False)  # slugs are read-only
        shutil.rmtree(self.folder)

    def meeting(self, app: App) -> Path:
        """The folder that a build, its next, and a test can all reach."""
        return self.layout.cache(app.id)

    def app(self, source: Source, *, name: str = "app", stage: str = "production") -> App:
        """Make an app of a sample, pushed and queued once, in an environment of its own."""
        with self.shop.db.write() as tx:
            home = environments.add_environment(tx, f"Env-{name}", stage, start_all=False)
            made = environments.add_app(tx, home, name)
        git(self.layout.repos, "init", "--quiet", "--bare", str(self.layout.repo(made.id)))
        make_repo(self._work(made), source)
        self._queue(made)
        return made

    def push(self, app: App, source: Source, options: BuildOptions = NO_OPTIONS) -> Build:
        """Change files, push, and queue the build."""
        commit(self._work(app), source)
        return self._queue(app, options)

    def offer(self, app: App, source: Source) -> Build:
        """Change files, and queue the build of a gated push: the repository has nothing of it yet."""
        tip, repo = commit(self._work(app), source), self.layout.repo(app.id)
        incoming = Path(tempfile.mkdtemp(dir=self.folder)) / "incoming.git"
        git(self.folder, "init", "--quiet", "--bare", str(incoming))
        git(incoming, "config", "receive.unpackLimit", "1")
        (incoming / "objects/info/alternates").write_text(f"{repo}/objects\n")
        git(self._work(app), "push", "--quiet", str(incoming), "HEAD:refs/heads/master")
        with self.shop.db.write() as tx:
            build = builds.add_build(tx, app.id, tip, source="push", who="tester", gate=this_process())
            builds.hold(tx, build.id)
        spool(repo, str(incoming / "objects"), self.layout.spool(app.id, build.number))
        shutil.rmtree(incoming.parent)
        with self.shop.db.write() as tx:
            builds.enqueue(tx, build.id)
            return builds.get_build(tx, build.id)

    def take(self, app: App, build: Build) -> None:
        """Move the ref of a gated push, and accept it."""
        work, repo = self._work(app), self.layout.repo(app.id)
        git(work, "push", "--quiet", "--force", str(repo), f"{build.commit}:refs/heads/master")
        update = RefUpdate("refs/heads/master", "0" * 40, build.commit)
        with self.shop.db.write() as tx:
            [push_id] = pushes.journal(
                tx, app.id, [(update, True)], "tester", web_process="1:1", receive_process="1:1"
            )
            builds.belong(tx, build.id, push_id)
            pushes.accept(tx, [push_id])

    def set_variables(self, app: App, **variables: str) -> None:
        sealed = seal(self.layout.config_key, variables)
        with self.shop.db.write() as tx:
            releases.add_config(tx, app.id, sealed)

    def build(self, app: App) -> Build:
        """Do what a nudge does; return the newest build."""
        build_queued(self.shop, app.id)
        return self.builds(app)[0]

    def builds(self, app: App) -> list[Build]:
        with self.shop.db.read() as tx:
            return builds.list_builds(tx, app.id)

    def releases(self, app: App) -> list[Release]:
        with self.shop.db.read() as tx:
            return list(releases.newest_first(tx, app.id))

    def give_back(self, app: App) -> None:
        """Do what the reconciler does with a build whose builder is gone."""
        with self.shop.db.write() as tx:
            for build in builds.in_state(tx, BuildState.RUNNING):
                if build.app_id == app.id:
                    builds.give_back(tx, build)

    def log(self, build: Build) -> str:
        return self.layout.build_log(build.app_id, build.number).read_text()

    def scratch(self, app: App) -> list[Path]:
        """What is left of an app's builds."""
        parent = self.layout.build(app.id, 1).parent
        return list(parent.iterdir()) if parent.exists() else []

    def _work(self, app: App) -> Path:
        return self.folder / f"work-{app.id}"

    def _queue(self, app: App, options: BuildOptions = NO_OPTIONS) -> Build:
        work = self._work(app)
        git(work, "push", "--quiet", "--force", str(self.layout.repo(app.id)), "HEAD:refs/heads/master")
        with self.shop.db.write() as tx:
            tip = git(work, "rev-parse", "HEAD")
            return builds.add_build(tx, app.id, tip, source="push", who="tester", options=options)
