"""Fixtures of the tests on a stage (tests/stage.py), at a door (tests/doors.py) or with any engine."""

from collections.abc import Iterator

import pytest

from stratum.model import App
from tests.doors import FENCED, UNFENCED, House, housed
from tests.engines import ENGINES, Side, side_on
from tests.stage import Stage, staged


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stage with a router, where a module needs no other."""
    with staged(router=True) as ready:
        yield ready


@pytest.fixture
def app(stage: Stage) -> App:
    """An app of nobody else's."""
    return stage.new_app()


@pytest.fixture(params=[FENCED, UNFENCED])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A door as root has it, and as an ordinary user has it."""
    with housed(request.param) as made:
        yield made


@pytest.fixture
def fenced() -> Iterator[House]:
    """A door as root has it."""
    with housed(True) as made:
        yield made


@pytest.fixture(scope="module", params=ENGINES)
def engine_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with ENGINES[request.param]() as ready:
        yield ready


@pytest.fixture
def side(engine_stage: Stage, request: pytest.FixtureRequest) -> Iterator[Side]:
    """An app of the test's own on a stage of each engine."""
    with side_on(engine_stage, request.node.name) as ready:
        yield ready
