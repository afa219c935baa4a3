import gzip
import io
import zlib

from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.body import BadBody, Body


class Dripping:
    """Gives at most so many bytes at once, as a slow client does."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, self._size))


@given(st.binary(max_size=300), st.integers(1, 40), st.lists(st.integers(0, 60), max_size=8), st.booleans())
def test_all_is_read_however_it_comes(data, size, counts, packed):
    """Also where a piece holds no more than the beginning of gzip's own head."""
    body = Body(Dripping(gzip.compress(data) if packed else data, size), "gzip" if packed else "", 1 << 20)

    read = b"".join(body.exactly(count) for count in counts) + b"".join(body.rest())

    assert read == data


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_gzip_or_a_bad_body(data, size):
    try:
        read = b"".join(Body(Dripping(data, size), "gzip", 1 << 20).rest())
    except BadBody:
        return
    assert zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data) == read


def test_empty_blocks_are_not_taken_for_the_end():
    """A deflate stream may hold any number of them (RFC 1951, 3.2.4), here more than one read takes."""
    packed = gzip.compress(b"0000")
    empty = b"\x00\x00\x00\xff\xff" * 50_000
    body = Body(io.BytesIO(packed[:10] + empty + packed[10:]), "gzip", 1 << 20)

    assert b"".join(body.rest()) == b"0000"
