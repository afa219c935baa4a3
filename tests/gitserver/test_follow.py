"""What a pusher is told of a build that does not run yet."""

import math

import pytest

from gitserver.git.follow import WAITS_FOR_BUILD_S, _Place, place_of
from stratum.model import BuildState
from stratum.store import builds
from stratum.store.progress import BuildProgress
from tests.webside import WebSide


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (BuildProgress(BuildState.QUEUED, ahead=1, running=2), "Build #7 waits: 1 build before it"),
        (BuildProgress(BuildState.QUEUED, ahead=3), "Build #7 waits: 3 builds before it"),
        (
            BuildProgress(BuildState.QUEUED, running=2),
            "Build #7 is next: all builders (2) are busy with other apps",
        ),
        (BuildProgress(BuildState.QUEUED, running=1), "Build #7 waits for a builder"),
        (
            BuildProgress(BuildState.SUPERSEDED, superseded_by=8),
            "Superseded by #8, a newer push: stratum -E MyProdEnv -A app02 builds follow 8",
        ),
        (BuildProgress(BuildState.RUNNING), ""),
        (BuildProgress(BuildState.SUCCEEDED), ""),
    ],
)
def test_place_in_the_queue(app, progress, said):
    assert place_of(app, 7, progress, builders=2) == said


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("gitserver.git.follow.time.monotonic", lambda: self.now)


@pytest.fixture
def side(tmp_path):
    side = WebSide.make(tmp_path / "data")
    yield side
    side.close()


@pytest.fixture
def app(side):
    return side.app()


@pytest.fixture
def build(side, app):
    with side.db.write() as tx:
        return builds.add_build(tx, app.id, "1" * 40, source="push", who="admin")


def test_a_place_is_told_once_when_it_lasts(app, build, monkeypatch):
    clock, place = Clock(monkeypatch), _Place(builders=2)
    second = BuildProgress(BuildState.QUEUED, ahead=2)
    first = BuildProgress(BuildState.QUEUED, ahead=1)

    assert place.note(app, build, second) == b""
    assert place.patience_s() == WAITS_FOR_BUILD_S
    clock.now = WAITS_FOR_BUILD_S
    assert place.note(app, build, second) == b"-----> Build #1 waits: 2 builds before it\n"
    assert (place.note(app, build, second), place.patience_s()) == (b"", math.inf)
    assert place.note(app, build, first) == b""
    assert place.note(app, build, BuildProgress(BuildState.RUNNING)) == b""
    clock.now = 100.0
    assert (place.note(app, build, BuildProgress(BuildState.RUNNING)), place.patience_s()) == (b"", math.inf)


def test_what_a_build_waited_for_is_not_told_after_its_first_line(app, build, monkeypatch):
    """The log may be seen to grow a moment before the database says that the build runs."""
    clock, place = Clock(monkeypatch), _Place(builders=2)
    place.note(app, build, BuildProgress(BuildState.QUEUED))
    clock.now = 100.0

    place.overtake(app, build, BuildProgress(BuildState.QUEUED), b"-----> Procfile: web\n")

    assert (place.note(app, build, BuildProgress(BuildState.QUEUED)), place.patience_s()) == (b"", math.inf)
    superseded = BuildProgress(BuildState.SUPERSEDED, superseded_by=8)
    assert place.note(app, build, superseded).startswith(b"-----> Superseded by #8")


def test_what_the_log_of_a_build_ends_with_is_not_told_again(app, build):
    """One that ran is told so in its log, before the database says it."""
    place, superseded = _Place(builders=2), BuildProgress(BuildState.SUPERSEDED, superseded_by=8)
    place.overtake(
        app,
        build,
        BuildProgress(BuildState.RUNNING),
        b"-----> Installing\n"
        b"-----> Superseded by #8, a newer push: stratum -E MyProdEnv -A app02 builds follow 8\n",
    )

    assert place.note(app, build, superseded) == b""
