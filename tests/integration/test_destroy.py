"""Of an app that is destroyed nothing stays on the disk."""

import os

import pytest

from runner.apply.destroy import destroy
from stratum.model import App
from stratum.store import environments
from tests.stage import Stage

pytestmark = pytest.mark.integration


def test_destroying_an_app_removes_its_folders(stage: Stage, app: App) -> None:
    stage.deploy(app, {"worker": "chmod 500 .; exec sleep 1000"}, worker=1)
    with stage.parts.database.write() as tx:
        environments.mark_destroying(tx, app.id)
    destroy(stage.parts, stage.found(app))

    assert not stage.layout.release(app.id, 1).parent.exists()


def test_destroying_an_app_removes_a_repository_however_deep_its_folders_are(stage: Stage, app: App) -> None:
    """As one ref of a thousand slashes had made them."""
    repo = stage.layout.repo(app.id)
    repo.mkdir(parents=True, exist_ok=True)
    inner = os.open(repo, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("a", dir_fd=inner)
        inner, outer = os.open("a", os.O_RDONLY, dir_fd=inner), inner
        os.close(outer)
    os.close(inner)

    destroy(stage.parts, app)

    assert not repo.exists()
