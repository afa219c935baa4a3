from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratum.model import Slot
from stratum.store import formation

TARGETS = ("web", "worker", "mailer")
SCALES = st.fixed_dictionaries(dict.fromkeys(TARGETS, st.integers(0, 6)))


def test_scales_that_differ_are_told_with_their_former_values(db, app):
    with db.write() as tx:
        assert formation.set_scales(tx, app.id, {"web": 1, "worker": 0}) == {"web": 0}
        assert formation.set_scales(tx, app.id, {"web": 3, "worker": 0}) == {"web": 1}

        assert formation.get_formation(tx, app.id).scales == {"web": 3, "worker": 0}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SCALES, min_size=1, max_size=6))
def test_unique_integers_are_unique_and_stay_and_the_highest_goes_first(db, app, steps):
    """A process keeps its integer as long as it is wished, and no two of an app share one."""
    before: dict[Slot, int] = {}
    with db.write() as tx:
        formation.free_unique_ints(tx, app.id, [])
        for scales in steps:
            slots = [Slot(target, n) for target in TARGETS for n in range(1, scales[target] + 1)]
            formation.free_unique_ints(tx, app.id, slots)
            now = formation.give_unique_ints(tx, app.id, slots)

            assert now.keys() == set(slots)
            assert len(set(now.values())) == len(slots)
            assert all(now[slot] == before[slot] for slot in now.keys() & before.keys())
            for target in TARGETS:
                ints = [now[slot] for slot in slots if slot.target == target]
                assert ints == sorted(ints)
            before = now

    assert max(before.values(), default=0) <= 6 * len(TARGETS) * (len(TARGETS) + 1)


def test_the_first_integers_leave_no_gap(db, app):
    slots = [Slot("web", 1), Slot("web", 2), Slot("worker", 1), Slot("mailer", 1)]
    with db.write() as tx:
        assert list(formation.give_unique_ints(tx, app.id, slots).values()) == [1, 2, 3, 4]


def test_ports_are_given_once_and_taken_back(db, app):
    with db.write() as tx:
        formation.give_port(tx, app.id, "E.a.v1.web.1", 20001)
        assert formation.ports_taken(tx) == {20001}
        assert formation.ports_of(tx, app.id) == {"E.a.v1.web.1": 20001}
        formation.free_ports(tx, app.id, ["E.a.v1.web.1"])
        assert formation.ports_taken(tx) == set()


def test_a_pause_leaves_scales_as_they_are(db, app):
    with db.write() as tx:
        formation.set_scales(tx, app.id, {"web": 2})
        formation.set_paused(tx, app.id, ["web", "new"], paused=True)
        paused = formation.get_formation(tx, app.id)
        assert formation.set_scales(tx, app.id, {"web": 3}) == {"web": 2}
        assert formation.formations(tx) == {app.id: formation.get_formation(tx, app.id)}
        formation.set_paused(tx, app.id, ["web"], paused=False)
        resumed = formation.get_formation(tx, app.id)

    assert paused.scales == {"web": 2, "new": 0}
    assert paused.paused == {"web", "new"}
    assert paused.scale("web") == 0
    assert resumed.scale("web") == 3
    assert resumed.paused == {"new"}
