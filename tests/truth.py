"""What there is of a whole instance, compared with what is wished: processes, ports, files, descriptors.

Each method says what is wrong, a line for each; what is only on its way is not there when asked again.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runner import listening
from stratum import secrets
from stratum.door import marks, proc
from stratum.events import Event, Kind
from stratum.instance import Identity, Instance
from stratum.model import App, Build, BuildState, Formation, Release, ReleaseState, RolloutState, Slot
from stratum.settings import Settings
from stratum.states import ProcessStatus
from stratum.store import (
    Database,
    builds,
    crashes,
    environments,
    events,
    formation,
    pushes,
    releases,
    rollouts,
)
from stratum.supervisor import Supervisor
from tests.noted import noted
from tests.served import Served
from tests.wishes import Wish

_BUSY_BUILDS = [state for state in BuildState if not state.is_terminal]
_BUSY_ROLLOUTS = (RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.LIVE)
_OWN_SESSIONS = {"daemon": 2}  # of others one
_FDS_EACH = 3  # of a process, in supervisord: its input, its output, its log
_SPARE_FDS = 20  # connections that are kept: five to the database, of three files each, and to each other
_LIVES = {Kind.STARTED, Kind.HELD_BACK, Kind.STOPPING}
_READY = 2  # forks that wait for a build and a rollout; of one that was killed the next job takes no notice
_WHOLE = re.compile(r"(repos|cache|storage)/[^/]+|(slugs|releases|sites)/[^/]+/[^/]+|redis|router")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says of an app."""

    app: App
    current: Release
    tone: str
    formation: Formation
    ports: Mapping[str, int]
    integers: Mapping[Slot, int]
    releases: tuple[Release, ...]
    builds: tuple[Build, ...]
    crashing: frozenset[str]

    @property
    def prefix(self) -> str:
        return f"{self.app.environment.name}.{self.current.app_name}.v{self.current.version}"

    def shows(self, wish: Wish) -> bool:
        """Whether this is what is wished, as far as people can see it without asking the app."""
        wished = self.formation
        scales = {target: wished.remembered(target) for target in wish.scales}
        code = wish.code
        found = (self.current.commit, self.tone, scales, wished.paused & scales.keys(), self.app.maintenance)
        return found == (code.commit, code.tone, wish.scales, wish.paused, wish.maintenance)


class Truth:
    """Looks at one instance; made when it is up, before its first app.

    Attributes:
        keeps_failed: whether the slugs of failed releases may still be there.
    """

    def __init__(self, served: Served) -> None:
        self._served = served
        identity = Identity.read(served.data)
        assert identity is not None
        self.instance = Instance.open(Settings(data=served.data))
        self.layout, self.fence = self.instance.layout, self.instance.fence
        self.keeps_failed = True
        self._files = set(self._paths())
        self._descriptors = self._open_files()
        self._count = len(self._services())

    # -- what is wished, by the database
    @contextmanager
    def _database(self) -> Iterator[Database]:
        database = Database.open(self.layout.database)
        try:
            yield database
        finally:
            database.close()

    def under_way(self) -> list[str]:
        """Say what is queued or being done: pushes, builds, rollouts."""
        with self._database() as database, database.read() as tx:
            return [
                *(f"push {push.id} of app {push.app_id}" for push in pushes.pending(tx)),
                *(
                    f"build {build.number} of app {build.app_id} {build.state}"
                    for build in builds.in_state(tx, *_BUSY_BUILDS)
                ),
                *(
                    f"rollout {one.number} of app {one.app_id} {one.state}"
                    for one in rollouts.in_state(tx, *_BUSY_ROLLOUTS)
                ),
            ]

    def facts(self) -> dict[str, Facts]:
        """App's name → what is known of it; those without a release are left out."""
        with self._database() as database, database.read() as tx:
            current, wished = releases.current_releases(tx), formation.formations(tx)
            return {
                app.name: Facts(
                    app,
                    current[app.id],
                    self._tone(releases.get_config(tx, app.id, current[app.id].config_version)),
                    wished[app.id],
                    formation.ports_of(tx, app.id),
                    formation.unique_ints(tx, app.id),
                    tuple(list(releases.newest_first(tx, app.id))),
                    tuple(builds.list_builds(tx, app.id, limit=10_000)),
                    frozenset(one.process for one in crashes.crashes(tx, app.id)),
                )
                for app in environments.list_apps(tx)
                if app.id in current
            }

    def _tone(self, sealed: bytes | None) -> str:
        return secrets.unseal(self.layout.config_key, sealed).get("TONE", "")

    # -- all of it
    def wrong(self, wishes: Mapping[str, Wish]) -> list[str]:
        """Say what is not as it is wished."""
        busy = self.under_way()
        if busy:
            return busy
        facts = self.facts()
        wrong = [
            f"{name} is not as wished: {facts[name]}"
            for name, wish in wishes.items()
            if not facts[name].shows(wish)
        ]
        if wrong:
            return wrong
        names = {
            f"{facts[name].prefix}.{label}": label for name, wish in wishes.items() for label in wish.labels()
        }
        sections = {one.name: one for one in Supervisor(self.layout.supervisord_socket).status("")}
        return [
            *self._sections(set(names), sections),
            *self._processes({name: one.pid for name, one in sections.items() if one.pid}),
            *self._records(facts, wishes),
            *self._numbers(facts, wishes),
            *self._history(facts),
            *self._listeners(facts),
            *self._surplus_files(facts, set(names)),
            *self._surplus_descriptors(len(names)),
            *self._answers(facts, wishes),
        ]

    def _sections(self, names: set[str], sections: Mapping[str, ProcessStatus]) -> Iterator[str]:
        yield from (f"{name} has no section" for name in names - sections.keys())
        yield from (f"{name} has a section" for name in sections.keys() - names)
        for name, status in sections.items():
            if status.pid is None or status.state not in {"STARTING", "RUNNING"}:
                yield f"{name} is {status.state}"

    def _processes(self, pids: Mapping[str, int]) -> Iterator[str]:
        """All that runs belongs to the present life of a section, in one session unless it makes more."""
        there = proc.snapshot(self.fence.in_apps_range)
        found = marks.read(self.layout, there.values())
        ours = {
            pid: found[pid] for pid in there if self.fence.fenced or found[pid].process or found[pid].build
        }
        sessions: Counter[str] = Counter()
        for pid, mark in ours.items():
            leader = there.get(pids.get(mark.process, 0))
            if leader is None:
                yield f"process {pid} ({mark}) belongs to nothing: {_command(pid)}"
            elif there[pid].start < leader.start:
                yield f"process {pid} is of an earlier life of {mark.process}: {_command(pid)}"
            else:
                sessions[mark.process] += there[pid].session == pid
        for name, count in sessions.items():
            if count != _OWN_SESSIONS.get(name.rsplit(".", 2)[1], 1):
                yield f"{name} has {count} sessions"

    def pids(self) -> dict[str, int | None]:
        """Name of a process → its pid, by supervisord."""
        return {one.name: one.pid for one in Supervisor(self.layout.supervisord_socket).status("")}

    def _records(self, facts: Mapping[str, Facts], wishes: Mapping[str, Wish]) -> Iterator[str]:
        """Each commit was built once, whatever was killed; what crashes is what there is."""
        for name, wish in wishes.items():
            known = facts[name]
            often = [commit for commit, n in Counter(one.commit for one in known.builds).items() if n > 1]
            if often:
                yield f"{name} has several builds of {often}"
            gone = known.crashing - {f"{known.prefix}.{label}" for label in wish.labels()}
            if gone:
                yield f"{name} is told to have crashing processes that are not there: {sorted(gone)}"

    def _numbers(self, facts: Mapping[str, Facts], wishes: Mapping[str, Wish]) -> Iterator[str]:
        """Ports and integers are given to what is wished, and to nothing else."""
        for name, wish in wishes.items():
            known = facts[name]
            webs = {f"{known.prefix}.{label}" for label in wish.labels() if label.startswith("web.")}
            if known.ports.keys() != webs:
                yield f"{name} has ports {known.ports}, not of {sorted(webs)}"
            slots = {f"{slot.target}.{slot.index}" for slot in known.integers}
            if not wish.labels() <= slots <= wish.remembered():
                yield f"{name} has integers {known.integers}"
            if len(set(known.integers.values())) != len(known.integers):
                yield f"{name} has an integer twice: {known.integers}"

    def _history(self, facts: Mapping[str, Facts]) -> Iterator[str]:
        """What became of processes is recorded, each change as it was noted, and once."""
        with self._database() as database, database.read() as tx:
            for name, one in facts.items():
                found = noted(self.layout.process_events(one.app.id))
                recorded = events.last(tx, one.app.id, len(found))
                if recorded != found:
                    yield f"{name} has {len(found)} changes noted, the last {found[-1]}, not {recorded[-1:]}"
                yield from (f"{name} has no end before {event}" for event in _without_end(found))

    def _listeners(self, facts: Mapping[str, Facts]) -> Iterator[str]:
        """Of all ports that may be given, just those are held that are, each by its own app."""
        given = {
            port: self.fence.app_uid(one.app.id) for one in facts.values() for port in one.ports.values()
        }
        held = {
            port: uid
            for port, uids in listening.accounts().items()
            for uid in uids
            if self.fence.fenced and self.fence.in_apps_range(uid)
        }
        if self.fence.fenced and held != given:
            yield f"ports held: {held}, given: {given}"

    # -- files
    def _paths(self) -> Iterator[str]:
        """What lies in the data folder, but not what is within repositories, slugs, or others' folders."""
        for folder, names, files in os.walk(self.layout.data):
            below = os.path.relpath(folder, self.layout.data)
            if _WHOLE.fullmatch(below):
                names.clear()
                continue
            yield from (os.path.normpath(f"{below}/{name}") for name in (*names, *files))
        yield from (f"shm/{path.name}" for path in self.layout.descriptions.iterdir())

    def _surplus_files(self, facts: Mapping[str, Facts], names: set[str]) -> Iterator[str]:
        surplus = set(self._paths()) - self._files - {f"shm/{name}" for name in names}
        named = [re.compile(text) for one in facts.values() for text in self._named_files(one)]
        surplus = {path for path in surplus if not any(pattern.fullmatch(path) for pattern in named)}
        if surplus:
            yield f"files that nothing names: {sorted(surplus)}"
        lost = {f"shm/{name}" for name in names} - set(self._paths())
        if lost:
            yield f"descriptions that are gone: {sorted(lost)}"

    def _named_files(self, one: Facts) -> Iterator[str]:
        """Patterns of the paths that an app's records name, besides its folders."""
        app, current = one.app.id, one.current.version
        folders = "builds|cache|slugs|releases|logs/apps|logs/builds|spools"
        yield rf"({folders})/{app}|repos/{app}\.git"
        yield rf"state/locks/(apply|build|push|rollback|verify)-{app}"
        yield rf"releases/{app}/v{current}(\.tmp|\.boot)?"
        for release in one.releases:
            name = (
                rf"{re.escape(one.app.environment.name)}\.{release.app_name}\.v{release.version}\.[a-z]+\.\d+"
            )
            yield rf"logs/apps/{app}/{name}\.log(\.\d)?(\.times)?"
            if release.state not in self._useless():
                yield rf"slugs/{app}/{release.slug}"
        yield rf"logs/apps/{app}/events(\.1)?"
        for build in one.builds:
            yield rf"logs/builds/{app}/{build.number}\.log"
        yield rf"router-config/upstreams/{re.escape(one.app.host('localhost'))}(\..*)?"

    def _useless(self) -> set[ReleaseState]:
        """States of releases whose slugs are to be gone."""
        return {ReleaseState.PRUNED} if self.keeps_failed else {ReleaseState.PRUNED, ReleaseState.FAILED}

    # -- descriptors
    def _services(self) -> list[int]:
        """Supervisord and all below it that is not an app's or a build's."""
        try:
            root = self._served.supervisord_pid()
        except (OSError, ValueError):
            return []
        there = proc.snapshot()
        ours = {pid: there[pid] for pid in (root, *proc.descendants(there, root)) if pid in there}
        if self.fence.fenced:
            return sorted(pid for pid, one in ours.items() if not self.fence.in_apps_range(one.uid))
        found = marks.read(self.layout, ours.values())
        return sorted(pid for pid in ours if not found[pid].process and not found[pid].build)

    def _open_files(self) -> dict[str, int]:
        """Service → descriptors of that process of it which has most."""
        found: dict[str, int] = {}
        for pid in self._services():
            with suppress(OSError):
                name = _service(pid)
                found[name] = max(found.get(name, 0), len(list(Path(f"/proc/{pid}/fd").iterdir())))
        return found

    def _surplus_descriptors(self, processes: int) -> Iterator[str]:
        services = len(self._services())
        if not self._count - _READY <= services <= self._count:
            yield f"{services} processes of services, at the start {self._count}"
        for name, count in self._open_files().items():
            needed = (
                self._descriptors.get(name, 0) + _SPARE_FDS + _FDS_EACH * processes * (name == "supervisord")
            )
            if count > needed:
                yield f"{name} has {count} descriptors, at the start {self._descriptors.get(name)}"

    # -- visitors
    def _answers(self, facts: Mapping[str, Facts], wishes: Mapping[str, Wish]) -> Iterator[str]:
        for name, wish in wishes.items():
            code = wish.code
            said = (200, f"v{facts[name].current.version} {code.text} {code.tone}")
            if wish.maintenance:
                said = (503, "This app is down for maintenance.\n")
            elif "web" in wish.paused:
                said = (503, "This app is paused.\n")
            elif not wish.scales["web"]:
                said = (503, "This app has no web process running.\n")
            try:
                answer = self._served.get(name)
            except OSError as error:
                yield f"{name} does not answer: {error}"
                continue
            if answer != said:
                yield f"{name} answers {answer}, not {said}"


def _without_end(found: Iterable[Event]) -> Iterator[Event]:
    """Starts of processes that run already, by what was noted of them."""
    lives: set[str] = set()
    for event in found:
        if event.kind is Kind.STARTED and event.process in lives:
            yield event
        if event.kind in _LIVES:
            lives.add(event.process)
        else:
            lives.discard(event.process)


def _service(pid: int) -> str:
    """Name what a process of ours is by its command: `supervisord`, `stratum.prefork`, `caddy`."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    known = ("supervisord", "gunicorn", "stratum.prefork", "stratum.door.server", "caddy", "redis-server")
    return next(
        (name for name in known for word in words if word.rpartition("/")[2].endswith(name)), words[0]
    )


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(it has ended)"
