"""Who listens on which port, as the kernel tells."""

import os
import socket

import pytest

from runner import listening


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_both_ways_of_asking_know_who_listens(family: socket.AddressFamily) -> None:
    with socket.socket(family) as server:
        server.bind(("", 0))
        port = server.getsockname()[1]
        assert port not in listening.accounts()
        server.listen()
        assert listening.accounts()[port] == {os.getuid()}
        assert (port, os.getuid()) in set(listening.from_tables())
