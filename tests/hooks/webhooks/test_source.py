import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.webhooks import fetching
from hooks.webhooks.fetching import FetchFailed, by_https, checked_address
from hooks.webhooks.source import Source, allowed_hosts, checked_source, is_allowed
from stratum.errors import InvalidInput
from stratum.git import git_environ


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://github.com/octo/app.git", "https://github.com/octo/app.git"),
        ("https://GitHub.com:443/octo/app", "https://github.com/octo/app"),
        ("https://git.example.com:8443/a/b/c.git/", "https://git.example.com:8443/a/b/c.git/"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("git@GitHub.com:octo/app.git", "git@github.com:octo/app.git"),
        ("ssh://git@GitHub.com:22/octo/app.git", "ssh://git@github.com/octo/app.git"),
        ("ssh://git@git.example.com:7999/~me/app.git", "ssh://git@git.example.com:7999/~me/app.git"),
        ("deploy.bot@10.0.0.7:/srv/app.git", "ssh://deploy.bot@10.0.0.7/srv/app.git"),
        ("git@[2001:DB8::1]:app.git", "git@[2001:db8::1]:app.git"),
    ],
)
def test_a_url_is_told_to_git_as_it_was_understood(text: str, url: str):
    assert Source.read(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "--upload-pack=x", "/etc/passwd", "file:///etc", "ext::sh -c x", "-git@host:a"),
        *(
            "git@-host:a",
            "-oProxyCommand=x@host:a",
            "git@host:-a",
            "git@host:",
            "git@host",
            "host:a",
            "@host:a",
        ),
        *(
            "git@host:a b",
            "git@host:a'b",
            "git@host:a\nb",
            "git@host:../a",
            "git@host:a//b",
            "git@host:~me/a",
        ),
        *(
            "git@host:a%20b",
            "git@host@x:a",
            "git@[::1:a",
            "git@[host:22]:a",
            "me:pw@host:a",
            "git@h\u00f6st:a",
        ),
        *("ssh://host/a", "ssh://git@host", "ssh://git@host/", "ssh://git@host:0/a", "ssh://git@host:x/a"),
        *(
            "ssh://git@-host/a",
            "ssh://-x@host/a",
            "ssh://git:pw@host/a",
            "ssh://git@host/a?b",
            "ssh://git@host/a;b",
        ),
        *("ssh+git://git@host/a", "SSH://git@host/a", "git+ssh://git@host/a", "git@host:" + "a" * 3000),
        *(
            "https://",
            "https://host",
            "https://host/",
            "https:///a",
            "https://a b/c",
        ),
        *(
            "https://user@host/a",
            "https://u:p@host/a",
            "https://-host/a",
            "https://host/a?b",
            "https://host/a#b",
        ),
        *(
            "https://host/a/../b",
            "https://host/a b",
            "https://host/a\n",
            "https://host:0/a",
            "https://host:x/a",
        ),
        *("https://host/\u00e4", "https://[::1/a", "https://host/" + "a" * 3000, "http+unix://x/a"),
    ],
)
def test_what_git_is_not_to_be_told_is_refused(text: str):
    with pytest.raises(InvalidInput):
        Source.read(text)


@given(st.text() | st.text(st.sampled_from("htps:/@-.[]%a1 #?\\\n")).map("https://".__add__))
def test_any_text_is_read_the_same_again_or_refused(text: str):
    try:
        source = Source.read(text)
    except InvalidInput:
        return
    assert Source.read(source.url) == source
    assert source.url.isascii()
    assert source.url.isprintable()
    assert source.url.startswith(("https://", "http://"))
    assert "@" not in source.url.partition("://")[2].partition("/")[0]


@given(
    st.text(st.sampled_from("gith:/@-.[]%a1~' #\\\n")).map("git@".__add__)
    | st.text("a:@/~-.1[]").map("ssh://".__add__)
)
def test_any_address_of_ssh_is_read_the_same_again_or_refused(text: str):
    try:
        source = Source.read(text)
    except InvalidInput:
        return
    assert Source.read(source.url) == source
    assert source.is_by_ssh
    assert not source.host.startswith("-")
    assert not source.user.startswith("-")
    assert not source.path.startswith("-")
    assert shlex.split(source.command)[0] == "git-upload-pack"
    assert len(shlex.split(source.command)) == 2


@pytest.mark.parametrize(
    "text",
    [
        *("git@host:octo/app.git", "git@host:/srv/app.git", "git@host:22/app", "git@[::1]:app.git"),
        *("ssh://git@host/octo/app.git", "ssh://git@host:7999/~me/app.git", "ssh://git@[::1]:22/a/b/"),
    ],
)
def test_what_git_asks_an_ssh_server_for_is_known_before(text: str, tmp_path):
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nfor word; do :; done\nprintf %s "$word" >{tmp_path}/asked\nexit 1\n')
    program.chmod(0o755)
    source = Source.read(text)
    environ = {**git_environ(), "GIT_SSH_COMMAND": str(program), "GIT_SSH_VARIANT": "ssh"}

    subprocess.run(["git", "ls-remote", source.url], env=environ, capture_output=True, check=False)
    assert (tmp_path / "asked").read_text() == source.command


def test_a_password_in_an_address_is_not_shown_again():
    for text in ("ssh://git:s3cret@host/a", "https://git:s3cret@host/a"):
        with pytest.raises(InvalidInput) as refused:
            Source.read(text)
        assert "s3cret" not in str(refused.value)


def test_http_is_for_hosts_that_the_operator_has_named():
    allowed = allowed_hosts("git.intranet:3000, 10.0.0.7")

    for text in ("http://git.intranet:3000/a", "http://10.0.0.7:8080/a"):
        assert checked_source(text, allowed).url == text
    for text in ("http://git.intranet/a", "http://git.example.com/a"):
        with pytest.raises(InvalidInput):
            checked_source(text, allowed)


def test_a_list_of_hosts_with_something_else_in_it_is_refused():
    with pytest.raises(InvalidInput, match="STRATUM_FETCH_HOSTS"):
        allowed_hosts("git.example.com, https://x")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"],
)
def test_a_private_address_is_for_hosts_that_the_operator_has_named(monkeypatch, address: str):
    """One among public ones is enough: whoever answers the look-up chooses which is taken."""
    found = [(None, ("8.8.8.8", 443)), (None, (address, 443))]
    monkeypatch.setattr(fetching, "look_up", lambda _host, _port: found)
    source = Source.read("https://git.example.com/a")

    with pytest.raises(InvalidInput, match="private address"):
        checked_address(source, may_be_private=False)
    assert checked_address(source, may_be_private=True) == "8.8.8.8"


def test_a_host_that_nobody_knows_is_tried_again_later():
    with pytest.raises(FetchFailed, match=r"git\.invalid"):
        checked_address(Source.read("https://git.invalid/a"), may_be_private=False)


def test_git_connects_to_the_address_that_was_checked():
    way = by_https(Source.read("https://git.example.com/a"), "2001:db8::1", {})

    assert "git.example.com:443:[2001:db8::1]" in way.environ.values()
    assert "http.extraHeader" not in way.environ.values()


def test_a_host_is_allowed_at_all_its_ports_or_at_one():
    assert is_allowed(allowed_hosts("a"), Source.read("https://a:99/x"))
    assert is_allowed(allowed_hosts("a:99"), Source.read("https://a:99/x"))
    assert not is_allowed(allowed_hosts("a:98"), Source.read("https://a:99/x"))
