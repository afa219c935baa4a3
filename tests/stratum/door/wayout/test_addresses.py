"""Addresses that builds must not reach, in every way that they can be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.door.wayout.addresses import is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "151.101.0.223", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_the_worlds_addresses_are_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1"),
        *("ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::127.0.0.1"),
        *("", "localhost", "2130706433", "64:ff9b:1::a00:1", "::ffff:0:10.0.0.1"),
    ],
)
def test_those_of_machines_and_private_networks_are_not(address: str):
    assert not is_public(address)


@given(st.text())
def test_any_text_has_an_answer(text: str):
    is_public(text)


@given(st.ip_addresses(network="10.0.0.0/8"))
def test_no_writing_of_a_private_address_is_public(address: object):
    assert not is_public(str(address))
    assert not is_public(f"::ffff:{address}")
