from stratum.door.proc import Process, descendants, family


def snapshot(*rows: tuple[int, int, int, int]) -> dict[int, Process]:
    """Processes by pid, parent, group and session."""
    return {row[0]: Process(*row, start=1, uid=1000) for row in rows}


def test_a_family_is_the_tree_and_whatever_shares_a_group_or_session_it_leads():
    processes = snapshot(
        (10, 1, 10, 10),
        (11, 10, 10, 10),  # a child
        (12, 1, 10, 10),  # an orphan of the session
        (13, 11, 13, 13),  # a grandchild with a session of its own
        (14, 1, 13, 13),  # and what that one has left
        (20, 1, 20, 20),
    )

    assert family(processes, [10]) == {10, 11, 12, 13, 14}
    assert family(processes, [13]) == {13, 14}


def test_a_session_that_somebody_else_leads_makes_no_family():
    """All that supervisord starts might share its session: one of them must not stand for all."""
    processes = snapshot((5, 1, 5, 5), (10, 5, 10, 5), (11, 5, 11, 5))

    assert family(processes, [10]) == {10}


def test_a_process_that_is_gone_has_no_family():
    assert family(snapshot((11, 10, 10, 10)), [10]) == set()


def test_descendants_are_followed_by_parent_only():
    processes = snapshot((10, 1, 10, 10), (11, 10, 10, 10), (12, 11, 12, 12), (13, 1, 10, 10))

    assert descendants(processes, 10) == {11, 12}
