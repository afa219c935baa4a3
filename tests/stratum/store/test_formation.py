from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratum.model import Slot
from stratum.store import formation

SLOTS = st.lists(
    st.builds(Slot, st.sampled_from(["web", "worker", "mailer"]), st.integers(1, 6)), unique=True
)


def test_scales_that_differ_are_told_with_their_former_values(db, app):
    with db.write() as tx:
        assert formation.set_scales(tx, app.id, {"web": 1, "worker": 0}) == {"web": 0}
        assert formation.set_scales(tx, app.id, {"web": 3, "worker": 0}) == {"web": 1}

        assert formation.get_formation(tx, app.id).scales == {"web": 3, "worker": 0}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SLOTS, SLOTS)
def test_unique_integers_are_unique_and_stay(db, app, first, second):
    """A process keeps its integer as long as it is wished, and no two of an app share one."""
    with db.write() as tx:
        formation.free_unique_ints(tx, app.id, [])
        before = formation.give_unique_ints(tx, app.id, first)
        formation.free_unique_ints(tx, app.id, set(first) & set(second))
        after = formation.give_unique_ints(tx, app.id, second)

    assert sorted(before.values()) == list(range(1, len(first) + 1))
    assert len(set(after.values())) == len(after) == len(second)
    assert all(after[slot] == before[slot] for slot in set(first) & set(second))


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

    assert (paused.scales, paused.paused, paused.scale("web")) == ({"web": 2, "new": 0}, {"web", "new"}, 0)
    assert (resumed.scale("web"), resumed.paused) == (3, {"new"})
