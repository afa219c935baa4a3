"""Which processes stand for which when older ones stay."""

from stratum.staying import in_place

OWN = [f"Env.shop.v3.{one}" for one in ("web.1", "worker.1", "worker.2")]


def test_an_older_process_stands_in_the_place_that_it_has():
    there = {"Env.first.v1.worker.1", "Env.shop.v2.web.1", "Env.shop.v2.worker.3"}
    assert in_place(OWN, there, {"worker"}) == [
        "Env.shop.v3.web.1",
        "Env.first.v1.worker.1",
        "Env.shop.v3.worker.2",
    ]


def test_the_releases_own_process_goes_before():
    there = {"Env.shop.v1.worker.1", "Env.shop.v3.worker.1"}
    assert in_place(OWN, there, {"worker"}) == OWN


def test_without_targets_that_stay_all_are_the_releases_own():
    assert in_place(OWN, {"Env.shop.v2.worker.1"}, ()) == OWN
