"""What is wrong with what runs, told in the next push: it may be meant to mend that, or nobody knew."""

from collections.abc import Iterable

from runner.plan import known
from stratum.buildlog import BANG, Log, last_lines
from stratum.model import App, Release
from stratum.processes import crash_text
from stratum.store import Transaction, crashes
from stratum.store.formation import get_formation
from stratum.verbs.automatic import told

_FORMER_LINES = 1000  # of earlier attempts at the same rollout


def troubles(tx: Transaction, app: App, release: Release) -> list[str]:
    """Say which processes keep crashing, but those of the release itself, and what was gone back from.

    What was scaled away or paused a moment ago may be recorded as crashing still, and crashes no more.
    """
    wished = get_formation(tx, app.id)
    found = ((one, known(one.process)) for one in crashes.crashes(tx, app.id))
    looping = [
        crash
        for crash, process in found
        if process.version != release.version and process.index <= wished.scale(process.target)
    ]
    said = [f"{crash_text(one)}; stratum ps shows its last lines" for one in looping]
    gone_back = told(tx, app)
    return [*said, gone_back] if gone_back else said


def tell(log: Log, texts: Iterable[str]) -> None:
    """Say each once, however often the rollout is begun; counts may have grown meanwhile."""
    said = last_lines(log.path, _FORMER_LINES)
    for text in texts:
        begin = BANG + text.partition(":")[0]
        if not any(line.startswith(begin) for line in said):
            log.error(text)
