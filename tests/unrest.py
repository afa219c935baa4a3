"""Verbs on many apps of a whole instance at once, while parts of it are killed; after each bout, the truth.

What is done is drawn from a seed: the same seed deals the same verbs and kills in the same order.
"""

import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from typing import TypeAlias

from stratum.client import RemoteApp
from stratum.errors import Refused, ServerUnavailable
from tests.killing import NOTHING, OK, REJECTED, arguments, children, kill, told_by
from tests.served import Served
from tests.truth import Truth
from tests.wishes import TARGETS, Code, Wish

WEB = """\
import os, socket
from contextlib import suppress
words = os.environ["STRATUM_RELEASE"], open("text").read(), os.environ.get("TONE", "")
said = " ".join(words).encode()
head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(said)
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=100)
while True:
    peer = server.accept()[0]
    with suppress(OSError), peer:
        peer.recv(65536)
        peer.sendall(head + said)
"""
# A worker that can be told to end with 0, beside a child of its own; and one that sheds its session.
PROCFILE = """\
web: exec python3 -IS web.py
worker: trap 'exit 0' USR1; sleep 100000 & wait # {{UNIQUE_INT}}
daemon: setsid -f sleep 100000; exec sleep 100000
"""
FAILS = f"{PROCFILE}release: exit 3\n"
UNREADABLE = f"{PROCFILE}no line of a Procfile\n"
MOST = 2  # processes of a target
PATIENCE_S = 150.0  # for all to be as wished again; a process that crashes often pauses up to 30 s
LOOK_EVERY_S = 0.2
LONGEST_WAIT_S = 1.5  # before a kill

FAILED = "failed"
Told: TypeAlias = str  # OK, REJECTED, NOTHING of tests.killing, or FAILED


@dataclass(slots=True)
class Tended:
    """An app, and what is wished of it as far as we were told."""

    name: str
    repo: Path
    remote: RemoteApp
    wish: Wish
    commits: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one app.

    Attributes:
        after: what is wished then; the same as before where it is to fail, or wishes nothing.
        told: what whoever does it is told, if nothing is killed meanwhile.
    """

    said: str
    after: Wish
    act: Callable[[], Told]
    told: Told = OK


class Unrest:
    """One instance with a number of apps.

    Attributes:
        trail: what was done, a line for each step and kill.
        at_rest: the apps with which nothing is done in this bout.
    """

    def __init__(self, served: Served, apps: int, seed: int) -> None:
        self.served, self.chance = served, random.Random(seed)
        self._began, self.trail = monotonic(), list[str]()
        served.up()
        served.login()
        self.truth = Truth(served)
        served.remote.create_environment("MyProdEnv", "production", start_all=False)
        with ThreadPoolExecutor(4) as pool:
            self.apps = list(pool.map(self._first, [f"app{number}" for number in range(1, apps + 1)]))
        self._verbs = self._dealt(sorted(_VERBS))
        self._kills = self._dealt(
            sorted(_KILLS.keys() - ({"_door"} if not self.truth.fence.fenced else set()))
        )

    def _first(self, name: str) -> Tended:
        repo = self.served.app(name, {"Procfile": PROCFILE, "web.py": WEB, "text": f"{name}-0"})
        commit = self.served.commit(repo, text=f"{name}-0")
        self.served.push(repo)
        remote = self.served.remote.app("MyProdEnv", name)
        return Tended(name, repo, remote, Wish.first(Code(commit, f"{name}-0")))

    def _dealt(self, cards: Sequence[str]) -> Iterator[str]:
        """Deal all cards in an order left to chance, again and again: so each comes as often as any other."""
        while True:
            yield from self.chance.sample(cards, len(cards))

    def note(self, text: str) -> None:
        self.trail.append(f"{monotonic() - self._began:7.1f} s  {text}")

    # -- one bout
    def bout(self, at_once: int = 4) -> None:
        """Do as many steps at once, each with another app, kill something meanwhile, and see the truth."""
        apps = self.chance.sample(self.apps, at_once)
        self.at_rest = [app for app in self.apps if app not in apps]
        steps = [self._step(app) for app in apps]
        pids = self._pids_at_rest()
        killing, wait_s = next(self._kills), self.chance.uniform(0, LONGEST_WAIT_S)
        for app, step in zip(apps, steps, strict=True):
            self.note(f"{app.name}: {step.said}")
        self.note(f"kill {killing} after {wait_s:.2f} s")
        with ThreadPoolExecutor(at_once) as pool:
            told = [pool.submit(step.act) for step in steps]
            sleep(wait_s)
            _KILLS[killing](self)
        for app, step, answer in zip(apps, steps, told, strict=True):
            self._settle(app, step, answer, is_quiet=killing == "nothing")
        self.check()
        assert killing in ENDING_ALL or self._pids_at_rest() == pids, f"{pids} is now {self._pids_at_rest()}"
        self.note("all is as it is wished")

    def _pids_at_rest(self) -> dict[str, int | None]:
        """Pids of the processes that nothing is done with; other verbs, and most kills, leave them alone."""
        names = {app.name for app in self.at_rest}
        return {name: pid for name, pid in self.truth.pids().items() if name.split(".")[1] in names}

    def _step(self, app: Tended) -> Step:
        """Deal a verb that means something for an app; a push always does."""
        return _VERBS[next(self._verbs)](self, app) or push(self, app)

    def _settle(self, app: Tended, step: Step, answer: "Future[Told]", *, is_quiet: bool) -> None:
        """See that what was told is allowed, and what is wished now; told nothing, it may be either."""
        told = answer.result()
        self.note(f"{app.name} was told {told}")
        assert told == step.told or (not is_quiet and told in (NOTHING, REJECTED)), self.trail[-1]
        self._await_calm()
        if told == OK or (told == NOTHING and self.truth.facts()[app.name].shows(step.after)):
            app.wish = step.after

    def _await_calm(self) -> None:
        until = monotonic() + PATIENCE_S
        while not self._answers() or self.truth.under_way():
            assert monotonic() < until, self.truth.under_way()
            sleep(LOOK_EVERY_S)

    def _answers(self) -> bool:
        try:
            return bool(self.served.remote.whoami())
        except (ServerUnavailable, Refused):
            return False

    def check(self, *, at_end: bool = False) -> None:
        """See that everything is as it is wished, and nothing besides, or comes to be so.

        Args:
            at_end: see also that nothing is kept for releases that have failed, which may take half a minute.
        """
        until = monotonic() + PATIENCE_S
        self.truth.keeps_failed = not at_end
        while wrong := self._wrong():
            assert monotonic() < until, "\n".join(wrong)
            sleep(LOOK_EVERY_S)

    def _wrong(self) -> list[str]:
        if not self._answers():
            return ["Stratum does not answer"]
        return self.truth.wrong({app.name: app.wish for app in self.apps})

    # -- what verbs are done with
    def commit(self, app: Tended, procfile: str = PROCFILE) -> Code:
        app.commits += 1
        text = f"{app.name}-{app.commits}"
        return Code(self.served.commit(app.repo, Procfile=procfile, text=text), text, app.wish.code.tone)

    def pushed(self, app: Tended) -> Told:
        return told_by(self.served.push(app.repo, check=False))

    def pids(self, app: Tended, target: str) -> list[int]:
        return [row["pid"] for row in app.remote.processes() if row["target"] == target and row["pid"]]


def api(app: Tended, ask: Callable[[], "dict[str, object]"]) -> Told:
    """Ask, and wait for the rollout that comes of it."""
    try:
        number = ask()["rollout"]
        if number is None:
            return OK
        done = app.remote.rollout(int(str(number)), until="ended")
    except ServerUnavailable:
        return NOTHING
    except Refused as error:
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return NOTHING
        raise
    return OK if done["status"] == "succeeded" else f"{FAILED}: {done['error']}"


# -- verbs: each makes a step of what is wished of an app, or None where it would mean nothing
def push(unrest: Unrest, app: Tended) -> Step:
    code = unrest.commit(app)
    return Step(f"push {code.text}", app.wish.released(code), partial(unrest.pushed, app))


def failing_push(unrest: Unrest, app: Tended) -> Step:
    """Its commit is taken, its release command fails."""
    code = unrest.commit(app, FAILS)
    return Step(f"push {code.text}, which fails", app.wish, lambda: _unless(OK, unrest.pushed(app)), NOTHING)


def refused_push(unrest: Unrest, app: Tended) -> Step:
    code = unrest.commit(app, UNREADABLE)
    return Step(f"push {code.text}, to be refused", app.wish, partial(unrest.pushed, app), REJECTED)


def scale(unrest: Unrest, app: Tended) -> Step:
    target, number = unrest.chance.choice(TARGETS), unrest.chance.randint(0, MOST)
    act = partial(app.remote.scale, {target: number})
    return Step(f"scale {target}={number}", app.wish.scaled(target, number), partial(api, app, act))


def scale_by(unrest: Unrest, app: Tended) -> Step:
    target = unrest.chance.choice(TARGETS)
    now = app.wish.scales[target]
    change = unrest.chance.choice([n for n in (-2, -1, 1, 2) if 0 <= now + n <= MOST])
    act = partial(app.remote.scale, {target: f"{change:+}"})
    return Step(f"scale {target}={change:+}", app.wish.scaled(target, now + change), partial(api, app, act))


def pause(unrest: Unrest, app: Tended) -> Step | None:
    targets = unrest.chance.choice([[], ["web"], ["worker"], ["daemon"]])
    if not set(targets or TARGETS) - app.wish.paused:
        return None
    after = app.wish.pausing(targets or TARGETS)
    return Step(f"pause {targets}", after, partial(api, app, partial(app.remote.pause, targets)))


def resume(unrest: Unrest, app: Tended) -> Step | None:
    if not app.wish.paused:
        return None
    targets = unrest.chance.choice([[], [unrest.chance.choice(sorted(app.wish.paused))]])
    after = app.wish.resumed(targets or TARGETS)
    return Step(f"resume {targets}", after, partial(api, app, partial(app.remote.resume, targets)))


def configure(unrest: Unrest, app: Tended) -> Step:
    tone = f"tone{unrest.chance.randrange(10**6)}"
    after = app.wish.released(replace(app.wish.code, tone=tone))
    act = partial(app.remote.edit_variables, {"TONE": tone})
    return Step(f"vars set TONE={tone}", after, partial(api, app, act))


def roll_back(unrest: Unrest, app: Tended) -> Step | None:
    if not app.wish.before:
        return None
    return Step("rollback", app.wish.rolled_back(), partial(api, app, partial(app.remote.rollback, None)))


def maintain(unrest: Unrest, app: Tended) -> Step:
    on = not app.wish.maintenance
    after = replace(app.wish, maintenance=on)
    act = partial(app.remote.set_maintenance, on=on)
    return Step(f"maintenance {on}", after, partial(api, app, act))


def crash(unrest: Unrest, app: Tended) -> Step | None:
    pids = [pid for target in TARGETS for pid in unrest.pids(app, target)]
    return _ended(unrest, app, pids, signal.SIGKILL)


def exit_0(unrest: Unrest, app: Tended) -> Step | None:
    return _ended(unrest, app, unrest.pids(app, "worker"), signal.SIGUSR1)


def _ended(unrest: Unrest, app: Tended, pids: Sequence[int], number: signal.Signals) -> Step | None:
    if not pids:
        return None
    pid = unrest.chance.choice(pids)

    def act() -> Told:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return OK

    return Step(f"{number.name} to {pid}", app.wish, act)


def _unless(expected: Told, told: Told) -> Told:
    """Take what was expected for nothing said of the wish: the ref has moved, and nothing came of it."""
    return NOTHING if told == expected else told


_VERBS: dict[str, Callable[[Unrest, Tended], Step | None]] = {
    one.__name__: one
    for one in (
        push,
        failing_push,
        refused_push,
        scale,
        scale_by,
        pause,
        resume,
        configure,
        roll_back,
        maintain,
        crash,
        exit_0,
    )
}


# -- kills
def _nothing(_unrest: Unrest) -> None:
    return


def _one_at_work(unrest: Unrest) -> None:
    """A builder, an applier, the reconciler, or one of their forks.

    Not a git that one of them has started: a build whose git is killed has failed, and says so.
    """
    master, *below = unrest.served.pids_of("_work")
    others = [pid for pid in below if b"stratum.prefork" in arguments(pid, "cmdline")]
    pid = unrest.chance.choice(others or [master])
    unrest.note(f"kill {pid} of {others}")
    kill(pid)


def _service(name: str, unrest: Unrest) -> None:
    kill(unrest.served.pids_of(name)[0])


def _web_worker(unrest: Unrest) -> None:
    for pid in children(unrest.served.pids_of("_web")[0]):
        kill(pid)


def _supervisord(unrest: Unrest) -> None:
    """What has a session of its own outlives it: `stratum up` ends that, and says so."""
    unrest.served.kill_supervisord()
    said = unrest.served.up().stderr
    left = sum(app.wish.scale("daemon") for app in unrest.at_rest)
    assert "that an earlier run had left" in said or not left, said


def _down(unrest: Unrest) -> None:
    unrest.served.down()
    unrest.served.up()


_KILLS: dict[str, Callable[[Unrest], None]] = {
    "nothing": _nothing,
    "one at work": _one_at_work,
    "another at work": _one_at_work,
    "_work": partial(_service, "_work"),
    "_web": partial(_service, "_web"),
    "web worker": _web_worker,
    "_redis": partial(_service, "_redis"),
    "_router": partial(_service, "_router"),
    "supervisord": _supervisord,
    "down": _down,
    "_door": partial(_service, "_door"),  # of a fenced one
}
KILLS = len(_KILLS)
ENDING_ALL = {"supervisord", "down"}
