"""Where the values of a text of JSON stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.appjson.places import DEEPEST, item, member, offsets

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda more: st.lists(more, max_size=4) | st.dictionaries(st.text(max_size=30), more, max_size=4),
)


def walked(value, place="", depth=0):
    yield place, value
    if depth < DEEPEST and isinstance(value, dict):
        for key, one in value.items():
            yield from walked(one, member(place, key), depth + 1)
    if depth < DEEPEST and isinstance(value, list):
        for number, one in enumerate(value):
            yield from walked(one, item(place, number), depth + 1)


@given(VALUES, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
def test_each_value_is_found_where_it_stands(value, indent, is_ascii):
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    found = offsets(text)

    expected = dict(walked(value))
    assert found.keys() == expected.keys()
    for place, offset in found.items():
        read, _ = json.JSONDecoder().raw_decode(text, offset)
        assert read == expected[place]


def test_places_are_named_as_problems_are():
    text = '{\n  "healthchecks": {"web": [{"a b": 1},\n {}]}}'
    assert offsets(text) == {
        "": 0,
        "healthchecks": 20,
        "healthchecks.web": 28,
        "healthchecks.web[0]": 29,
        'healthchecks.web[0]["a b"]': 37,
        "healthchecks.web[1]": 42,
    }


@pytest.mark.timeout(10)
def test_a_deep_text_takes_no_longer_than_a_flat_one():
    assert len(offsets("[" * 30_000 + "]" * 30_000)) == DEEPEST + 1
