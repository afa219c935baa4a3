"""Times as people give them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidTime
from stratum.logtimes import since

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10m", NOW - timedelta(minutes=10)),
        (" 2h ", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-11-22T09:00", NOW - timedelta(hours=1)),
        ("2026-11-22T10:00:00+01:00", NOW - timedelta(hours=1)),
    ],
)
def test_a_time_is_so_long_ago_or_a_moment(text, at):
    assert since(text, NOW) == at


@given(st.text() | st.from_regex(r"[0-9]{1,12}[smhd]", fullmatch=True))
def test_anything_else_is_refused_by_name(text):
    try:
        assert since(text, NOW).tzinfo is not None
    except InvalidTime as error:
        assert error.given == text
