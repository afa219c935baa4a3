"""What the worker does. Jobs pass through files below $HOME, so no broker is needed; storage at `jobs` keeps them over releases."""

import os
from pathlib import Path

from celery import Celery

ROOM = Path(os.environ["HOME"]) / "jobs"
for name in ("queue", "done", "results"):
    (ROOM / name).mkdir(parents=True, exist_ok=True)

app = Celery("jobs", broker="filesystem://", backend=f"file://{ROOM / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(ROOM / "queue"),
    "data_folder_out": str(ROOM / "queue"),
    "processed_folder": str(ROOM / "done"),
    "control_folder": str(ROOM / "control"),
}


def process_name():
    """Which of the app's processes this is, such as worker.1."""
    return f"{os.environ.get('STRATUM_TARGET', 'local')}.{os.environ.get('STRATUM_INDEX', '1')}"


@app.task
def greet(name):
    return f"{os.environ.get('GREETING', 'Hello')}, {name}, from {process_name()}"
