"""Which budget each request draws on, and for how long."""

import pytest

from gitserver.services import services_of

LISTS = "/MyProdEnv/app02.git/info/refs"


def free(app) -> tuple[int, ...]:
    places = services_of(app).places
    return tuple(kind._free._value for kind in (places.receiving, places.fetches, places.ordinary))


def get(side, app, path, secret=None):
    return app.test_client().get(path, headers={"Authorization": f"Bearer {secret or side.admin}"})


@pytest.mark.parametrize(("service", "kind"), [("git-receive-pack", 0), ("git-upload-pack", 1), ("x", 2)])
def test_a_list_of_refs_holds_the_place_of_its_service_until_it_is_sent(side, app, service, kind):
    """git itself tells it, where protocol 0 is spoken, and waits for whoever reads it."""
    before = free(app)

    answer = get(side, app, f"{LISTS}?service={service}")

    assert [was - now for was, now in zip(before, free(app), strict=True)] == [
        int(number == kind) for number in range(3)
    ]
    answer.close()
    assert free(app) == before


def test_who_signs_in_is_answered_though_no_place_is_left(side, app, monkeypatch):
    monkeypatch.setattr("gitserver.places.WAIT_S", 0.01)
    ordinary = services_of(app).places.ordinary
    while ordinary.take():
        pass

    paths = ("/api/whoami", "/healthz", "/api/apps", "/api/nothing")
    codes = {path: get(side, app, path).status_code for path in paths}

    assert codes == {"/api/whoami": 200, "/healthz": 200, "/api/apps": 503, "/api/nothing": 503}
    assert get(side, app, "/api/apps", "wrong").status_code == 401
    assert app.test_client().get("/api/apps").status_code == 401
    assert app.test_client().get(f"{LISTS}?service=git-upload-pack").status_code == 401
