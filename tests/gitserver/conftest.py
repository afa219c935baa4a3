"""The web process under test, and what is delivered to it."""

import pytest

from gitserver.app import create_app
from gitserver.services import services_of
from tests.hooked import Hook
from tests.webside import WebSide


@pytest.fixture
def hook(tmp_path_factory, request):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    with side.client() as client:
        yield Hook(side, client, getattr(request, "param", "github"))
    side.close()


@pytest.fixture
def side(tmp_path):
    """A server with one app."""
    made = WebSide.make(tmp_path / "data")
    made.app()
    yield made
    made.close()


@pytest.fixture
def app(side):
    """Its application."""
    made = create_app(side.instance)
    yield made
    services_of(made).database.close()
