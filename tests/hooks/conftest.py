"""A data folder with an app, without a server: what the hooks work on."""

import pytest

from gitserver.git.repos import ensure_repo
from tests.gitweb import new_web


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


@pytest.fixture
def app(web):
    return web.new_app()


@pytest.fixture
def repo(web, app):
    return ensure_repo(web.instance, app)
