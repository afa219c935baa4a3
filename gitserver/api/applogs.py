"""The logs of all processes of an app, over releases and changes of scale."""

from collections.abc import Iterator

from gitserver.services import Services
from stratum.errors import NothingReleased, UnknownTarget
from stratum.model import RELEASE_PHASE, App, Release
from stratum.processes import label, phase_name, wished_names
from stratum.processlog import Tail, sizes
from stratum.store import Transaction, environments, formation, releases, rollouts


class AppLogs:
    """One reader's view; `refresh` finds processes that came since."""

    def __init__(self, services: Services, app: App, target: str | None) -> None:
        self._services, self._app, self._target = services, app, target
        self._folder = services.instance.layout.process_log(app.id, "").parent
        # What a file holds now was written before this reader came, by whatever process.
        self._before = sizes(self._folder)
        self._tails: dict[str, Tail] = {}
        self._listed: list[str] = []
        self._failed: list[str] = []

    def refresh(self) -> bool:
        """Look which processes the app has now; False when it has been destroyed.

        Raises:
            NothingReleased: it never had any.
            UnknownTarget: it has none of the target asked for.
        """
        with self._services.database.read() as tx:
            app = environments.get_app(tx, self._app.id)
            if app is None:
                return False
            self._failed = self._failures(tx, app)
            wished = [name for release in self._releases(tx, app) for name in self._names(tx, release)]
            self._listed = [name for name in wished if name not in self._failed] + self._failed
        for name in self._listed:
            if name not in self._tails:
                self._tails[name] = self._tail(name)
        return True

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are read, one for each process there is or was."""
        return tuple(str(tail.path) for tail in self._tails.values())

    def last(self, count: int) -> Iterator[str]:
        """Yield the last lines of each process."""
        for name in self._listed:
            for line in self._tails[name].last(count):
                yield f"{self._label(name)} | {line}"

    def fresh(self) -> Iterator[str]:
        """Yield what was written since the last call."""
        for name, tail in self._tails.items():
            for line in tail.fresh():
                yield f"{self._label(name)} | {line}"

    def close(self) -> None:
        """Close all files."""
        for tail in self._tails.values():
            tail.close()

    def _tail(self, name: str) -> Tail:
        path = self._services.instance.layout.process_log(self._app.id, name)
        return Tail(path, self._before.get(path.name, 0))

    def _label(self, name: str) -> str:
        """Name a process; one that did not come up with its release, as another may run under its label."""
        return ".".join(name.rsplit(".", 3)[1:]) if name in self._failed else label(name)

    def _failures(self, tx: Transaction, app: App) -> list[str]:
        """Name what the newest rollout did not bring up: its hint sends people here.

        Nobody who asks for all targets of an app that runs is shown it.
        """
        if self._target == RELEASE_PHASE or (self._target is None and app.current_release_id is not None):
            return []
        failed = rollouts.failed_processes(tx, app.id)
        return [name for name in failed if self._target in (None, _target(name))]

    def _releases(self, tx: Transaction, app: App) -> list[Release]:
        """The current release and one that is being rolled out; the newest where neither is.

        Of a release phase the newest, whatever became of it.
        """
        if self._target == RELEASE_PHASE:
            phased = [release for release in releases.list_releases(tx, app.id) if release.phase_command]
            if phased:
                return phased[:1]
        wished = releases.wished_release(tx, app.id)
        current = [] if app.current_release_id is None else [releases.get_release(tx, app.current_release_id)]
        if wished is not None and wished not in current:
            current.append(wished)
        found = current or releases.list_releases(tx, app.id)[:1]
        if not found:
            raise NothingReleased(app.label)
        self._check_target(found)
        return found

    def _check_target(self, found: list[Release]) -> None:
        known = list(dict.fromkeys(name for release in found for name in release.target_names()))
        known += [target for target in map(_target, self._failed) if target not in known]
        if self._target is not None and self._target not in known:
            raise UnknownTarget(self._target, known)

    def _names(self, tx: Transaction, release: Release) -> list[str]:
        if self._target == RELEASE_PHASE:
            return [phase_name(self._app, release)]
        names = wished_names(self._app, release, formation.get_formation(tx, self._app.id))
        return [name for name in names if self._target in (None, _target(name))]


def _target(name: str) -> str:
    return label(name).rpartition(".")[0]
