"""The web process under test, and what is delivered to it."""

import pytest

from tests.hooked import Hook
from tests.webside import WebSide


@pytest.fixture
def hook(tmp_path_factory, request):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    with side.client() as client:
        yield Hook(side, client, getattr(request, "param", "github"))
    side.close()
