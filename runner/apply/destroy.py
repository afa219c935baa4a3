"""The end of an app: processes, routes, folders, rows. May be run again from its start."""

import logging
import subprocess
from pathlib import Path

from runner import pace
from runner.apply.parts import Parts
from stratum.door import disk
from stratum.door.steps import SYSTEM_PATH
from stratum.model import App
from stratum.ownership import is_free
from stratum.store import environments

log = logging.getLogger(__name__)

BUILD_PATIENCE_S = 10.0


def destroy(parts: Parts, app: App) -> None:
    """Take away everything of an app that is marked as being destroyed. The caller holds its lock."""
    layout = parts.instance.layout
    parts.router.route(app, [])
    parts.engine.remove(app)
    parts.door.destroy(app.id)
    for _ in pace.looks(BUILD_PATIENCE_S):  # its builder notices that the step was ended
        if is_free(parts.build_lock(app.id)):
            break
    parts.door.destroy(app.id)
    for folder in (layout.repo(app.id), layout.spool(app.id, 0).parent, layout.build_log(app.id, 0).parent):
        _erase(folder)
    with parts.database.write() as tx:
        environments.remove_app(tx, app.id)
    parts.router.ensure()
    log.info("destroyed %s (app %d)", app.label, app.id)


def _erase(folder: Path) -> None:
    """Remove a folder of ours with all in it.

    By find(1), which goes as deep as a tree is: `shutil.rmtree` calls itself, and fails below a thousand
    folders, of which one ref could once be made.
    """
    argv = ("find", str(folder), "-delete")
    done = subprocess.run(argv, env={"PATH": SYSTEM_PATH}, capture_output=True, check=False)
    if folder.exists():
        log.warning("%s was not erased: %s", folder, done.stderr.decode(errors="replace")[-500:].strip())
    disk.sync(folder.parent)  # or a loss of power brings it back when nothing tells whose it was
