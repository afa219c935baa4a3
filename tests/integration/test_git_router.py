"""Through the router, as users come: what a proxy could spoil of git's requests."""

from random import Random

import pytest

from tests.repos import commit, git

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_push_in_chunks_then_clones_of_every_kind(served):
    """Chunked and gzip bodies, a probe, shallow and partial clones with protocol 0 and 2, leases and tags."""
    repo = served.app("chunks", {"Procfile": "worker: sleep 1000\n"})
    for number in range(3):
        commit(repo, {"noise": Random(number).randbytes(300_000)})
    git(repo, "tag", "-a", "-m", "told", "v1")
    served.run("git", "-c", "http.postBuffer=65536", "push", "catalyze", "master:topic", "v1", cwd=repo)
    secret = (served.data / "admin.token").read_text().strip()
    url = git(repo, "remote", "get-url", "catalyze").replace("//", f"//token:{secret}@")

    for number, version in enumerate(("0", "2")):
        options = ["-c", f"protocol.version={version}"]
        shallow, partial = f"shallow{number}", f"partial{number}"
        served.run("git", *options, "clone", "--depth=1", "--branch=topic", url, shallow, cwd=repo)
        served.run("git", *options, "fetch", "--unshallow", cwd=repo / shallow)
        served.run("git", *options, "clone", "--filter=blob:none", "--branch=topic", url, partial, cwd=repo)
        assert git(repo / shallow, "rev-list", "HEAD") == git(repo, "rev-list", "HEAD")
        assert (repo / partial / "noise").read_bytes() == (repo / "noise").read_bytes()

    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    seen = git(repo, "rev-parse", "v1^{}")
    served.run("git", "push", f"--force-with-lease=topic:{seen}", "catalyze", "master:topic", cwd=repo)
    stale = served.run(
        "git", "push", f"--force-with-lease=topic:{seen}", "catalyze", "v1^{}:topic", cwd=repo, check=False
    )
    assert "stale info" in stale.stderr


def test_clients_that_expect_to_be_told_to_go_on_are(served):
    repo = served.app("expect", {"Procfile": "worker: sleep 1000\n"})
    commit(repo, {"noise": Random(9).randbytes(300_000)})
    options = ("-c", "http.postBuffer=65536", "-c", "http.extraHeader=Expect: 100-continue")

    served.run("git", *options, "push", "catalyze", "master:topic", cwd=repo)


UNTAGGED = "object {commit}\ntype commit\ntag u\n\nmsg\n"


@pytest.mark.parametrize("buffer", ["65536", "1048576", "100000000"])
@pytest.mark.parametrize("size", [600_000, 1_100_000, 5_000_000])
def test_push_of_which_git_says_something_before_all_is_sent(served, size, buffer):
    """A router that sees the answer begin may read no more of the body: nothing goes out before its end.

    git warns of a tag without a tagger while it unpacks.
    """
    repo = served.app(f"warned-{size}-{buffer}", {"Procfile": "worker: sleep 1000\n"})
    commit(repo, {"noise": Random(size).randbytes(size)})
    tag = UNTAGGED.format(commit=git(repo, "rev-parse", "HEAD")).encode()
    oid = git(repo, "hash-object", "-w", "-t", "tag", "--literally", "--stdin", stdin=tag)

    said = served.run(
        *("git", "-c", f"http.postBuffer={buffer}", "push", "catalyze", f"{oid}:refs/tags/u"), cwd=repo
    ).stderr

    assert "[new tag]" in said


@pytest.mark.parametrize("buffer", ["65536", "100000000"])
def test_push_over_the_limit_is_told_so_however_it_is_sent(served, buffer):
    repo = served.app(f"limit-{buffer}", {"Procfile": "worker: sleep 1000\n"})
    served.stratum("apps", "set", f"limit-{buffer}", "-E", "MyProdEnv", "--max-push", "1M")
    commit(repo, {"noise": Random(1).randbytes(3 << 20)})

    done = served.run(
        "git", "-c", f"http.postBuffer={buffer}", "push", "catalyze", "master", cwd=repo, check=False
    )

    assert done.returncode == 1
    assert "! [remote rejected] master -> master (The push is larger than the 1 MiB" in done.stderr, (
        done.stderr
    )
