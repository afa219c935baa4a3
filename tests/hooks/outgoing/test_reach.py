"""Whom news can be told to is decided by the address that is connected to."""

import socket

import pytest

from hooks.outgoing.reach import Unreachable, allowed_hosts, connect
from stratum.door.wayout import addresses


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def resolver(monkeypatch):
    """A resolver whose answers the test decides; they are used once each."""
    answers: list[str] = []
    real = socket.getaddrinfo

    def look_up(_host, port, **more):
        return real(answers.pop(0), port, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
    ],
)
def test_a_name_that_leads_to_a_private_network_is_refused(resolver, address):
    resolver.append(address)

    with pytest.raises(Unreachable, match="is this server, or in a private network") as refused:
        connect("ops.example.com", 443, allowed_hosts(""), 1)

    assert str(refused.value).endswith("STRATUM_HOOK_HOSTS=ops.example.com:443")
    assert (refused.value.host, refused.value.port) == ("ops.example.com", 443)


def test_a_name_is_looked_up_once_so_that_another_answer_changes_nothing(resolver):
    resolver += ["169.254.169.254", "192.0.2.1"]

    with pytest.raises(Unreachable, match="private network"):
        connect("ops.example.com", 443, allowed_hosts(""), 1)

    assert resolver == ["192.0.2.1"]


def test_a_host_that_the_operator_names_is_reached_at_that_port_only(resolver, listening):
    resolver += ["127.0.0.1", "127.0.0.1"]
    allowed = allowed_hosts(f"OPS.internal:{listening}")

    connect("Ops.Internal.", listening, allowed, 30).close()
    with pytest.raises(Unreachable, match="private network"):
        connect("ops.internal", 443, allowed, 30)


def test_what_does_not_answer_or_exist_is_told(monkeypatch, listening):
    def nobody_knows(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match="cannot be reached"):
        connect("127.0.0.1", port, allowed_hosts(f"127.0.0.1:{port}"), 30)
    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    with pytest.raises(Unreachable, match="has no address"):
        connect("ops.example.com", 443, allowed_hosts(""), 1)


def test_a_host_of_many_addresses_that_do_not_answer_takes_no_more_time_than_one(monkeypatch):
    limits: list[float] = []

    class Silent(socket.socket):
        def connect(self, _address):
            limits.append(self.gettimeout() or 0.0)
            raise TimeoutError

    found = [(socket.AF_INET, (f"192.0.2.{number}", 443)) for number in range(100)]
    monkeypatch.setattr(addresses, "look_up", lambda *_: found)
    monkeypatch.setattr(socket, "socket", Silent)

    with pytest.raises(Unreachable, match="cannot be reached"):
        connect("ops.example.com", 443, allowed_hosts(""), 10)

    assert sum(limits) <= 10
