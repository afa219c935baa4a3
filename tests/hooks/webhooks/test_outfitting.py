"""What a review app has after something was lent to it."""

from hooks.webhooks.outfitting import Given, lend


def test_what_is_lent_joins_what_it_has_and_is_noted():
    after = lend(Given(3, {"OWN": "1"}, ()), {"LENT": "2"}, {})

    assert after == Given(3, {"OWN": "1", "LENT": "2"}, ("LENT",))


def test_its_own_is_not_replaced_by_what_is_lent():
    after = lend(Given(3, {"NAME": "own"}, ()), {"NAME": "lent"}, {"NAME": "first"})

    assert after == Given(3, {"NAME": "own"}, ())


def test_what_is_lent_no_more_is_gone_and_what_has_changed_is_lent_anew():
    after = lend(Given(3, {"A": "1", "B": "2"}, ("A", "B")), {"B": "3"}, {})

    assert after == Given(3, {"B": "3"}, ("B",))


def test_what_is_lent_already_changes_nothing():
    before = Given(3, {"OWN": "1", "LENT": "2"}, ("LENT",))

    assert lend(before, {"LENT": "2"}, {}) == before


def test_what_it_begins_with_is_its_own_from_then_on_and_gives_way_to_what_is_lent():
    first = {"MODE": "review", "SECRET": "made up", "LENT": "begun"}
    begun = lend(Given(0, {}, ()), {"LENT": "2"}, first)

    assert begun == Given(0, {"MODE": "review", "SECRET": "made up", "LENT": "2"}, ("LENT",))
    assert lend(begun, {"LENT": "2"}, {**first, "SECRET": "made up anew"}) == begun
