"""Fixtures of the node buildpack's tests."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nodepack import Pack


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("downloads")
    for name in ("npm", "tools"):
        (made / name).mkdir()
    return made


@pytest.fixture
def bare(tmp_path: Path) -> Pack:
    return Pack(tmp_path)


@pytest.fixture
def pack(bare: Pack, downloads: Path) -> Iterator[Pack]:
    """One whose cache has what other tests have fetched: npm's downloads, yarn and pnpm."""
    tools = bare.folder / "cache/tools"
    tools.mkdir(parents=True)
    (bare.folder / "cache/npm").symlink_to(downloads / "npm")
    for tool in (downloads / "tools").iterdir():
        (tools / tool.name).symlink_to(tool)
    yield bare
    for tool in tools.iterdir():
        kept = downloads / "tools" / tool.name
        if not (kept.exists() or tool.suffix == ".new"):
            tool.rename(kept)


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
