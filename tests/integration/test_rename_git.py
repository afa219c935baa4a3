"""Git by an app's former name: reads are led on, pushes are told where to go."""

import pytest
from dulwich.client import get_transport_and_path

from stratum.model import Right
from stratum.store import environments
from stratum.store.names import rename_app
from tests.gitweb import FakeBuilder, run_git, served
from tests.repos import commit, git

pytestmark = pytest.mark.integration


@pytest.fixture
def web(tmp_path):
    with served(tmp_path) as web, FakeBuilder(web):
        yield web


@pytest.fixture
def app(web):
    """Pushed to, then renamed from app01 to shop."""
    app = web.new_app()
    pushed = run_git(web.source("source"), "push", web.url(app), "master")
    assert pushed.code == 0, pushed.said
    with web.db.write() as tx:
        rename_app(tx, app, "shop")
    return app


@pytest.mark.parametrize(("version", "suffix"), [("0", ".git"), ("2", ".git"), ("2", "")])
def test_a_clone_by_the_old_name_is_led_on_with_advice(web, app, tmp_path, version, suffix):
    url = web.url(app).removesuffix(".git") + suffix
    done = run_git(tmp_path, "-c", f"protocol.version={version}", "clone", url, "clone")

    assert done.code == 0, done.said
    assert f"warning: redirecting to http://127.0.0.1:{web.port}/MyProdEnv/shop.git/" in done.said
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == web.ref(app)
    assert run_git(tmp_path / "clone", "fetch", "origin").code == 0


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_credentials_of_a_helper_go_along_and_the_advice_comes_with_what_is_fetched(
    web, app, tmp_path, version
):
    helper = f"!f() {{ echo username=x; echo password={web.secret}; }}; f"
    options = ("-c", f"credential.helper={helper}", "-c", f"protocol.version={version}")
    listed = run_git(tmp_path, *options, "ls-remote", web.url(app, ""))
    assert (listed.code, web.ref(app) in listed.said) == (0, True), listed.said
    cloned = run_git(tmp_path, *options, "clone", web.url(app, ""), "clone")

    assert cloned.code == 0, cloned.said
    assert "MyProdEnv/app01 is called MyProdEnv/shop now. Point your remote there: git remote" in cloned.said
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == web.ref(app)


def test_a_push_to_the_old_name_is_told_the_new_one(web, app, tmp_path):
    source = tmp_path / "sources/source"
    before = web.ref(app)
    commit(source, {"more": "x"})
    done = run_git(source, "push", web.url(app), "master")

    assert (done.code, web.ref(app)) == (128, before)
    assert done.remote == [
        "MyProdEnv/app01 is called MyProdEnv/shop now. Point your remote there: "
        f"git remote set-url catalyze http://127.0.0.1:{web.port}/MyProdEnv/shop.git"
    ]
    assert run_git(source, "push", web.url("MyProdEnv/shop"), "master").code == 0


def test_who_may_not_see_it_learns_nothing(web, app, tmp_path):
    other = web.new_app()
    secret = web.token("stranger", other, Right.PUSH)
    told = run_git(tmp_path, "ls-remote", web.url(app, secret))
    unknown = run_git(tmp_path, "ls-remote", web.url("MyProdEnv/app99", secret))

    assert told.code == unknown.code == 128
    assert told.said.replace("app01", "app99") == unknown.said


def test_a_new_app_of_the_old_name_wins(web, app, tmp_path):
    with web.db.write() as tx:
        environments.add_app(tx, app.environment, "app01")
    done = run_git(tmp_path, "ls-remote", web.url(app))

    assert (done.code, done.said) == (0, "")


def test_dulwich_is_led_on(web, app, tmp_path):
    client, path = get_transport_and_path(web.url(app))
    cloned = client.clone(path, str(tmp_path / "clone"), mkdir=True)
    assert cloned.head().decode() == web.ref(app)
    cloned.close()


def test_libgit2_is_led_on(web, app, tmp_path):
    pygit2 = pytest.importorskip("pygit2")
    callbacks = pygit2.RemoteCallbacks(pygit2.UserPass("x", web.secret))
    cloned = pygit2.clone_repository(web.url(app, ""), str(tmp_path / "clone"), callbacks=callbacks)

    assert str(cloned.head.target) == web.ref(app)
