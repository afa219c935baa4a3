import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from gitserver.git.programs import RECEIVE, UPLOAD, environ, protocol
from gitserver.git.repos import SMALL_BYTES, THREADS, Received, ensure_repo, install_hooks, settings
from stratum.errors import Unavailable
from tests.gitweb import new_web
from tests.repos import git


@pytest.fixture
def web(tmp_path):
    made = new_web(tmp_path)
    yield made
    made.close()


def test_many_first_contacts_make_one_whole_repository(web):
    app = web.new_app()
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: ensure_repo(web.instance, app), range(8)))

    assert made == {web.repo(app)}
    assert list(web.instance.layout.repos.iterdir()) == [web.repo(app)]
    assert git(web.repo(app), "rev-parse", "--is-bare-repository", "--show-object-format") == "true\nsha1"
    assert git(web.repo(app), "symbolic-ref", "HEAD") == "refs/heads/master"


def test_hooks_of_an_earlier_version_are_removed(web):
    folder = web.instance.layout.receive_hooks
    install_hooks(web.instance)
    (folder / "post-receive").write_text("")

    install_hooks(web.instance)

    assert [file.name for file in folder.iterdir()] == ["pre-receive"]


def test_who_asks_is_told_no_folder_of_the_server(web, caplog):
    app = web.new_app()
    web.instance.layout.repos.rmdir()
    web.instance.layout.repos.write_text("")

    with pytest.raises(Unavailable) as raised:
        ensure_repo(web.instance, app)

    assert raised.value.message == "The repository of MyProdEnv/app01 could not be made: File exists."
    assert str(web.folder) in caplog.text


def test_hook_outside_a_push_refuses(web):
    """An operator who pushes on the server itself would go past the journal."""
    install_hooks(web.instance)
    hook = web.instance.layout.receive_hooks / "pre-receive"
    done = subprocess.run([hook], input=b"", capture_output=True, env={}, check=False)

    assert (done.returncode, done.stderr) == (1, b"stratum: push over HTTP only\n")


@pytest.mark.parametrize(
    ("service", "header", "version"),
    [
        (UPLOAD, "version=2", "version=2"),
        (RECEIVE, "version=2", ""),
        (RECEIVE, "version=1", "version=1"),
        (UPLOAD, "x:version=1:y", "version=1"),
        (UPLOAD, "version=22", ""),
        (UPLOAD, "$(id)\n", ""),
    ],
)
def test_only_known_protocol_versions_reach_git(service, header, version):
    assert protocol(service, header) == version


def test_git_gets_no_variable_of_ours_and_no_forged_name(web, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("STRATUM_TOKEN", "secret")
    given = environ(web.instance, "a <b>\n c", "")

    assert given["GIT_COMMITTER_NAME"] == "a-b-c"
    assert "GIT_DIR" not in given
    assert "STRATUM_TOKEN" not in given
    assert given["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("size", "threads"), [(0, 1), (SMALL_BYTES, 1), (SMALL_BYTES + 1, THREADS), (None, THREADS)]
)
def test_git_starts_no_threads_for_a_small_pack(web, size, threads):
    """One whose size nobody has announced may be large."""
    received = settings(web.instance, Received(web.new_app(), size))

    assert [word for word in received if word.startswith("pack.threads=")] == [f"pack.threads={threads}"]
