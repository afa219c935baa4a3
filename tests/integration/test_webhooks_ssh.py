"""From a delivery to a build, with a source that is fetched by SSH, from OpenSSH's server."""

import json
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from hooks.webhooks.ssh.keys import fingerprint
from stratum.model import DeliveryState
from stratum.secrets import unseal
from stratum.store import webhooks
from tests.gitweb import PROCFILE
from tests.integration.test_webhooks import web
from tests.road import Road
from tests.sshd import Sshd, needs_sshd, sshd

pytestmark = [pytest.mark.integration, needs_sshd]

__all__ = ["web"]  # a fixture


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("ssh"), PROCFILE) as found:
        yield found


@pytest.fixture
def way(web, server) -> Road:
    return Road(web, web.new_app(), server)


def sealed_keys(way: Road, ident: str) -> dict[str, str]:
    with way.web.db.read() as tx:
        found = webhooks.find_webhook(tx, ident)
    assert found is not None
    return unseal(way.web.instance.layout.config_key, found.sealed_credential)


def refused(way: Road, method: str, below: str, body: object = None) -> tuple[int, str]:
    """Ask for what is refused; return the status and the message."""
    with pytest.raises(HTTPError) as refusal:
        way.api(method, below, body)
    with refusal.value as answer:
        return answer.code, str(json.load(answer)["message"])


def test_what_is_pushed_elsewhere_is_fetched_with_the_deploy_key_and_built(way, server):
    ident = way.hook()
    (key,), (known,) = (way.api("GET", f"/{ident}")[name] for name in ("deploy_keys", "host_keys"))
    assert (known["key"], known["fingerprint"]) == (server.host_key, fingerprint(server.host_key))
    assert key["key"].endswith(f" stratum:{way.app.label}")
    server.allow(key["key"])
    tip = server.push({"a.txt": "one"})

    assert way.deliver()[0] == 202
    done = way.fetch()

    assert (done.state, done.reason, way.deployed()) == (DeliveryState.PUSHED, "", [tip])


def test_the_private_key_is_nowhere_in_the_clear(way):
    ident = way.hook()
    secret = sealed_keys(way, ident)["current"].splitlines()[2]

    shown = json.dumps([way.api("GET", f"/{ident}"), way.api("GET", "")])
    assert secret not in shown
    layout = way.web.instance.layout
    for file in layout.database.parent.glob(f"{layout.database.name}*"):
        assert secret.encode() not in file.read_bytes()


def test_a_key_that_is_not_there_yet_is_waited_for(way, server):
    server.allow()
    ident = way.hook()
    tip = server.push({"a.txt": "two"})
    way.deliver()
    waiting = way.fetch()
    assert waiting.state is DeliveryState.QUEUED
    assert "takes no deploy key" in waiting.reason

    server.allow(way.api("GET", f"/{ident}")["deploy_keys"][0]["key"])
    way.put_off_no_longer()

    assert (way.fetch().state, way.deployed()) == (DeliveryState.PUSHED, [tip])


def test_another_key_is_used_beside_the_one_before_until_that_is_given_up(way, server):
    ident = way.hook()
    (old,) = way.api("GET", f"/{ident}")["deploy_keys"]
    new, kept = way.api("POST", f"/{ident}/deploy-key")["deploy_keys"]
    assert kept == old
    assert new["fingerprint"] != old["fingerprint"]
    assert refused(way, "POST", f"/{ident}/deploy-key") == (409, f"{ident} has two deploy keys already.")

    server.allow(old["key"])
    server.push({"a.txt": "three"})
    way.deliver()
    assert way.fetch().state is DeliveryState.PUSHED
    assert way.api("DELETE", f"/{ident}/deploy-key/previous")["changed"] is True
    assert way.api("DELETE", f"/{ident}/deploy-key/previous")["changed"] is False
    assert way.api("GET", f"/{ident}")["deploy_keys"] == [new]
    assert list(sealed_keys(way, ident)) == ["current"]
    server.push({"a.txt": "four"})
    way.deliver()
    assert "takes no deploy key" in way.fetch().reason


def test_a_changed_host_key_fails_the_delivery_until_it_is_said_to_be_right(way, server):
    ident = way.hook()
    server.allow(way.api("GET", f"/{ident}")["deploy_keys"][0]["key"])
    server.stop()
    server.new_host_key()
    server.start()
    tip = server.push({"a.txt": "five"})
    number = way.deliver()[1]["delivery"]
    failed = way.fetch()

    assert failed.state is DeliveryState.FAILED
    assert f"has the host key {fingerprint(server.host_key)}, not " in failed.reason
    assert failed.reason.endswith(f"stratum webhooks set {ident} --host-key '{server.host_key}'")
    assert way.api("PATCH", f"/{ident}", {"host_keys": [server.host_key]})["changed"] is True
    way.api("POST", f"/deliveries/{number}/replay")
    assert (way.fetch().state, way.deployed()) == (DeliveryState.PUSHED, [tip])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"token": "x"}, "A token is of no use by SSH."),
        ({"host_keys": ["x"]}, '"x" is no host key.'),
        ({"clone_url": "ssh://git@10.0.0.1/app.git"}, "10.0.0.1 has a private address"),
        (
            {"clone_url": "ssh://git@127.0.0.1:9/app.git"},
            "The host key of 127.0.0.1, port 9, cannot be learnt",
        ),
        ({"clone_url": "https://git.example.com/a", "host_keys": ["x"]}, "A host key is for sources"),
    ],
)
def test_what_cannot_be_fetched_by_ssh_is_refused_when_it_is_given(way, body, said):
    given = {"provider": "github", "clone_url": way.source.url, **body}
    status, message = refused(way, "POST", "", given)

    assert status == 422
    assert message.startswith(said)


def test_a_deploy_key_is_nothing_that_the_git_servers_api_could_be_told_with(way):
    given = {"provider": "github", "clone_url": "git@github.com:a/b"}
    ident = str(way.api("POST", "", given)["id"])

    for wish in ("statuses", "deployments", "wait_for_ci"):
        status, message = refused(way, "PATCH", f"/{ident}", {wish: True})
        assert (status, "has no token" in message) == (409, True)
    assert way.api("PATCH", f"/{ident}", {"status_token": "x"})["changed"] is True


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("git@github.com:a/b", "git@gitlab.com:a/b"),
        ("git@github.com:a/b", "https://github.com/a/b"),
        ("git@github.com:a/b", "root@github.com:a/b"),
        ("https://github.com/a/b", "git@github.com:a/b"),
    ],
)
def test_a_deploy_key_stays_with_the_server_that_it_was_made_for(way, url, other):
    ident = str(way.api("POST", "", {"provider": "github", "clone_url": url})["id"])

    assert refused(way, "PATCH", f"/{ident}", {"clone_url": other})[0] == 409
    assert way.api("PATCH", f"/{ident}", {"clone_url": url.replace("a/b", "a/c")})["changed"] is True
