"""Refs that a push may not make or move: each is told why, and nothing of the push is left."""

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.names import MAX_REF_PARTS
from tests.gitweb import FakeBuilder, run_git, served
from tests.rawgit import first_push, post
from tests.repos import commit, git

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def test_what_is_no_commit_does_not_deploy(web):
    app, source = web.new_app(), web.source("blob")
    blob = git(source, "hash-object", "-w", "--stdin", stdin=b"x")

    assert run_git(source, "push", web.url(app), f"{blob}:refs/heads/master").code == 1
    assert (web.ref(app), web.pending(app)) == ("", [])


def test_ref_that_would_forge_a_line_of_the_hook_is_refused(web):
    app, source = web.new_app(), web.source("forged")
    zero, tip = "0" * 40, git(source, "rev-parse", "HEAD")
    ref = f"refs/heads/a\n{zero} {tip} refs/heads/master"

    assert post(web, app, first_push(source, ref=ref)).status == 400


def test_ref_to_what_was_not_sent_is_refused_with_all_of_the_push(web):
    """git would ask about both, report one as refused, and move the other."""
    app, source = web.new_app(), web.source("beside")
    absent = pkt(f"{'0' * 40} {'1' * 40} refs/heads/absent".encode())

    answer = post(web, app, first_push(source).replace(FLUSH + b"PACK", absent + FLUSH + b"PACK"))

    assert b"ng refs/heads/absent objects that it needs were not sent" in answer.report
    assert b"ng refs/heads/master refused with another ref of this push" in answer.report
    assert (web.ref(app), web.objects(app), web.builds(app), web.pending(app)) == ("", [], [], [])


@pytest.mark.parametrize("spec", ["HEAD:Procfile", "HEAD^{tree}"])
@pytest.mark.parametrize("branch", ["master", "topic"])
def test_branch_that_is_no_commit_is_refused(web, spec, branch):
    app, source = web.new_app(), web.source(f"no-commit-{branch}-{spec[5]}")
    oid = git(source, "rev-parse", spec)

    pushed = run_git(source, "push", web.url(app), f"{oid}:refs/heads/{branch}")

    assert pushed.code == 1
    assert f"(a branch is a commit, and {oid[:12]} is a " in pushed.said
    assert (web.ref(app), web.objects(app)) == ("", [])


def test_branch_that_is_a_tag_object_is_refused(web):
    app, source = web.new_app(), web.source("tag-as-branch")
    git(source, "tag", "-a", "-m", "v1", "v1")
    oid = git(source, "rev-parse", "v1")

    pushed = run_git(source, "push", web.url(app), f"{oid}:refs/heads/topic", "v1")

    assert f"(a branch is a commit, and {oid[:12]} is a tag)" in pushed.said
    assert (web.ref(app), web.objects(app)) == ("", [])
    assert run_git(source, "push", web.url(app), "v1").code == 0


def test_same_ref_twice_is_refused(web):
    app, source = web.new_app(), web.source("twice")
    line = pkt(f"{'0' * 40} {git(source, 'rev-parse', 'HEAD')} refs/heads/master".encode())

    answer = post(web, app, first_push(source).replace(FLUSH + b"PACK", line + FLUSH + b"PACK"))

    assert answer.report.count(b"ng refs/heads/master master is in this push twice") == 2
    assert (web.ref(app), web.objects(app)) == ("", [])


@pytest.mark.parametrize("name", ["x" * 300, "y/" * 600 + "y", "/".join(["z" * 200] * 5)])
def test_ref_whose_name_no_file_can_have_or_nobody_can_list_is_refused(web, name):
    app, source = web.new_app(), web.source(f"long-name-{name[0]}")

    pushed = run_git(source, "push", web.url(app), f"HEAD:refs/heads/{name}")

    assert pushed.code == 1
    assert "… has too long a name)" in pushed.said
    assert web.objects(app) == []


def test_ref_with_as_many_parts_as_are_allowed_harms_no_push_after_it(web):
    app, source = web.new_app(), web.source("deep")
    ref = "refs/heads/" + "a/" * (MAX_REF_PARTS - 3) + "b"
    assert run_git(source, "push", web.url(app), f"HEAD:{ref}").code == 0

    assert run_git(source, "push", web.url(app), "master").code == 0
    assert ref in run_git(source, "ls-remote", web.url(app)).said
    assert run_git(source, "push", web.url(app), f":{ref}").code == 0


@pytest.mark.parametrize("first", ["topic", "topic/a/b"])
def test_ref_in_the_way_of_another_is_named(web, first):
    app, source = web.new_app(), web.source(f"in-the-way-{len(first)}")
    second = "topic/a" if first == "topic" else "topic"
    run_git(source, "push", web.url(app), f"HEAD:refs/heads/{first}")
    objects = web.objects(app)
    commit(source, {"more": "1"})

    refused = run_git(source, "push", web.url(app), f"HEAD:refs/heads/{second}")
    both = run_git(source, "push", web.url(app), "HEAD:refs/heads/x", "HEAD:refs/heads/x/y")
    instead = run_git(source, "push", web.url(app), f":refs/heads/{first}", f"HEAD:refs/heads/{second}")

    assert f"({first} is in the way of {second})" in refused.said
    assert "(x/y is in the way of x)" in both.said
    assert (refused.code, both.code) == (1, 1)
    assert instead.code == 0, instead.said
    assert set(objects) < set(web.objects(app))


def test_ref_that_is_not_utf8_is_refused(web):
    app, source = web.new_app(), web.source("latin")

    answer = post(web, app, first_push(source).replace(b"/master\0", b"/m\xe4ster\0"))

    assert "cannot name a ref here.\n !     Use printable UTF-8." in answer.progress
    assert b"ng refs/heads/m\xe4ster 'refs/heads/m\\udce4ster' cannot name a ref here" in answer.report
    assert web.pending(app) == []


@pytest.mark.parametrize("name", ["a b", "a ", " a", "a pre-receive hook declined", "a" + " b" * 100])
def test_ref_with_a_blank_in_its_name_is_told_why_in_our_words(web, name):
    """git's own client sends none; another one may."""
    app = web.new_app()
    source = web.source(f"blank-{app.id}")
    ref = f"refs/heads/{name}"

    answer = post(web, app, first_push(source, ref=ref))

    assert f"ng {ref} {' '.join(ref.split())} cannot name a ref\n".encode() in answer.report
    assert "What can is in: git help check-ref-format." in answer.progress
    assert (web.objects(app), web.pending(app)) == ([], [])


def test_branch_of_any_name_can_be_deleted_while_none_deploys(web):
    app, source = web.new_app(), web.source("none")
    run_git(source, "push", web.url(app), "HEAD:refs/heads/None")

    assert run_git(source, "push", web.url(app), ":None").code == 0


@pytest.mark.parametrize("spec", ["HEAD:Procfile", "HEAD^{tree}"])
def test_tag_that_leads_to_no_commit_is_refused(web, spec):
    app, source = web.new_app(), web.source(f"tag-of-{spec[5]}")
    oid = git(source, "rev-parse", spec)
    git(source, "tag", "-a", "-m", "x", "told", oid)

    light = run_git(source, "push", web.url(app), f"{oid}:refs/tags/light")
    told = run_git(source, "push", web.url(app), "told")

    assert "(a ref leads to a commit, and " in light.said
    assert "is a tag that leads to no commit)" in told.said
    assert (light.code, told.code, web.objects(app)) == (1, 1, [])


@pytest.mark.parametrize("options", [(), ("--push-option=gate=build",)])
def test_push_from_a_clone_that_is_cut_where_the_server_has_nothing_is_refused_at_once(
    web, tmp_path, options
):
    """Before it is said that anything is stored, and before a gate has it built."""
    app, source = web.new_app(), web.source(f"cut-history-{len(options)}")
    commit(source, {"more": "1"})
    run_git(tmp_path, "clone", "--depth=1", f"file://{source}", "copy")
    commit(tmp_path / "copy", {"more": "2"})

    pushed = run_git(tmp_path / "copy", "push", *options, web.url(app), "master")

    assert pushed.code == 1
    assert "fetch-depth: 0" in pushed.said
    assert "stored" not in pushed.said
    assert (web.builds(app), web.objects(app)) == ([], [])
