"""Which addresses are repositories', and that all of them ask first who is there."""

import pytest

from stratum.store import tokens
from tests.gitweb import new_web

PLACES = [
    "{0}",
    "{0}/",
    "{0}.git",
    "{0}.git/",
    "{0}.git.git/info/refs",
    "//{0}/info/refs",
    *(
        f"{{0}}{suffix}/{rest}"
        for suffix in ("", ".git")
        for rest in (
            "info/refs",
            "info/refs?service=git-upload-pack",
            "git-upload-pack",
            "git-receive-pack",
            "HEAD",
            "objects/info/packs",
            "anything/at/all",
        )
    ),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    made = new_web(tmp_path_factory.mktemp("web"))
    made.new_app()
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(web):
    from gitserver.app import create_app

    with create_app(web.instance).test_client() as client:
        yield client


def ask(client, method, path, secret=None):
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return client.open("/" + path, method=method, headers=headers, base_url="http://localhost")


@pytest.mark.parametrize("place", PLACES)
def test_without_credentials_all_is_401_whether_anything_is_there_or_not(client, place):
    for method in METHODS:
        labels = ("MyProdEnv/app01", "MyProdEnv/none", "no/such")
        answers = [ask(client, method, place.format(label)) for label in labels]

        assert {answer.status_code for answer in answers} == {401}, method
        assert all(answer.headers["WWW-Authenticate"].startswith("Basic ") for answer in answers)
        assert len({(answer.data, *answer.headers) for answer in answers}) == 1, method


@pytest.mark.parametrize("path", ["", "x", "favicon.ico", ".git", "api", "api/git-upload-pack", "a/b/c/d/e"])
def test_so_is_every_other_address(client, path):
    answer = ask(client, "GET", path)

    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, True)


@pytest.mark.parametrize("place", PLACES)
def test_a_token_without_rights_meets_the_same_as_where_nothing_is(web, client, place):
    with web.db.write() as tx:
        secret = tokens.add_token(tx, f"none at {place}", is_admin=False)
    there, missing = (
        ask(client, "GET", place.format(label), secret) for label in ("MyProdEnv/app01", "MyProdEnv/app99")
    )

    assert there.status_code == missing.status_code
    assert there.data.replace(b"app01", b"app99") == missing.data


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_a_repository_is_there_with_and_without_its_suffix(web, client, suffix):
    path = f"MyProdEnv/app01{suffix}"
    refs = ask(client, "GET", f"{path}/info/refs?service=git-upload-pack", web.secret)
    page = ask(client, "GET", path, web.secret)

    assert (refs.status_code, refs.data[:30]) == (200, b"001e# service=git-upload-pack\n")
    assert (page.status_code, page.data) == (
        404,
        b"There is no page here: use git's smart HTTP protocol.\n",
    )


def test_the_suffix_goes_once_and_the_api_is_no_environment(web, client):
    twice = ask(client, "GET", "MyProdEnv/app01.git.git/info/refs?service=git-upload-pack", web.secret)
    nothing = ask(client, "GET", "api/app01/info/refs?service=git-upload-pack", web.secret)

    assert (twice.status_code, twice.data) == (
        404,
        b"There is no app 'MyProdEnv/app01.git' here that you may use.\n",
    )
    assert (nothing.status_code, nothing.get_json()["message"]) == (
        404,
        'There is nothing at GET "/api/app01/info/refs".',
    )
