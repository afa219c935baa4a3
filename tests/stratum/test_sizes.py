import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidInput
from stratum.sizes import MAX_BYTES, parsed, shown


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("12 bytes", 12),
        ("12B", 12),
        ("200M", 200 << 20),
        ("200 MiB", 200 << 20),
        ("200mb", 200 << 20),
        ("1.5G", 3 << 29),
        ("0.25 KiB", 256),
        ("1T", 1 << 40),
        ("1024T", MAX_BYTES),
    ],
)
def test_sizes_as_people_write_them(text, count):
    assert parsed(text) == count


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "M", "1.5.2G", "1 X", "1e9", "1025T", "1_000", "\u0661", " 1", "1\n", "0.0001"]
)
def test_what_is_no_size_is_refused_with_what_is(text):
    with pytest.raises(InvalidInput, match="Write a number of bytes, or as 200M"):
        parsed(text)


@given(st.integers(min_value=1, max_value=1023), st.sampled_from(["", "K", "M", "G"]))
def test_what_is_shown_can_be_read(number, unit):
    count = parsed(f"{number}{unit}")
    assert parsed(shown(count)) == count


@given(st.text())
def test_any_text_is_a_size_or_refused(text):
    try:
        count = parsed(text)
    except InvalidInput:
        return
    assert 0 < count <= MAX_BYTES
