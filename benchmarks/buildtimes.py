"""How long builds took, as the server recorded them."""

from datetime import datetime
from pathlib import Path

from tests.served import Served


def newest(served: Served, repo: Path) -> float:
    """Seconds from the acceptance of an app's newest push to its release: its time in the queue, too."""
    build = served.rows("builds", cwd=repo)[0]
    created, finished = (datetime.fromisoformat(str(build[name])) for name in ("created_at", "finished_at"))
    return (finished - created).total_seconds()
