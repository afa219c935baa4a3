"""What is timed of git's transport: each operation on both sides in turns, who is first alternating."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.git_client import Call, GitClient
from benchmarks.git_sides import EMPTY, Side
from tests.repos import git

PARALLEL = 8
SMALL = [f"small{number}" for number in range(PARALLEL)]
TOPIC = "refs/heads/topic"
WARM_UP = 1
Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that operations work with.

    Attributes:
        sources: the client's repositories; of `small0` to `small7` with a work tree.
        scratch: folder for what clones and fetches make.
    """

    client: GitClient
    sides: tuple[Side, Side]
    sources: dict[str, Path]
    scratch: Path

    def in_turns(self, count: int, ready: Callable[[int], None], one: Callable[[Side], float]) -> Times:
        """Time one call on each side a round, after getting ready for the round."""
        times: Times = {side.name: [] for side in self.sides}
        for number in range(count + WARM_UP):
            ready(number)
            for side in self.sides if number % 2 else reversed(self.sides):
                took = one(side)
                if number >= WARM_UP:
                    times[side.name].append(took)
        return times


def push_one_commit(bench: Bench, count: int) -> Times:
    """Push a commit to a branch that does not deploy."""

    def one(side: Side) -> float:
        took = bench.client.run(bench.sources[SMALL[0]], "push", side.url(SMALL[0]), f"HEAD:{TOPIC}")
        side.restore(SMALL[0])
        return took

    return bench.in_turns(count, lambda number: _commit(bench, SMALL[:1], number), one)


def push_all_of(name: str) -> Callable[[Bench, int], Times]:
    """Push a whole repository into an empty one."""

    def measure(bench: Bench, count: int) -> Times:
        def one(side: Side) -> float:
            took = bench.client.run(bench.sources[name], "push", side.url(EMPTY), f"master:{TOPIC}")
            side.restore(EMPTY)
            return took

        return bench.in_turns(count, _as_it_is, one)

    return measure


def push_with_own_helper(bench: Bench, count: int) -> list[float]:
    """Push a commit to Stratum by `catalyze`, as `stratum associate` has set it up."""
    times = []
    for number in range(count + WARM_UP):
        _commit(bench, SMALL[:1], number)
        call = Call(bench.sources[SMALL[0]], ("push", "catalyze", f"HEAD:{TOPIC}"))
        times.append(bench.client.run_all([call], own_helper=True))
        bench.sides[0].restore(SMALL[0])
    return times[WARM_UP:]


def push_big(bench: Bench) -> None:
    """Push the big repository to Stratum once."""
    ours = bench.sides[0]
    bench.client.run(bench.sources["big"], "push", ours.url(EMPTY), f"master:{TOPIC}")
    ours.restore(EMPTY)


def clone_of(name: str) -> Callable[[Bench, int], Times]:
    """Clone, without the checkout, which no server has a part in."""

    def measure(bench: Bench, count: int) -> Times:
        def one(side: Side) -> float:
            words = ("clone", "--no-checkout", "--branch", "topic", side.url(name), "clone")
            took = bench.client.run(bench.scratch, *words)
            shutil.rmtree(bench.scratch / "clone")
            return took

        return bench.in_turns(count, _as_it_is, one)

    return measure


def fetch_50_commits(bench: Bench, count: int) -> Times:
    """Fetch into a repository that lacks the last fifty commits."""
    behind, fetched = bench.scratch / "behind", bench.scratch / "fetched"
    behind.mkdir()
    git(behind, "init", "--quiet", "--bare")
    git(behind, "fetch", "--quiet", str(bench.sources["mid"]), "behind:behind")

    def one(side: Side) -> float:
        shutil.copytree(behind, fetched)
        took = bench.client.run(fetched, "fetch", "--no-tags", side.url("mid"), f"{TOPIC}:{TOPIC}")
        shutil.rmtree(fetched)
        return took

    return bench.in_turns(count, _as_it_is, one)


def ls_remote(bench: Bench, count: int) -> Times:
    """List the refs: a branch and 19 tags."""

    def one(side: Side) -> float:
        return bench.client.run(bench.scratch, "ls-remote", side.url("mid"))

    return bench.in_turns(count, _as_it_is, one)


def push_to_many(bench: Bench, count: int) -> Times:
    """Push one commit to each of eight repositories at once."""
    return _side_by_side(bench, count, SMALL, [TOPIC] * PARALLEL)


def push_to_one(bench: Bench, count: int) -> Times:
    """Push one commit to each of eight branches of one repository at once."""
    return _side_by_side(bench, count, SMALL[:1] * PARALLEL, [f"{TOPIC}{n}" for n in range(PARALLEL)])


def _side_by_side(bench: Bench, count: int, repos: list[str], refs: list[str]) -> Times:
    targets = list(zip(SMALL, repos, refs, strict=True))

    def one(side: Side) -> float:
        took = bench.client.run_all(
            [
                Call(bench.sources[source], ("push", side.url(repo), f"HEAD:{ref}"))
                for source, repo, ref in targets
            ]
        )
        for name in set(repos):
            side.restore(name)
        return took

    return bench.in_turns(count, lambda number: _commit(bench, SMALL, number), one)


def _commit(bench: Bench, names: list[str], number: int) -> None:
    """Make a commit in each of the client's repositories, upon what the servers have."""
    for name in names:
        repo = bench.sources[name]
        git(repo, "reset", "--quiet", "--hard", "base")
        (repo / "text").write_text(f"{name} {number}\n")
        git(repo, "add", "text")
        git(repo, "commit", "--quiet", "--message", f"Change {number}")


def _as_it_is(_number: int) -> None:
    """Get ready for what leaves nothing behind."""
