"""What git users do besides a plain push and clone, each by a real git. Libraries: test_git_libraries.py."""

import re
from pathlib import Path
from random import Random

import pytest

from tests.gitweb import FakeBuilder, GitWeb, Pushed, run_git, served
from tests.rawgit import ask, first_push, post
from tests.repos import commit, git

pytestmark = pytest.mark.integration

VERSIONS = ("0", "1", "2")
FILTERS = ("blob:none", "tree:0", "blob:limit=1k")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


VISIBLE = ("refs/heads", "refs/tags", "refs/notes")  # but for those that keep builds from gc


def refs(folder: Path) -> dict[str, str]:
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)", *VISIBLE).splitlines()
    return dict(line.split() for line in lines)


def long_source(web: GitWeb, name: str, commits: int = 5) -> Path:
    """Make a history with a file that is larger than the limit of a partial clone."""
    source = web.source(name)
    for number in range(1, commits):
        commit(source, {"file": f"{number}\n", "folder/large": Random(number).randbytes(5000)})
    return source


def pushed(web, name: str, commits: int = 5):
    app, source = web.new_app(), long_source(web, name, commits)
    done = run_git(source, "push", web.url(app), "master")
    assert done.code == 0, done.said
    return app, source


def cloned(web, app, folder: Path, *options: str) -> Path:
    done = run_git(folder, "clone", *options, web.url(app), "copy")
    assert done.code == 0, done.said
    return folder / "copy"


def fine(done: Pushed) -> None:
    assert done.code == 0, done.said


# -- bodies


def requests_of(trace: Path) -> list[dict[str, str]]:
    """Headers of each request that a git has sent, by GIT_TRACE_CURL."""
    found: list[dict[str, str]] = []
    for line in trace.read_text().splitlines():
        _, sent, header = line.partition("=> Send header: ")
        if sent and re.match(r"(GET|POST) ", header):
            found.append({"request": header})
        elif sent and ": " in header:
            name, _, value = header.partition(": ")
            found[-1][name.lower()] = value
    return found


def test_push_over_the_clients_buffer_is_chunked_after_a_probe(web, tmp_path):
    app, source, trace = web.new_app(), web.source("over-buffer"), tmp_path / "trace"
    tip = commit(source, {"noise": Random(1).randbytes(300_000)})
    option = ("-c", "http.postBuffer=65536")

    fine(run_git(source, *option, "push", web.url(app), "master", GIT_TRACE_CURL=str(trace)))

    posts = [headers for headers in requests_of(trace) if headers["request"].startswith("POST")]
    assert [headers.get("content-length") for headers in posts] == ["4", None]
    assert posts[-1]["transfer-encoding"] == "chunked"
    assert web.ref(app) == tip


def test_push_under_the_clients_buffer_tells_its_length(web, tmp_path):
    app, source, trace = web.new_app(), web.source("under-buffer"), tmp_path / "trace"

    fine(run_git(source, "push", web.url(app), "master", GIT_TRACE_CURL=str(trace)))

    (sent,) = [headers for headers in requests_of(trace) if headers["request"].startswith("POST")]
    assert int(sent["content-length"]) > 100


def test_client_that_waits_to_be_told_to_go_on_is_told(web, tmp_path):
    """http.version and Expect: git asks so only where it must, curl of old always did."""
    app, source, trace = web.new_app(), web.source("expects"), tmp_path / "trace"
    tip = commit(source, {"noise": Random(2).randbytes(300_000)})
    options = ("-c", "http.postBuffer=65536", "-c", "http.extraHeader=Expect: 100-continue")

    fine(run_git(source, *options, "push", web.url(app), "master", GIT_TRACE_CURL=str(trace)))

    assert "100 Continue" in trace.read_text()
    assert web.ref(app) == tip


@pytest.mark.parametrize("size", [10, 300_000])
def test_body_in_chunks_of_any_size_is_taken(web, size):
    """A chunked body need not be large; `http.client` sends a chunk for each piece."""
    app, source = web.new_app(), web.source(f"pieces-{size}")
    body = first_push(source)
    pieces = (body[start : start + size] for start in range(0, len(body), size))

    answer = post(web, app, pieces)

    assert b"ok refs/heads/master" in answer.report


def test_content_type_must_be_that_of_the_service(web):
    """Strictly, as a page in a browser may send most others."""
    app = web.new_app()
    for kind in ("application/x-git-upload-pack-request", "application/x-www-form-urlencoded", ""):
        answer = post(web, app, b"0000", Content_Type=kind)

        assert (answer.status, answer.body) == (
            415,
            b"Content-Type must be application/x-git-receive-pack-request.\n",
        )


# -- shallow and partial clones


@pytest.mark.parametrize("version", VERSIONS)
def test_shallow_clone_is_deepened_and_completed(web, tmp_path, version):
    app, source = pushed(web, f"deepened-{version}")
    option = ("-c", f"protocol.version={version}")
    copy = cloned(web, app, tmp_path, *option, "--depth=1")

    assert git(copy, "rev-list", "--count", "HEAD") == "1"
    fine(run_git(copy, *option, "fetch", "--depth=3"))
    assert git(copy, "rev-list", "--count", "HEAD") == "3"
    fine(run_git(copy, *option, "fetch", "--deepen=1"))
    assert git(copy, "rev-list", "--count", "HEAD") == "4"
    fine(run_git(copy, *option, "fetch", "--unshallow"))
    assert git(copy, "rev-list", "HEAD") == git(source, "rev-list", "HEAD")


def test_shallow_clone_by_date_and_by_ref(web, tmp_path):
    app, source = web.new_app(), web.source("since")
    git(source, "commit", "--amend", "--no-edit", GIT_COMMITTER_DATE="1000000000 +0000")
    git(source, "tag", "old")
    commit(source, {"more": "1"})
    fine(run_git(source, "push", web.url(app), "master", "old"))

    copy = cloned(web, app, tmp_path, "--shallow-since=2010-01-01")
    fine(run_git(tmp_path, "clone", "--shallow-exclude=old", web.url(app), "other"))

    assert git(copy, "rev-list", "--count", "HEAD") == "1"
    assert git(tmp_path / "other", "rev-list", "--count", "HEAD") == "1"


def test_push_from_a_shallow_clone_whose_boundary_is_known_is_taken(web, tmp_path):
    """As CI does: it clones with depth 1, commits and pushes."""
    app, _ = pushed(web, "boundary-known")
    copy = cloned(web, app, tmp_path, "--depth=1")
    tip = commit(copy, {"more": "1"})

    fine(run_git(copy, "push", "origin", "HEAD:master"))
    assert web.ref(app) == tip


def test_push_from_a_shallow_clone_whose_boundary_is_unknown_names_the_way_out(web, tmp_path):
    """The clone is of another place, so what it leaves out is not here."""
    app, source = web.new_app(), long_source(web, "boundary-unknown")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{source}", "copy")

    refused = run_git(tmp_path / "copy", "push", web.url(app), "master")

    assert refused.code == 1
    (line,) = re.findall(r"! \[remote rejected\] master -> master \((.*)\)", refused.said)
    assert "fetch-depth: 0" in line
    assert (web.ref(app), web.objects(app), web.newest(app)) == ("", [], None)
    fine(run_git(tmp_path / "copy", "fetch", "--quiet", "--unshallow", "origin"))
    fine(run_git(tmp_path / "copy", "push", web.url(app), "master"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wanted", FILTERS)
def test_partial_clone_fetches_what_it_lacks_when_it_is_needed(web, tmp_path, wanted, version):
    app, source = pushed(web, f"partial-{wanted}-{version}".replace(":", "-"))
    option = ("-c", f"protocol.version={version}")
    copy = cloned(web, app, tmp_path, *option, f"--filter={wanted}", "--no-checkout")

    absent = git(copy, "rev-list", "--objects", "--all", "--missing=print").count("?")
    shown = run_git(copy, *option, "cat-file", "-s", "HEAD~2:folder/large")
    fine(run_git(copy, *option, "checkout", "--quiet", "master"))

    assert absent > 0
    assert (shown.code, shown.said.splitlines()[-1:]) == (0, ["5000"]), shown.said
    assert (copy / "folder/large").read_bytes() == (source / "folder/large").read_bytes()


# -- what a push may ask for


def test_atomic_push_is_taken_whole(web):
    app, source = web.new_app(), web.source("atomic")

    fine(run_git(source, "push", "--atomic", web.url(app), "master", "master:refs/tags/v1", "master:topic"))

    assert set(refs(web.repo(app))) == {"refs/heads/master", "refs/heads/topic", "refs/tags/v1"}


def test_atomic_push_of_which_one_is_refused_leaves_all(web):
    app, source = web.new_app(), web.source("atomic-refused")
    fine(run_git(source, "push", web.url(app), "master"))
    before = refs(web.repo(app))
    tip = commit(source, {"more": "1"})

    refused = run_git(source, "push", "--atomic", web.url(app), "master", f"{tip}:refs/stratum/x")

    assert refused.code == 1
    assert refs(web.repo(app)) == before


def test_force_with_lease_holds_the_push_to_what_was_seen(web):
    app, source = pushed(web, "lease")
    seen = git(source, "rev-parse", "HEAD")
    git(source, "reset", "--quiet", "--hard", "HEAD~1")
    tip = commit(source, {"more": "1"})
    url = web.url(app)

    stale = run_git(source, "push", f"--force-with-lease=master:{tip}", url, "master")
    assert (stale.code, "(stale info)" in stale.said) == (1, True)
    plain = run_git(source, "push", url, "master")
    assert (plain.code, "[rejected]" in plain.said) == (1, True)
    assert web.ref(app) == seen

    fine(run_git(source, "push", f"--force-with-lease=master:{seen}", url, "master"))
    assert web.ref(app) == tip


def test_tags_of_all_kinds_are_stored(web, tmp_path):
    """Light, annotated, signed (by nobody we know), and a tag of a tag."""
    app, source = web.new_app(), web.source("tags")
    git(source, "tag", "light")
    git(source, "tag", "-a", "-m", "told", "annotated")
    git(source, "tag", "-a", "-m", "told twice", "nested", "annotated")
    signed = git(source, "cat-file", "tag", "annotated").replace("tag annotated", "tag signed")
    signature = "\n-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n-----END PGP SIGNATURE-----\n"
    oid = git(source, "mktag", stdin=f"{signed}{signature}".encode())
    git(source, "update-ref", "refs/tags/signed", oid)
    fine(run_git(source, "push", web.url(app), "master"))

    fine(run_git(source, "push", "--tags", web.url(app)))
    copy = cloned(web, app, tmp_path)

    tags = {name: oid for name, oid in refs(source).items() if name.startswith("refs/tags/")}
    assert len(tags) == 4
    assert {name: oid for name, oid in refs(copy).items() if name.startswith("refs/tags/")} == tags
    assert len(web.builds(app)) == 1


def test_annotated_tag_deploys_when_it_is_pushed_to_the_branch_as_a_commit(web):
    app, source = web.new_app(), web.source("tag-deployed")
    git(source, "tag", "-a", "-m", "told", "v1")

    fine(run_git(source, "push", web.url(app), "v1^{}:refs/heads/master"))

    assert [build.commit for build in web.builds(app)] == [git(source, "rev-parse", "HEAD")]


def test_mirror_makes_the_refs_the_same_and_deletes_the_others(web):
    app, source = pushed(web, "mirrored")
    git(source, "branch", "topic")
    git(source, "tag", "v1")
    fine(run_git(source, "push", "--mirror", web.url(app)))
    assert refs(web.repo(app)) == refs(source)
    git(source, "branch", "--delete", "topic")
    git(source, "tag", "--delete", "v1")
    commit(source, {"more": "1"})

    fine(run_git(source, "push", "--mirror", web.url(app)))

    assert refs(web.repo(app)) == refs(source)
    assert len(web.builds(app)) == 2


def test_many_refs_in_one_push(web):
    app, source = web.new_app(), web.source("many")
    for number in range(300):
        git(source, "update-ref", f"refs/heads/topic/{number}", "HEAD")

    fine(run_git(source, "push", "--all", web.url(app)))

    assert refs(web.repo(app)) == refs(source)


def test_branch_is_renamed_by_a_push_and_a_deletion(web):
    app, source = pushed(web, "renamed")
    fine(run_git(source, "push", web.url(app), "master:old"))

    fine(run_git(source, "push", web.url(app), "master:new", ":old"))

    assert set(refs(web.repo(app))) == {"refs/heads/master", "refs/heads/new"}


def test_deleting_what_is_not_there_is_told(web):
    app, source = pushed(web, "deleted-twice")

    assert run_git(source, "push", web.url(app), ":nothing").code != 0
    assert set(refs(web.repo(app))) == {"refs/heads/master"}


def test_push_that_changes_nothing_is_up_to_date(web):
    app, source = pushed(web, "same")

    again = run_git(source, "push", web.url(app), "master")

    assert (again.code, "Everything up-to-date" in again.said) == (0, True)
    assert len(web.builds(app)) == 1


def test_dry_run_changes_nothing(web):
    app, source = web.new_app(), web.source("dry")

    fine(run_git(source, "push", "--dry-run", web.url(app), "master"))

    assert (web.ref(app), web.builds(app)) == ("", [])


def test_quiet_and_porcelain_pushes_end_as_others(web):
    app, source = web.new_app(), web.source("quiet")
    fine(run_git(source, "push", "--quiet", web.url(app), "master"))
    commit(source, {"more": "1"})

    shown = run_git(source, "push", "--porcelain", web.url(app), "master")

    fine(shown)
    assert " \trefs/heads/master:refs/heads/master\t" in shown.said
    assert shown.said.endswith("Done\n")


# -- HEAD


def test_head_follows_the_deploy_branch_when_that_is_changed(web, tmp_path):
    app, source = pushed(web, "head-follows")
    tip = commit(source, {"more": "1"})
    fine(run_git(source, "push", web.url(app), "master:release"))

    bearer = {"Authorization": f"Bearer {web.secret}", "Content-Type": "application/json"}
    path = f"/api/apps/{app.environment.name}/{app.name}"
    assert ask(web, "PATCH", path, b'{"deploy_branch": "release"}', bearer).status == 200
    copy = cloned(web, app, tmp_path)

    assert git(copy, "symbolic-ref", "HEAD") == "refs/heads/release"
    assert git(copy, "rev-parse", "HEAD") == tip


@pytest.mark.parametrize("version", VERSIONS)
def test_clone_of_an_app_that_deploys_main_checks_out_main(web, tmp_path, version):
    app, source = web.new_app(), web.source(f"main-{version}")
    fine(run_git(source, "push", web.url(app), "master:main"))

    copy = cloned(web, app, tmp_path, "-c", f"protocol.version={version}")

    assert git(copy, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert (copy / "Procfile").exists()
