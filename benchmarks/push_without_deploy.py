"""A push of one commit that does not deploy, against nginx + fcgiwrap + `git http-backend`.

Ours goes through Caddy, the token's check, both receive hooks with journal and policy. The peer
has a copy of the same repository with the same settings, basic authentication and two hooks of
`exit 0`. The same commit goes to both, in turns, who is first alternating.
"""

from benchmarks import instances, peer, stats
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table, verdict
from gitserver.git.repos import settings
from stratum.instance import Instance
from stratum.settings import Settings

BAR = 1.15
ROUNDS = 41
WARM_UP = 5
FILES = 20
OWN = "with the helper of `stratum associate`"


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        files = {f"folder/{number}.txt": f"{number}\n" * 50 for number in range(FILES)}
        repo = served.app("bench", {"Procfile": "worker: sleep 1000\n", **files})
        served.push(repo)
        instance = Instance.open(Settings(data=served.data))
        bare = next(served.data.glob("repos/*.git"))
        client, ours, token = Client(served, repo), git_url(served, "bench"), admin_token(served)
        with peer.serving(served.folder / "peer", bare, _settings(instance), token) as theirs:
            client.knows(ours, token)
            client.knows(theirs, token)
            _rounds(client, ours, theirs, WARM_UP)
            times = _rounds(client, ours, theirs, rounds or ROUNDS)
    return _section(times[ours], times[theirs], times[OWN])


def _section(ours: list[float], theirs: list[float], own: list[float]) -> str:
    rows = [
        ("nginx + fcgiwrap + http-backend", len(theirs), stats.seconds(theirs), "1"),
        ("Stratum", len(ours), stats.seconds(ours), stats.ratio(ours, theirs).shown()),
        (f"Stratum, {OWN}", len(own), stats.seconds(own), stats.ratio(own, theirs).shown()),
    ]
    found = table(("push of one commit", "n", "seconds, median [min–max]", "ratio of medians [95 %]"), rows)
    return f"{found}\n\n{verdict('Ratio', stats.ratio(ours, theirs), BAR)}"


def _rounds(client: Client, ours: str, theirs: str, count: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {ours: [], theirs: [], OWN: []}
    for number in range(count):
        client.change()
        for url in (ours, theirs) if number % 2 else (theirs, ours):
            times[url].append(client.push(url, "topic"))
        client.change()
        times[OWN].append(client.push("catalyze", "topic", own_helper=True))
        client.push(theirs, "topic")
    return times


def _settings(instance: Instance) -> dict[str, str]:
    """What our git gets as `-c` options, the place of the hooks apart."""
    given = dict(word.split("=", 1) for word in settings(instance) if "=" in word)
    return {name: value for name, value in given.items() if name != "core.hooksPath"}
