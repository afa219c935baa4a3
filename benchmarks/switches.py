"""Releases by push while the app is asked 200 times a second: does a request fail?"""

import time

from benchmarks import instances, stats
from benchmarks.beats import PLAIN
from benchmarks.errors import require
from benchmarks.poller import Polled, polling
from benchmarks.pushes import Client, admin_token, git_url
from benchmarks.tables import table

SWITCHES = 50
RATE = 200  # requests a second
APP = "bench"
SOURCE = {"Procfile": "web: python3 web.py\n", "web.py": (PLAIN / "web.py").read_text(), "text": "first"}


def run(rounds: int | None) -> str:
    with instances.fresh() as served:
        client = Client(served, served.app(APP, SOURCE))
        url = git_url(served, APP)
        client.knows(url, admin_token(served))
        client.push(url, "master")
        texts = ["first"]
        began = time.monotonic()
        with polling(served.port, f"{APP}.myprodenv.localhost:{served.port}", RATE) as polled:
            for _ in range(rounds or SWITCHES):
                texts.append(client.change())
                client.push(url, "master")
        seconds = time.monotonic() - began
    return _said(polled, texts, seconds)


def _said(polled: Polled, texts: list[str], seconds: float) -> str:
    known = {text: polled.first(text) for text in texts}
    missing = [text for text, at in known.items() if at is None]
    require(not missing, "each release answers", str(missing))
    failed = polled.failed
    times = [answer.done - answer.sent for answer in polled.answers]
    rows = [
        ("switches", len(texts) - 1),
        ("requests", len(polled.answers)),
        ("of them failed", len(failed)),
        ("answers, ms", stats.milliseconds(times)),
        ("one switch with its push, s", f"{seconds / (len(texts) - 1):.2f}"),
    ]
    kinds = sorted({f"{answer.status} {answer.text}"[:80] for answer in failed})
    answer = f"bar 0: **{'MISSED' if failed else 'met'}**"
    heads = (f"at {RATE} requests/s", "")
    return f"{table(heads, rows)}\n\nFailed requests: {len(failed)}; {answer}. {'; '.join(kinds)}".rstrip()
