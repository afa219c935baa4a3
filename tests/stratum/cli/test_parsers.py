"""What people and git write to the command line, however strange."""

import io
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.cli.git_credential import run
from stratum.cli.tokens import expiry


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """One in which nobody is signed in."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("STRATUM_", "XDG_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_token_expires_after_days_or_with_the_end_of_a_date():
    assert expiry("90d", NOW) == NOW + timedelta(days=90)
    assert expiry("2026-12-31", NOW) == datetime(2027, 1, 1, tzinfo=UTC)


@given(
    st.one_of(st.text(max_size=20), st.from_regex(r"\A[0-9]{1,6}d\Z"), st.from_regex(r"\A\d{4}-\d\d-\d\d\Z"))
)
def test_any_other_time_is_refused(text):
    with suppress(ValueError, OverflowError):
        assert expiry(text, NOW).tzinfo is UTC


@given(
    st.sampled_from(["get", "erase", "store", "capability"]),
    st.lists(st.one_of(st.text(), st.just("host=localhost"), st.just("protocol=http"))).map("\n".join),
)
def test_whatever_git_asks_is_answered_in_the_protocol(operation, asked):
    """Nobody is signed in there, so nothing is said."""
    answer, talk = io.StringIO(), io.StringIO()

    assert run([operation], io.StringIO(asked), answer, talk) == 0
    assert (answer.getvalue(), talk.getvalue()) == ("", "")
