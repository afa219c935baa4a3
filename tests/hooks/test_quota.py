"""What an app may push and keep, as git is told and as people are."""

from dataclasses import replace

import pytest

from gitserver.git import programs
from gitserver.git.repos import Received, settings
from hooks.care.stock import repo_bytes
from hooks.quota import Limits, PushTooLarge, QuotaReached, limits, max_input, too_large
from stratum.settings import Settings
from tests.gitweb import new_web, run_git
from tests.repos import commit, git

MIB = 1 << 20


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    made.instance = replace(
        made.instance, settings=Settings(max_push_bytes=10 * MIB, max_repo_bytes=50 * MIB)
    )
    yield made
    made.close()


def hold(repo, size):
    """Have a repository hold so much more; the file takes no disk."""
    with (repo / "objects/pack/pack-x.pack").open("wb") as file:
        file.truncate(size)


def test_the_servers_limits_hold_where_the_app_has_none(web, app):
    assert limits(web.instance, app) == Limits(10 * MIB, 50 * MIB)
    own = replace(app, max_push_bytes=3, max_repo_bytes=100 * MIB)
    assert limits(web.instance, own) == Limits(3, 100 * MIB)


def test_git_is_told_the_smaller_of_limit_and_room(web, app, repo):
    assert max_input(web.instance, app) == 10 * MIB
    hold(repo, 45 * MIB)
    assert max_input(web.instance, app) == 5 * MIB
    received = Received(app, None)
    assert f"receive.maxInputSize={5 * MIB}" in settings(web.instance, received)
    argv = programs.argv(web.instance, programs.RECEIVE, repo, received=received)
    assert f"receive.maxInputSize={5 * MIB}" in argv
    assert f"receive.maxInputSize={10 * MIB}" in settings(web.instance)


def test_a_full_repository_is_not_one_without_limit(web, app, repo):
    hold(repo, 60 * MIB)

    assert max_input(web.instance, app) == 1
    assert str(too_large(web.instance, app)) == (
        "The repository of app01 holds 60 MiB of the 50 MiB that it may, and the push does not fit. "
        "Ask for more: stratum apps set app01 -E MyProdEnv --quota SIZE."
    )


def test_which_limit_was_met(web, app, repo):
    error = too_large(web.instance, app)
    assert isinstance(error, PushTooLarge)
    assert error.limit == 10 * MIB
    assert "--max-push SIZE" in error.hint
    hold(repo, 45 * MIB)
    quota = too_large(web.instance, app)
    assert isinstance(quota, QuotaReached)
    assert (quota.size, quota.limit) == (45 * MIB, 50 * MIB)


def test_packs_and_loose_objects_count_and_quarantines_do_not(web, app, repo):
    assert repo_bytes(repo) == 0
    source = web.source("source")
    git(source, "push", "-q", str(repo), "master")
    loose = repo_bytes(repo)
    assert loose == sum(path.stat().st_size for path in (repo / "objects").rglob("*") if path.is_file())
    (repo / "objects/tmp_objdir-incoming-x").mkdir()
    (repo / "objects/tmp_objdir-incoming-x/y").write_text("z")
    assert repo_bytes(repo) == loose

    git(repo, "repack", "-adq")
    assert repo_bytes(repo) >= sum(path.stat().st_size for path in (repo / "objects/pack").iterdir())
    assert repo_bytes(repo.with_name("none.git")) == 0


def test_git_itself_refuses_what_is_over(web, app, repo):
    source = web.source("source")
    commit(source, {"large": b"\0" * 10 + bytes(range(256)) * 200})
    git(
        repo, "config", "receive.maxInputSize", str(max_input(web.instance, replace(app, max_push_bytes=100)))
    )

    assert "pack exceeds maximum allowed size" in run_git(source, "push", str(repo), "master").said
