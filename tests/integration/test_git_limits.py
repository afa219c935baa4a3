"""Pushes that take more than a git may use here: the pusher is told what it was, and nothing is left."""

from pathlib import Path

import pytest

from gitserver.git.pktline import FLUSH, pkt
from tests.gitweb import FakeBuilder, GitWeb, served
from tests.packs import MIB, entry, oid_of, pack_of, repeated, zeros
from tests.rawgit import CAPABILITIES, ZERO, is_clean, post
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

PROCFILE = b"web: a\n"


def served_with(folder: Path, **limits: str):
    return served(folder, **{f"STRATUM_{name.upper()}": value for name, value in limits.items()})


def bomb_push(*bombs: bytes, bomb: str) -> bytes:
    """Make a push of a sound commit that has a bomb beside its Procfile."""
    tree = b"100644 Procfile\0%s" % bytes.fromhex(oid_of("blob", PROCFILE))
    tree += b"100644 bomb\0%s" % bytes.fromhex(bomb)
    who = b"A <a@example.org> 1700000000 +0000"
    tip = b"tree %s\nauthor %s\ncommitter %s\n\nx\n" % (oid_of("tree", tree).encode(), who, who)
    pack = pack_of([*bombs, entry("blob", PROCFILE), entry("tree", tree), entry("commit", tip)])
    return pkt(f"{ZERO} {oid_of('commit', tip)} refs/heads/master\0{CAPABILITIES}".encode()) + FLUSH + pack


def slow_push() -> bytes:
    """Make a small push that takes git half a minute: blobs of 100 MB by deltas."""
    base = bytes(MIB)
    deltas = [repeated(oid_of("blob", base), MIB, 100 + extra) for extra in range(60)]
    return bomb_push(entry("blob", base), *deltas, bomb=oid_of("blob", base))


def refused(web: GitWeb, body: bytes) -> str:
    app = web.new_app()

    report = post(web, app, body).report.decode()

    (line,) = [line for line in report.splitlines() if "ng refs/heads/master" in line]
    wait_until(lambda: is_clean(web, app))
    return line.partition("refs/heads/master ")[2]


def test_push_whose_time_is_over_is_told_so(tmp_path):
    with served_with(tmp_path, git_timeout_s="1") as web:
        assert "1 s" in refused(web, slow_push())


def test_processor_time_is_limited(tmp_path):
    with served_with(tmp_path, git_cpu_s="1") as web:
        assert "takes more than the server gives" in refused(web, slow_push())


def test_memory_is_limited(tmp_path):
    with served_with(tmp_path, git_memory_bytes=str(64 * MIB)) as web:
        assert "memory" in refused(web, slow_push())


@pytest.mark.parametrize("size", [20 * MIB, 40 * MIB], ids=["held by git", "streamed by git"])
def test_object_that_inflates_to_too_much_is_refused(tmp_path, size):
    """git holds blobs of up to core.bigFileThreshold, and streams larger ones."""
    bomb = oid_of("blob", bytes(size))
    with served_with(tmp_path, max_object_bytes=str(10 * MIB)) as web:
        reason = refused(web, bomb_push(zeros("blob", size), bomb=bomb))

    assert str(size) in reason or bomb[:12] in reason


def test_deltas_that_make_too_large_an_object_are_refused(tmp_path):
    base, bomb = bytes(MIB), oid_of("blob", bytes(40 * MIB))
    entries = (entry("blob", base), repeated(oid_of("blob", base), MIB, 40))
    with served_with(tmp_path, max_object_bytes=str(10 * MIB)) as web:
        reason = refused(web, bomb_push(*entries, bomb=bomb))

    assert str(40 * MIB) in reason or bomb[:12] in reason


def test_objects_within_the_limit_are_taken(tmp_path):
    bomb = oid_of("blob", bytes(40 * MIB))
    with served_with(tmp_path, max_object_bytes=str(40 * MIB)) as web, FakeBuilder(web):
        app = web.new_app()

        answer = post(web, app, bomb_push(zeros("blob", 40 * MIB), bomb=bomb))

        assert b"ok refs/heads/master" in answer.report
