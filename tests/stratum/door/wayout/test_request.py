"""What a hostile program may send to the way out, and what is made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.door.wayout.hosts import Place
from stratum.door.wayout.request import END, Malformed, read


def test_a_tunnel_names_host_and_port():
    asked = read(b"CONNECT PyPI.org.:443 HTTP/1.1\r\nHost: other\r\n\r\n")

    assert (asked.place, asked.method) == (Place("pypi.org", 443), None)


def test_a_whole_address_becomes_a_request_for_its_server():
    asked = read(
        b"GET http://Example.org:8080/a?b#c HTTP/1.1\r\nhost: elsewhere\r\nAccept: */*\r\n"
        b"Proxy-Authorization: x\r\nConnection: keep-alive\r\n\r\n"
    )

    assert asked.place == Place("example.org", 8080)
    assert asked.head() == (
        b"GET /a?b HTTP/1.1\r\nHost: Example.org:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    assert asked.head(whole=True).startswith(b"GET http://Example.org:8080/a?b#c HTTP/1.1\r\n")


def test_an_address_without_a_path_asks_for_the_root():
    assert read(b"GET http://a.example?x HTTP/1.1\r\n\r\n").head().startswith(b"GET /?x HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("header", "length"),
    [(b"Accept: */*", 0), (b"content-length:\t12 ", 12), (b"Transfer-Encoding: chunked", None)],
)
def test_the_length_of_a_body_is_told_by_its_header(header: bytes, length: int | None):
    assert read(b"POST http://a/ HTTP/1.1\r\n" + header + END).length == length


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1",
        b"GET http://a b/ HTTP/1.1",
        b"GET ftp://a/ HTTP/1.1",
        b"GET https://a/ HTTP/1.1",
        b"GET http://user@a/ HTTP/1.1",
        b"GET http://allowed@other/ HTTP/1.1",
        b"GET http:///x HTTP/1.1",
        b"GET http://a:b/ HTTP/1.1",
        b"CONNECT a HTTP/1.1",
        b"CONNECT a:99999 HTTP/1.1",
        b"CONNECT a:1 HTTP/2.0",
        b"CONNECT a:1 HTTP/1.1\r\nno header",
        b"CONNECT a:1 HTTP/1.1\r\n folded: x",
        b"CONNECT a:1 HTTP/1.1\r\na: b\nc: d",
        b"CONNECT \xc3\xa4:1 HTTP/1.1",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: +1",
        b"POST http://a/ HTTP/1.1\r\nContent-Length: 1, 1",
    ],
)
def test_anything_else_is_malformed(head: bytes):
    with pytest.raises(Malformed):
        read(head + END)


@given(st.binary())
def test_any_bytes_are_a_request_or_malformed(head: bytes):
    try:
        read(head)
    except Malformed:
        return


@given(st.from_regex(rb"(GET|CONNECT) (http://)?[a-zA-Z0-9.:@/?#%\[\]-]{1,30} HTTP/1\.1", fullmatch=True))
def test_whatever_is_asked_for_names_a_host_and_a_port(head: bytes):
    try:
        asked = read(head + END)
    except Malformed:
        return

    assert asked.place.host
    assert asked.place.port
    if asked.method:
        assert b"\r\n" not in asked.head().split(b" HTTP/1.1\r\n")[0]
