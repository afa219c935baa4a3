"""Cursors as text."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitserver.api.cursors import Cursor, parse
from stratum.errors import InvalidCursor
from stratum.trail import Place

NAMES = st.from_regex(r"v[1-9][0-9]{0,8}\.[a-z][a-z0-9_-]{0,20}\.[1-9][0-9]{0,4}", fullmatch=True)
PLACES = st.builds(Place, st.integers(0, 2**64 - 1), st.integers(0, 2**40), st.integers(0, 2**32 - 1))


@given(st.integers(0, 2**35), st.dictionaries(NAMES, PLACES))
def test_a_cursor_is_read_as_it_was_written(second, places):
    cursor = Cursor(datetime.fromtimestamp(second, UTC), places)

    assert parse(str(cursor)) == cursor


@given(st.text(alphabet="0123456789abcdefv.=;-_é\n") | st.text())
def test_anything_else_is_refused_or_a_cursor(text):
    with suppress(InvalidCursor):
        assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", ["", ";", "0;", "0;web.1=1.1.1", "0;v1.web.1=1.1", "0;v1.web.1=-1.1.1"])
def test_what_is_cut_is_refused(text):
    with pytest.raises(InvalidCursor):
        parse(text)
