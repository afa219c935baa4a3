"""Pausing and resuming: what is wished then, and what is said of it."""

import pytest

from stratum.store import formation, rollouts
from tests.supervision import supervised

HERE = "/apps/MyProdEnv/app02"


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app, "web", "worker", "clock")
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"web": 2, "worker": 3})
    return app


@pytest.fixture
def pause(api):
    return lambda *targets: api("POST", f"{HERE}/pause", json={"targets": list(targets)})[1]


@pytest.fixture
def resume(api):
    return lambda *targets: api("POST", f"{HERE}/resume", json={"targets": list(targets)})[1]


def wished(side, app):
    with side.db.read() as tx:
        return formation.get_formation(tx, app.id)


def newest(side, app, number):
    with side.db.read() as tx:
        found = rollouts.find_rollout(tx, app.id, number)
    assert found is not None
    return found


def test_a_pause_leaves_no_process_and_the_scale_wished(side, app, pause):
    said = pause("worker")

    assert (said["changed"], said["message"]) == (
        True,
        "Pausing worker (3); stratum resume brings back just that.",
    )
    assert said["formation"] == [
        {"target": "web", "scale": 2, "paused": False, "present": True},
        {"target": "worker", "scale": 3, "paused": True, "present": True},
        {"target": "clock", "scale": 0, "paused": False, "present": True},
    ]
    assert (wished(side, app).scale("worker"), wished(side, app).scale("web")) == (0, 2)
    rollout = newest(side, app, said["rollout"])
    assert (rollout.cause, rollout.formation_before, rollout.resumed) == ("pause worker", {}, ())


def test_without_names_all_that_the_app_has_or_had_is_paused_and_resumed(side, app, pause, resume):
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"gone": 1})

    assert pause()["message"].startswith("Pausing web (2), worker (3), clock (0), gone (1);")
    assert wished(side, app).is_paused
    said = resume()

    assert said["message"] == "Resuming web (2), worker (3), clock (0), gone (1)."
    assert not wished(side, app).paused
    assert wished(side, app).scales == {"web": 2, "worker": 3, "clock": 0, "gone": 1}
    rollout = newest(side, app, said["rollout"])
    assert (rollout.cause, rollout.resumed) == ("resume", ("web", "worker", "clock", "gone"))


def test_what_is_so_already_stays_so_and_is_told(side, app, pause, resume):
    assert resume()["message"] == "Nothing is paused; nothing changed."
    assert resume("web", "web")["message"] == "web is not paused; nothing changed."
    pause("worker")
    again = pause("worker")
    assert (again["changed"], again["rollout"]) == (False, None)
    assert again["message"] == "worker is paused already; nothing changed."
    assert pause("web", "worker")["message"].startswith("Pausing web (2);")
    assert resume("clock", "worker")["message"] == "Resuming worker (3)."


def test_a_resume_that_fails_leaves_it_paused_with_its_scale(side, app, pause, resume):
    pause("worker")
    side.settle(app)
    resume("worker")
    side.settle(app, error="worker.1 did not come up")

    assert wished(side, app).paused == {"worker"}
    assert wished(side, app).remembered("worker") == 3


def test_a_paused_target_that_is_scaled_or_launched_stays_paused(api, side, app, pause):
    pause("worker", "clock")

    _, scaled = api("PUT", f"{HERE}/formation", json={"worker": "+2", "web": 3})
    _, again = api("PUT", f"{HERE}/formation", json={"worker": 5})
    _, launched = api("POST", f"{HERE}/workers/clock")

    assert scaled["message"] == "worker is paused: stratum resume worker will start 5."
    assert again["message"] == (
        "worker=5 is wished already; nothing changed. worker is paused: stratum resume worker will start 5."
    )
    assert launched["message"] == "clock is paused: stratum resume clock will start 1."
    assert api("POST", f"{HERE}/workers/clock")[1]["message"] == launched["message"]
    assert wished(side, app).scales == {"web": 3, "worker": 5, "clock": 1}
    assert wished(side, app).paused == {"worker", "clock"}


def test_a_target_that_there_is_not_is_refused(api, app):
    status, said = api("POST", f"{HERE}/pause", json={"targets": ["web", "nope"]})

    assert (status, said["error"]) == (422, "unknown-target")
    assert api("POST", f"{HERE}/resume", json={"targets": ["release"]})[1]["error"] == "not-a-process"


def test_before_the_first_release_there_is_nothing_to_pause(api, side):
    side.app()

    assert api("POST", f"{HERE}/pause", json={})[0] == 409


@pytest.mark.integration
def test_what_is_paused_is_listed_beside_what_runs(api, side, app, pause):
    pause("worker")
    with supervised(fenced=False) as supervisord:
        side.instance.layout.supervisord_socket.symlink_to(supervisord.folder / "supervisord.sock")
        _, found = api("GET", f"{HERE}/processes")

    listed = [(one["target"], one["index"], one["state"]) for one in found]
    assert listed == [("web", 1, "stopped"), ("web", 2, "stopped")] + [
        ("worker", n, "paused") for n in (1, 2, 3)
    ]
