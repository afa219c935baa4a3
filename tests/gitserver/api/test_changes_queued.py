"""How many changes of an app may wait to be made."""

import pytest

from stratum.store import rollouts
from stratum.verbs.change import MAX_QUEUED

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    return side.app()


@pytest.fixture
def crowded(side, api, app):
    """The app, released twice, with `worker` paused and storage, and as many changes as may wait."""
    for _ in range(2):
        side.release(app, "web", "worker", "other")
    assert api("POST", f"{HERE}/pause", json={"targets": ["worker"]})[0] == 200
    assert api("POST", f"{HERE}/storage", json={"name": "data"})[0] == 201
    with side.db.write() as tx:
        while rollouts.count_queued(tx, app.id) < MAX_QUEUED:
            rollouts.add_rollout(tx, app.id, cause="scale", who="admin")
    return app


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("PUT", "/formation", {"web": 2}),
        ("POST", "/workers/other", None),
        ("POST", "/resume", {}),
        ("POST", "/rollback", {"version": 1}),
        ("PATCH", "/vars", {"set": {"A": "1"}}),
        ("PATCH", "/storage/data", {"path": "data"}),
        ("PATCH", "", {"name": "other"}),
    ],
)
def test_no_more_may_be_wished_than_may_wait(side, api, crowded, method, address, body):
    status, said = api(method, f"{HERE}{address}", json=body)

    message = f"{MAX_QUEUED} changes of {crowded.label} wait already; {MAX_QUEUED} may."
    assert (status, said["message"]) == (409, message)
    side.settle(crowded)
    assert api(method, f"{HERE}{address}", json=body)[0] == 200


@pytest.mark.usefixtures("crowded")
def test_what_may_be_urgent_is_never_refused(api):
    assert api("POST", f"{HERE}/pause", json={"targets": ["web"]})[0] == 200
    assert api("DELETE", HERE, json={"confirm": "app02"})[0] in (200, 202)
