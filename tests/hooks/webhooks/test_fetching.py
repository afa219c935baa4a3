"""Fetching from servers that send more than anybody asked for."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hooks.webhooks import fetching, running
from hooks.webhooks.fetching import FetchTooLarge, Scratch, Way, checked_address
from hooks.webhooks.running import Order, TookTooLong, run
from hooks.webhooks.source import Source
from stratum.errors import InvalidInput
from stratum.git import git_environ
from stratum.limits import Limits
from tests.repos import commit, git, make_repo

LIMITS = Limits(timeout_s=60)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def dumb(folder: Path) -> Iterator[str]:
    """Serve files, as git's dumb protocol has it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/app.git"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("most", "fits"), [(32 << 20, True), (2 << 20, False)])
def test_many_files_together_are_no_larger_than_one_may_be(tmp_path, most, fits):
    work, bare = tmp_path / "w", tmp_path / "s/app.git"
    make_repo(work, {"a.txt": "a"})
    for number in range(4):
        commit(work, {f"{number}.txt": os.urandom(500_000).hex()}, "More")
    bare.parent.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    git(bare, "update-server-info")
    scratch = Scratch(tmp_path / "f", replace(LIMITS, file_bytes=most))
    scratch.make(tmp_path / "none")

    with dumb(tmp_path / "s") as url:
        if fits:
            assert (
                scratch.fetch(Source.read(url), "refs/heads/master", Way())
                == git(work, "rev-parse", "HEAD").strip()
            )
        else:
            with pytest.raises(FetchTooLarge):
                scratch.fetch(Source.read(url), "refs/heads/master", Way())


def test_nothing_is_fetched_from_a_public_address_of_this_server(monkeypatch):
    """What listens there may let in those who come from here."""
    monkeypatch.setattr(fetching, "is_public", lambda _: True)
    source = Source.read("https://127.0.0.1:4443/app.git")

    with pytest.raises(InvalidInput, match="this server's own"):
        checked_address(source, may_be_private=False)
    assert checked_address(source, may_be_private=True) == "127.0.0.1"


def test_files_beyond_number_are_not_named(tmp_path):
    """Folders in each other, with 20 names of the same one below each: 160,000 paths in 3 kB."""
    scratch = Scratch(tmp_path / "f", LIMITS)
    scratch.make(tmp_path / "none")
    made = _written(scratch, ["hash-object", "-w", "--stdin"], b"x")
    line = "100644 blob {}\t{}\n"
    for _ in range(4):
        entries = "".join(line.format(made, f"{number:010}") for number in range(20))
        made, line = _written(scratch, ["mktree"], entries.encode()), "040000 tree {}\t{}\n"
    empty = _written(scratch, ["mktree"], b"")

    assert scratch.differing(empty, made) is None


def test_what_a_server_says_without_end_is_not_kept(tmp_path):
    """The other server's own words come by git's standard error."""
    loud = "alias.loud=!head -c 50000000 /dev/zero >&2; echo fatal: no more >&2; exit 3"

    ran = run(Order(["-c", loud, "loud"], tmp_path, git_environ()), LIMITS)

    assert ran.status == 3
    assert len(ran.errors) <= running.MOST_ERRORS
    assert ran.errors.endswith(b"fatal: no more\n")


def test_a_git_that_goes_on_is_ended(tmp_path):
    slow = Order(["-c", "alias.slow=!sleep 600", "slow"], tmp_path, git_environ())

    with pytest.raises(TookTooLong):
        run(slow, replace(LIMITS, timeout_s=1))


def _written(scratch: Scratch, words: list[str], given: bytes) -> str:
    ran = run(Order(words, scratch.path, git_environ(), given), LIMITS)
    return ran.said.decode().strip()
