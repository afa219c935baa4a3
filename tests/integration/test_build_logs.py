"""The log of a build as all who read it see it: the same bytes, from wherever they begin, while it grows."""

import random
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from stratum.model import App
from tests.gitweb import FakeBuilder, GitWeb, served
from tests.rawgit import ask, first_push, headers_for, post

pytestmark = pytest.mark.integration

OFFSETS = [0, 0, 1, 700, 40_000, 10**9]
SEED = 4


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started:
        yield started


def read(web: GitWeb, app: App, offset: int, *, follow: bool) -> bytes:
    """Read a build's log to its end, as an HTTP client does."""
    path = f"/api/apps/{app.label}/builds/1/log?offset={offset}&follow={str(follow).lower()}"
    answer = ask(web, "GET", path, None, headers_for(web.secret))
    assert answer.status == 200
    return answer.body


def parts_of_a_log(chance: random.Random) -> list[bytes]:
    """What programs print: of any length, with and without an end, and more than a read takes at once."""
    lines = [b"x" * chance.choice((0, 1, 79, 5000)) + b"\n" for _ in range(150)]
    return [*lines, b"half ", b"a line\n", "Grüße\n".encode(), b"y" * 200_000 + b"\n", b"end without newline"]


def test_every_reader_gets_the_bytes_that_the_push_shows(web):
    """Those who came early, late, or in the middle; all at once, while the build goes on."""
    app, source = web.new_app(), web.source("readers")
    path = web.instance.layout.build_log(app.id, 1)
    parts = parts_of_a_log(random.Random(SEED))
    readers: list[Future[bytes]] = []

    with ThreadPoolExecutor() as hands:

        def work(_log):
            with path.open("ab", buffering=0) as file:
                for number, part in enumerate(parts):
                    file.write(part)
                    if number % 30 == 0 and len(readers) < len(OFFSETS):
                        readers.append(hands.submit(read, web, app, OFFSETS[len(readers)], follow=True))

        with FakeBuilder(web, work):
            answer = post(web, app, first_push(source))
        told = [reader.result(60) for reader in readers]

    whole = path.read_bytes()
    assert whole == b"".join(parts)
    assert told == [whole[offset:] for offset in OFFSETS]
    assert read(web, app, 0, follow=False) == whole
    assert read(web, app, len(whole) - 5, follow=False) == whole[-5:]
    shown = b"".join(packet[1:] for packet in answer.packets if packet[:1] == b"\x02")
    head, _, rest = shown.partition(b"builds follow 1\n")
    assert head.startswith(b"-----> Receiving")
    assert rest == whole + b"\n"
