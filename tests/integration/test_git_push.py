"""Pushes, clones and fetches by a real git through the real web process."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import BuildState
from tests.gitweb import FakeBuilder, run_git, served
from tests.rawgit import connect, headers_for
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def test_push_is_stored_built_and_told(web):
    """The pusher sees what is received and the whole log of the build, and the ref is where it was pushed."""
    app, source = web.new_app(), web.source("first")
    tip = git(source, "rev-parse", "HEAD")

    pushed = run_git(source, "push", web.url(app), "master")

    assert (pushed.code, pushed.remote) == (
        0,
        [
            f"-----> Receiving {app.name} from {tip[:7]}",
            f"       To follow it again: stratum -E MyProdEnv -A {app.name} builds follow 1",
            "-----> Built",
        ],
    )
    assert web.ref(app) == tip
    assert [(build.commit, build.who, build.state) for build in web.builds(app)] == [
        (tip, "admin", BuildState.SUCCEEDED)
    ]
    assert web.app(app).deploy_branch == "master"


def test_clone_and_fetch_give_back_what_was_pushed(web, tmp_path):
    app, source = web.new_app(), web.source("cloned")
    run_git(source, "push", web.url(app), "master")
    copy = tmp_path / "copy"

    assert run_git(tmp_path, "clone", web.url(app), str(copy)).code == 0
    tip = commit(source, {"more": "1"})
    assert run_git(source, "push", web.url(app), "master").code == 0
    assert run_git(copy, "fetch", "origin").code == 0

    assert git(copy, "rev-parse", "origin/master") == tip


def test_a_remote_may_leave_out_git_at_the_end_of_its_url(web, tmp_path):
    app, source = web.new_app(), web.source("short")
    url = web.url(app).removesuffix(".git")

    pushed = run_git(source, "push", url, "master")

    assert pushed.code == 0, pushed.said
    assert run_git(tmp_path, "clone", url + "/", "copy").code == 0
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == web.ref(app)


def test_main_deploys_when_it_comes_first_and_is_what_clones_check_out(web, tmp_path):
    app, source = web.new_app(), web.source("main-first")

    run_git(source, "push", web.url(app), "master:main")
    run_git(tmp_path, "clone", web.url(app), "copy")

    assert web.app(app).deploy_branch == "main"
    assert len(web.builds(app)) == 1
    assert git(tmp_path / "copy", "symbolic-ref", "HEAD") == "refs/heads/main"


def test_empty_app_can_be_cloned(web, tmp_path):
    assert run_git(tmp_path, "clone", web.url(web.new_app())).code == 0


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_protocol_version_is_spoken(web, tmp_path, version):
    app, source = web.new_app(), web.source(f"protocol-{version}")
    option = ("-c", f"protocol.version={version}")

    assert run_git(source, *option, "push", web.url(app), "master").code == 0
    assert run_git(tmp_path, *option, "clone", web.url(app), "copy").code == 0
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == git(source, "rev-parse", "HEAD")


def test_push_larger_than_the_clients_buffer_comes_in_chunks(web):
    """git sends what exceeds http.postBuffer chunked, after a probe for the credentials."""
    app, source = web.new_app(), web.source("large")
    # Random by its seed: what deflates well would not be large.
    tip = commit(source, {"noise": Random(7).randbytes(3 << 20)})

    pushed = run_git(source, "-c", "http.postBuffer=65536", "push", web.url(app), "master")

    assert pushed.code == 0, pushed.said
    assert web.ref(app) == tip


def test_negotiation_is_inflated(web, tmp_path):
    """Under protocol 0 git compresses what it says about its commits once that is long."""
    app, source = web.new_app(), web.source("negotiated")
    run_git(source, "push", web.url(app), "master")
    run_git(tmp_path, "clone", web.url(app), "copy")
    for _ in range(60):  # newest by date, so these are what the client names first
        own = ("commit", "--quiet", "--allow-empty", "--message", "own")
        git(tmp_path / "copy", *own, GIT_COMMITTER_DATE="4000000000 +0000")
    tip = commit(source, {"more": "1"})
    run_git(source, "push", web.url(app), "master")

    trace = tmp_path / "trace"
    fetched = run_git(
        tmp_path / "copy", "-c", "protocol.version=0", "fetch", "origin", GIT_TRACE_CURL=str(trace)
    )

    assert fetched.code == 0, fetched.said
    assert "Content-Encoding: gzip" in trace.read_text()
    assert git(tmp_path / "copy", "rev-parse", "origin/master") == tip


def test_shallow_clone_can_push(web, tmp_path):
    app, source = web.new_app(), web.source("shallow")
    commit(source, {"more": "1"})
    run_git(source, "push", web.url(app), "master")
    run_git(tmp_path, "clone", "--depth=1", web.url(app), "copy")
    tip = commit(tmp_path / "copy", {"more": "2"})

    assert run_git(tmp_path / "copy", "push", "origin", "master").code == 0
    assert web.ref(app) == tip


def test_other_refs_are_stored_and_told_not_to_deploy(web):
    app, source = web.new_app(), web.source("topic")
    tip = git(source, "rev-parse", "HEAD")[:12]

    before = run_git(source, "push", web.url(app), "master:topic")
    run_git(source, "push", web.url(app), "master")
    after = run_git(source, "push", web.url(app), "master:refs/tags/v1")

    assert before.remote == [
        f"-----> topic is stored but does not deploy: {app.name} deploys master or main",
        f"       To deploy topic: git push catalyze {tip}:refs/heads/master",
    ]
    assert after.remote == [
        f"-----> v1 is stored but does not deploy: {app.name} deploys master",
        f"       To deploy v1: git push catalyze {tip}^{{}}:master",
    ]
    assert len(web.builds(app)) == 1
    assert web.ref(app, "refs/heads/topic") == web.ref(app)


def test_any_branch_deploys_when_pushed_to_the_deploy_branch(web):
    app, source = web.new_app(), web.source("topic-to-master")
    run_git(source, "push", web.url(app), "master")
    git(source, "switch", "-q", "-c", "topic")
    tip = commit(source, {"more": "1"})

    assert run_git(source, "push", web.url(app), "topic:master").code == 0
    assert [build.commit for build in web.builds(app)][1:] == [tip]


def test_forced_push_builds_the_older_commit_again(web):
    app, source = web.new_app(), web.source("forced")
    first = git(source, "rev-parse", "HEAD")
    commit(source, {"more": "1"})
    run_git(source, "push", web.url(app), "master")

    assert run_git(source, "push", "--force", web.url(app), f"{first}:master").code == 0
    assert web.builds(app)[-1].commit == first


def test_deploy_branch_cannot_be_deleted_but_others_can(web):
    app, source = web.new_app(), web.source("deleted")
    run_git(source, "push", web.url(app), "master", "master:topic")

    refused = run_git(source, "push", web.url(app), ":master")
    done = run_git(source, "push", web.url(app), ":topic")

    assert refused.code == 1
    assert f" !     master cannot be deleted: {app.name} is deployed from it." in refused.remote
    assert done.code == 0
    assert web.ref(app, "refs/heads") == web.ref(app)
    assert len(web.builds(app)) == 1


def test_hidden_refs_cannot_be_pushed(web):
    app, source = web.new_app(), web.source("hidden")

    assert run_git(source, "push", web.url(app), "master:refs/stratum/x").code == 1
    assert web.pending(app) == []


def test_object_that_git_would_not_accept_is_refused_with_nothing_left(web):
    """receive.fsckObjects: a tree with a `.git` entry never reaches a checkout."""
    app, source = web.new_app(), web.source("evil")
    blob = git(source, "hash-object", "-w", "--stdin", stdin=b"x")
    tree = git(source, "mktree", stdin=f"100644 blob {blob}\t.git\n".encode())
    tip = git(source, "commit-tree", "-m", "evil", tree)

    pushed = run_git(source, "push", web.url(app), f"{tip}:refs/heads/master")

    assert pushed.code == 1
    assert web.ref(app) == ""
    assert web.objects(app) == []


def test_clone_whose_client_goes_ends_on_the_server_too(web):
    """A pack of more than all buffers hold is on its way when the client closes."""
    app, source = web.new_app(), web.source("abandoned")
    commit(source, {"noise": Random(8).randbytes(30 << 20)})
    run_git(source, "push", web.url(app), "master")
    want = pkt(f"want {web.ref(app)} side-band-64k\n".encode()) + FLUSH + pkt(b"done\n")

    connection = connect(web)
    connection.request(
        "POST", f"/{app.label}.git/git-upload-pack", want, headers_for(web.secret, "git-upload-pack")
    )
    connection.getresponse().read(1 << 16)
    assert gits_of(web, app)
    connection.close()

    wait_until(lambda: not gits_of(web, app))


def gits_of(web, app) -> list[str]:
    """Processes that serve an app's repository."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += [str(entry)] * (str(web.repo(app)).encode() in (entry / "cmdline").read_bytes())
    return found


def test_pushes_to_many_apps_at_once(web):
    sources = [(web.new_app(), web.source(f"parallel-{number}")) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda pair: run_git(pair[1], "push", web.url(pair[0]), "master"), sources))

    assert [pushed.code for pushed in done] == [0] * 8
    assert [len(web.builds(app)) for app, _ in sources] == [1] * 8
