"""What a pusher is told of a build that does not run yet."""

import pytest

from gitserver.git.follow import place_of
from stratum.model import BuildState
from stratum.store.progress import BuildProgress


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
            "Superseded by #8, a newer push: stratum builds follow 8",
        ),
        (BuildProgress(BuildState.RUNNING), ""),
        (BuildProgress(BuildState.SUCCEEDED), ""),
    ],
)
def test_place_in_the_queue(progress, said):
    assert place_of(7, progress, builders=2) == said
