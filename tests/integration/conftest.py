"""Fixtures of the tests on a stage (tests/stage.py), which each module starts as it needs it."""

import pytest

from stratum.model import App
from tests.stage import Stage


@pytest.fixture
def app(stage: Stage) -> App:
    """An app of nobody else's."""
    return stage.new_app()
