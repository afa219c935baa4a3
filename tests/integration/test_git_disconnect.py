"""A pusher who goes, in every phase of a push: it is seen at once, and nothing of the push is left."""

import http.client
import signal
from contextlib import suppress
from os import kill
from random import Random

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import App
from tests.gitweb import FakeBuilder, GitWeb, run_git, served
from tests.packs import entry, oid_of, pack_of, repeated
from tests.rawgit import CAPABILITIES, ZERO, begun, first_push, is_clean, unpackers_of
from tests.repos import commit
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

COMMAND = pkt(f"{ZERO} {'1' * 40} refs/heads/master\0{CAPABILITIES}".encode())
MIB = 1 << 20


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def serves(web: GitWeb, app: App) -> bool:
    """Whether the next push is taken, of the same app."""
    return run_git(web.source(f"after-{app.name}"), "push", web.url(app), "master").code == 0


def slow_pack() -> bytes:
    """Make a small pack that takes git half a minute: sixty blobs of 100 MB, each a delta."""
    base = bytes(MIB)
    small = entry("blob", base)
    return pack_of([small, *(repeated(oid_of("blob", base), MIB, 100 + extra) for extra in range(60))])


@pytest.mark.parametrize("sent", [b"", b"00", COMMAND[:60], COMMAND, COMMAND + FLUSH])
@pytest.mark.parametrize("length", [None, 5000], ids=["chunked", "of known length"])
def test_within_the_commands_or_right_after(web, sent, length):
    app = web.new_app()
    run_git(web.folder, "ls-remote", web.url(app))
    connection = begun(web, app, length)
    send(connection, sent, chunked=length is None)
    connection.close()

    wait_until(lambda: is_clean(web, app))
    assert serves(web, app)


@pytest.mark.parametrize("length", [None, 300_000], ids=["chunked", "of known length"])
def test_within_the_pack(web, length):
    app, source = web.new_app(), web.source(f"cut-{length}")
    commit(source, {"noise": Random(1).randbytes(300_000)})
    connection = begun(web, app, length)
    send(connection, first_push(source)[:200_000], chunked=length is None)
    wait_until(lambda: unpackers_of(web, app))
    connection.close()

    wait_until(lambda: is_clean(web, app))
    assert serves(web, app)


def test_while_git_unpacks(web):
    """All has been sent and git is deep in it: it reads no more, so nothing but a signal reaches it."""
    app = web.new_app()
    body = COMMAND + FLUSH + slow_pack()
    connection = begun(web, app, len(body))
    connection.send(body)
    wait_until(lambda: unpackers_of(web, app))
    connection.close()

    wait_until(lambda: is_clean(web, app))
    assert serves(web, app)


def test_while_git_unpacks_and_does_not_heed_signals(web):
    """What does not end when asked is killed, and git's own parent tidies up."""
    app = web.new_app()
    body = COMMAND + FLUSH + slow_pack()
    connection = begun(web, app, len(body))
    connection.send(body)
    (pid,) = wait_until(lambda: unpackers_of(web, app))
    kill(pid, signal.SIGSTOP)
    try:
        connection.close()
        wait_until(lambda: is_clean(web, app))
    finally:
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    assert serves(web, app)


def test_while_the_hook_waits_for_its_answer(web):
    app, source = web.new_app(), web.source("hook-waits")
    body = first_push(source)
    web.arm("receive.asked")
    connection = begun(web, app, len(body))
    connection.send(body)
    web.reached("receive.asked")
    assert list((web.repo(app) / "objects").glob("tmp_objdir-*"))
    connection.close()
    web.go("receive.asked")

    wait_until(lambda: is_clean(web, app))
    assert serves(web, app)


def test_when_it_is_accepted_the_push_is_done(web):
    """From "yes" on nothing about the client can stop it."""
    app, source = web.new_app(), web.source("accepted")
    body = first_push(source)
    web.arm("receive.answered")
    connection = begun(web, app, len(body))
    connection.send(body)
    web.reached("receive.answered")
    connection.close()
    web.go("receive.answered")

    wait_until(lambda: len(web.builds(app)) == 1)
    assert web.ref(app) == web.builds(app)[0].commit


def send(connection: http.client.HTTPConnection, data: bytes, *, chunked: bool) -> None:
    if data:
        connection.send(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
