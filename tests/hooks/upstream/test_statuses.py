"""Each git server is told a commit's status in the form that its documentation has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.upstream.api import Credential, Repository, repository, signed_in
from hooks.upstream.statuses import Said, status
from hooks.upstream.verdict import MAX_DESCRIPTION, shortened
from stratum.errors import InvalidInput, StratumError
from stratum.model import Verdict
from stratum.webhooks import Provider

SHA = "a" * 40
SAID = Said(
    SHA, Verdict.SUCCESS, "v3 is live.", "https://st/log", "stratum/E/app", f"stratum-{'0' * 32}", "main"
)
OCTO = Repository("https://git.example.com/api", "octo/app")
GITHUB = {
    "state": "success",
    "target_url": "https://st/log",
    "description": "v3 is live.",
    "context": "stratum/E/app",
}
BITBUCKET = {
    "key": f"stratum-{'0' * 32}",
    "state": "SUCCESSFUL",
    "url": "https://st/log",
    "name": "stratum/E/app",
    "description": "v3 is live.",
}
GITLAB = {
    "state": "success",
    "name": "stratum/E/app",
    "target_url": "https://st/log",
    "description": "v3 is live.",
    "ref": "main",
}


@pytest.mark.parametrize(
    ("provider", "below", "body"),
    [
        ("github", f"/repos/octo/app/statuses/{SHA}", GITHUB),
        ("gitea", f"/repos/octo/app/statuses/{SHA}", GITHUB),
        ("gitlab", f"/projects/octo%2Fapp/statuses/{SHA}", GITLAB),
        ("bitbucket", f"/repositories/octo/app/commit/{SHA}/statuses/build", BITBUCKET),
        (
            "bitbucket-dc",
            f"/projects/octo/repos/app/commits/{SHA}/builds",
            {**BITBUCKET, "ref": "refs/heads/main"},
        ),
    ],
)
def test_a_status_is_sent_where_and_as_the_provider_wants_it(provider, below, body):
    sent = status(Provider(provider), OCTO, SAID)

    assert (sent.below, json.loads(sent.body)) == (below, body)
    assert len(body.get("key", "")) <= 40


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("github", ["pending", "success", "failure", "error", "error"]),
        ("gitea", ["pending", "success", "failure", "error", "error"]),
        ("gitlab", ["pending", "success", "failed", "failed", "canceled"]),
        ("bitbucket", ["INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "STOPPED"]),
        ("bitbucket-dc", ["INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "CANCELLED"]),
    ],
)
def test_each_verdict_has_a_word_of_the_providers(provider, words):
    said = [Said(SHA, verdict, "", "", "", "", "") for verdict in Verdict]

    assert [json.loads(status(Provider(provider), OCTO, one).body)["state"] for one in said] == words


@pytest.mark.parametrize(
    ("provider", "clone_url", "api_url", "base", "project"),
    [
        ("github", "https://github.com/octo/app.git", "", "https://api.github.com", "octo/app"),
        (
            "github",
            "https://GIT.example.com:8443/octo/app",
            "",
            "https://git.example.com:8443/api/v3",
            "octo/app",
        ),
        (
            "github",
            "https://git.example.com/octo/app",
            "https://api.git.example.com",
            "https://api.git.example.com",
            "octo/app",
        ),
        ("gitlab", "https://gitlab.com/group/sub/app.git/", "", "https://gitlab.com/api/v4", "group/sub/app"),
        (
            "gitlab",
            "https://h.example/lab/group/app.git",
            "https://h.example/lab/api/v4",
            "https://h.example/lab/api/v4",
            "group/app",
        ),
        ("gitea", "https://[2001:db8::1]/octo/app.git", "", "https://[2001:db8::1]/api/v1", "octo/app"),
        ("gitea", "http://git.example.com/octo/a%2Bb.git", "", "http://git.example.com/api/v1", "octo/a+b"),
        ("github", "git@github.com:octo/app.git", "", "https://api.github.com", "octo/app"),
        ("gitlab", "ssh://git@h.example:2222/group/app.git", "", "https://h.example/api/v4", "group/app"),
        (
            "bitbucket-dc",
            "ssh://git@bb.example:7999/PRJ/app.git",
            "",
            "https://bb.example/rest/api/latest",
            "PRJ/app",
        ),
        ("bitbucket", "https://bitbucket.org/team/app.git", "", "https://api.bitbucket.org/2.0", "team/app"),
        (
            "bitbucket-dc",
            "https://bb.example/scm/PRJ/app.git",
            "",
            "https://bb.example/rest/api/latest",
            "PRJ/app",
        ),
        (
            "bitbucket-dc",
            "https://bb.example/bb/scm/~me/app.git",
            "",
            "https://bb.example/bb/rest/api/latest",
            "~me/app",
        ),
        ("github", "git@github.com:octo/app.git", "", "https://api.github.com", "octo/app"),
        ("gitlab", "git@h.example:group/sub/app.git", "", "https://h.example/api/v4", "group/sub/app"),
        ("gitea", "ssh://git@h.example:2222/octo/app", "", "https://h.example/api/v1", "octo/app"),
        (
            "bitbucket-dc",
            "ssh://git@bb.example:7999/prj/app.git",
            "",
            "https://bb.example/rest/api/latest",
            "prj/app",
        ),
    ],
)
def test_where_the_api_is_follows_from_the_clone_url_unless_it_is_said(
    provider, clone_url, api_url, base, project
):
    assert repository(Provider(provider), clone_url, api_url) == Repository(base, project)


@pytest.mark.parametrize(
    ("provider", "clone_url"),
    [
        ("github", "https://github.com/app.git"),
        ("github", "https://github.com/a/b/c.git"),
        ("gitlab", "https://gitlab.com/app"),
        ("generic", "https://git.example.com/octo/app.git"),
    ],
)
def test_what_no_api_has_is_refused(provider, clone_url):
    with pytest.raises(InvalidInput):
        repository(Provider(provider), clone_url, "")


@given(
    st.sampled_from(Provider),
    st.text(max_size=60),
    st.sampled_from(["", "https://a.example", "https://a.example/x/api/v4"]),
)
def test_any_clone_url_is_a_repository_or_refused(provider, path, api_url):
    try:
        found = repository(provider, f"https://git.example.com/{path}", api_url)
    except StratumError:
        return
    assert found.base == (api_url or found.base)
    assert found.project.count("/") >= 1
    assert all(letter.isascii() and letter not in " ?#\r\n" for letter in found.path + found.key)


@pytest.mark.parametrize(
    ("provider", "user", "name", "value"),
    [
        ("github", "", "Authorization", "Bearer t0ken"),
        ("gitlab", "", "PRIVATE-TOKEN", "t0ken"),
        ("gitea", "", "Authorization", "token t0ken"),
        ("bitbucket", "x-token-auth", "Authorization", "Bearer t0ken"),
        ("bitbucket", "me", "Authorization", "Basic bWU6dDBrZW4="),
        ("bitbucket-dc", "", "Authorization", "Bearer t0ken"),
    ],
)
def test_each_is_signed_in_to_in_its_own_way(provider, user, name, value):
    assert signed_in(Provider(provider), Credential(user, "t0ken"))[name] == value


@given(st.text())
def test_any_text_becomes_a_line_that_fits(text):
    line = shortened(text)

    assert len(line) <= MAX_DESCRIPTION
    assert line.isprintable()
