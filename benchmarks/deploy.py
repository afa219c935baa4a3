"""A push that deploys, against the same push to a branch that does not.

The app has nothing to install: the web process of `tests/apps/plain` and a worker that beats.
Done means that the push has ended, the new web process has answered and the new worker runs,
whichever is last. First on an otherwise idle machine, then while the app is polled.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import instances, stats
from benchmarks.beats import Heard, listening
from benchmarks.errors import require
from benchmarks.poller import Polled, polling
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict

BAR_S = 0.65
ROUNDS = 21
WARM_UP = 2
RATE = 200  # requests a second
APP = "bench"
SETTLE_S = 2.0  # so that what the push before has left to do is done


@dataclass(frozen=True, slots=True)
class Round:
    """One push to each branch; times in seconds from the deploying push's start.

    Attributes:
        start: of that push (monotonic).
        text: what its release answers.
        stored: the push to the branch that does not deploy.
        worker: the new worker's first beat.
        gap: without any worker.
    """

    start: float
    text: str
    stored: float
    pushed: float
    worker: float
    gap: float

    @property
    def done(self) -> float:
        """The push has ended and the new worker runs."""
        return max(self.pushed, self.worker)


def run(rounds: int | None) -> str:
    with instances.fresh() as served, listening() as heard:
        repo = served.app(APP, heard.source)
        client, url = Client(served, repo), git_url(served, APP)
        client.knows(url, admin_token(served))
        client.push(url, "master")
        served.stratum("worker", "worker", cwd=repo)
        _rounds(client, heard, url, WARM_UP)
        quiet = _rounds(client, heard, url, rounds or ROUNDS)
        with polling(served.port, f"{APP}.myprodenv.localhost:{served.port}", RATE) as polled:
            busy = _rounds(client, heard, url, rounds or ROUNDS)
    return f"{_times(quiet, busy, polled)}\n\n{_verdicts(quiet, busy, polled)}"


def _rounds(client: Client, heard: Heard, url: str, count: int) -> list[Round]:
    return [_round(client, heard, url, stored_first=number % 2 == 0) for number in range(count)]


def _round(client: Client, heard: Heard, url: str, *, stored_first: bool) -> Round:
    stored = _stored(client, url) if stored_first else 0.0
    text = client.change()
    time.sleep(SETTLE_S)
    start = time.monotonic()
    pushed = client.push(url, "master")
    require(client.served.get(APP) == (200, text), "the release answers when its push has ended")
    worker = heard.wait_for(text)
    gap = heard.gap_before(text)
    return Round(start, text, stored or _stored(client, url), pushed, worker - start, gap)


def _stored(client: Client, url: str) -> float:
    client.change()
    time.sleep(SETTLE_S)
    return client.push(url, "topic")


def _web(rounds: list[Round], polled: Polled) -> list[float]:
    """Seconds from each push's start to its release's first answer."""
    return [(polled.first(round.text) or float("inf")) - round.start for round in rounds]


def _more(rounds: list[Round]) -> stats.Estimate:
    return stats.difference([round.done for round in rounds], [round.stored for round in rounds])


def _times(quiet: list[Round], busy: list[Round], polled: Polled) -> str:
    def row(name: str, pick: Callable[[Round], float]) -> tuple[str, ...]:
        return name, *(stats.seconds([pick(round) for round in rounds]) for rounds in (quiet, busy))

    rows = [
        row("push to a branch that does not deploy", lambda round: round.stored),
        row("push that deploys", lambda round: round.pushed),
        ("push start → first new answer", "at the push's end", stats.seconds(_web(busy, polled))),
        row("push start → new worker runs", lambda round: round.worker),
        row("all done (the latest of these)", lambda round: round.done),
        ("more than the other push [95 %]", _more(quiet).shown(".3f"), _more(busy).shown(".3f")),
        row("without any worker", lambda round: round.gap),
    ]
    return table((f"seconds, median [min–max], n = {len(quiet)}", "idle", f"{RATE} requests/s"), rows)


def _verdicts(quiet: list[Round], busy: list[Round], polled: Polled) -> str:
    failed = polled.failed
    kinds = sorted({f"{answer.status} {answer.text}"[:80] for answer in failed})
    return "\n".join(
        (
            verdict("A deploy takes more than the other push by", _more(quiet), BAR_S, " s"),
            verdict(f"Polled {RATE} times a second", _more(busy), BAR_S, " s"),
            f"Failed requests: {len(failed)} of {len(polled.answers)}; bar 0: "
            f"**{'MISSED' if failed else 'met'}**. {'; '.join(kinds)}",
        )
    )
