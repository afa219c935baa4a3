"""The router with 10 and with 1,000 apps: what a change costs, and what it adds to a request."""

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import stats
from benchmarks.router_load import answering, latencies
from benchmarks.tables import table
from stratum.model import App
from stratum.store import domains, environments, formation
from tests.stage import Stage, staged

APPS = (10, 1000)
CHANGES, ROUNDS = 20, 5
DOMAIN = "shop.example.com"
RATE, SECONDS = 500, 3.0
PARTS = (("p50", 0.5, 1), ("p99", 0.99, 5))  # and how many milliseconds may be added there


def run(rounds: int | None) -> str:
    changes: list[tuple[object, ...]] = []
    asked: list[tuple[object, ...]] = []
    with answering() as port:
        for apps in APPS:
            with staged(router=True, port_first=40_000, port_last=59_000) as stage:
                app = _filled(stage, apps, port)
                changes += [(what, apps, *_of(times)) for what, times in _changes(stage, app).items()]
                changes.append(("the router's memory, MiB", apps, 1, f"{_memory_mib(stage):.0f}"))
                asked += _compared(stage, app, apps, port, rounds or ROUNDS)
    heads = ("one change", "apps", "n", "ms, median [min–max]")
    columns = (
        f"at {RATE} requests/s",
        "apps",
        "n",
        "direct, ms",
        "through the router, ms",
        "added, ms [95 %]",
        "bar",
    )
    return f"{table(heads, changes)}\n\n{table(columns, asked)}"


def _filled(stage: Stage, apps: int, port: int) -> App:
    """Make so many apps with a web process each; return one in the middle, with three to choose from."""
    with stage.parts.database.write() as tx:
        home = environments.add_environment(tx, "E", "production", start_all=False)
        made = [environments.add_app(tx, home, f"app{number:04}") for number in range(apps)]
        for number, app in enumerate(made):
            formation.give_port(tx, app.id, f"E.{app.name}.v1.web.1", 40_000 + number)
            formation.set_routed(tx, app.id, [f"E.{app.name}.v1.web.1"])
        chosen = made[apps // 2]
        for version, at in ((2, port), (3, 39_999)):
            formation.give_port(tx, chosen.id, f"E.{chosen.name}.v{version}.web.1", at)
    stage.parts.router.ensure()
    return chosen


def _changes(stage: Stage, app: App) -> dict[str, list[float]]:
    router, names = stage.parts.router, [f"E.{app.name}.v{version}.web.1" for version in (2, 3)]

    def maintain(number: int) -> None:
        with stage.parts.database.write() as tx:
            environments.set_maintenance(tx, app.id, on=not number % 2)
        router.ensure()

    by: dict[str, Callable[[int], None]] = {
        "a look that finds all as it is": lambda _: router.ensure(),
        "a release moves to another port": lambda number: router.route(app, [names[number % 2]]),
        "maintenance on, off": maintain,
        "one process more, less": lambda number: router.route(app, names[: 2 - number % 2]),
        "a domain more, less (a load)": lambda number: _name(stage, app, on=not number % 2),
    }
    found: dict[str, list[float]] = {what: [] for what in by}
    for what, change in by.items():
        for number in range(CHANGES):
            start = time.perf_counter()
            change(number)
            found[what].append(time.perf_counter() - start)
    router.route(app, [names[0]])
    return found


def _name(stage: Stage, app: App, *, on: bool) -> None:
    with stage.parts.database.write() as tx:
        if on:
            domains.add_domain(tx, app.id, DOMAIN)
        else:
            domains.remove_domain(tx, app.id, DOMAIN)
    stage.parts.router.ensure()


def _compared(stage: Stage, app: App, apps: int, port: int, rounds: int) -> list[tuple[object, ...]]:
    sides = {"direct": port, "router": stage.instance.port}
    found: dict[str, list[list[float]]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 else reversed(sides):
            found[side].append(sorted(latencies(sides[side], app.host("localhost"), RATE, SECONDS)))
    return [_row(name, apps, found, part, bar) for name, part, bar in PARTS]


def _row(
    name: str, apps: int, found: dict[str, list[list[float]]], part: float, bar: int
) -> tuple[object, ...]:
    router, direct = ([_at(part, times) for times in found[side]] for side in ("router", "direct"))
    added = stats.difference(router, direct)
    shown = (f"{stats.of_median(side).value:.2f}" for side in (direct, router))
    return (
        name,
        apps,
        len(direct),
        *shown,
        added.shown(),
        f"{bar}: {'met' if added.value <= bar else '**missed**'}",
    )


def _at(part: float, times: list[float]) -> float:
    return 1e3 * times[int(part * (len(times) - 1))]


def _of(times: list[float]) -> tuple[int, str]:
    return len(times), stats.milliseconds(times)


def _memory_mib(stage: Stage) -> float:
    pid = stage.ctl("pid", "_router").strip()
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024
