"""Fixtures of the node buildpack's tests."""

import json
import shutil
from pathlib import Path

import pytest

from tests.nodepack import Pack


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture
def bare(tmp_path: Path) -> Pack:
    return Pack(tmp_path)


@pytest.fixture
def pack(bare: Pack, downloads: Path) -> Pack:
    """One whose npm has downloaded before what other tests wanted, to save time."""
    (bare.folder / "cache").mkdir()
    (bare.folder / "cache/npm").symlink_to(downloads)
    return bare


@pytest.fixture
def write(tmp_path: Path):
    """Make an app of the given package.json and files."""

    def make(manifest: object, **files: str) -> Path:
        app = tmp_path / "app"
        shutil.rmtree(app, ignore_errors=True)
        app.mkdir()
        (app / "package.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
        for name, text in files.items():
            (app / name.replace("__", ".").replace("_", "-")).write_text(text)
        return app

    return make
