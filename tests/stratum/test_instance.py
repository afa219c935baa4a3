"""Where Stratum itself is reached."""

from pathlib import Path

import pytest

from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://localhost:8080"),
        ({"control_hosts": "St.example, other"}, "http://st.example:8080"),
        ({"control_hosts": "st.example", "https_listen": "0.0.0.0:443"}, "https://st.example"),
        ({"control_hosts": "st.example", "https_listen": "0.0.0.0:8443"}, "https://st.example:8443"),
        ({"https_listen": "0.0.0.0:443"}, "http://localhost:8080"),  # no name, so no certificate
        ({"control_hosts": "st.example", "public_url": "https://x.example/"}, "https://x.example"),
    ],
)
def test_links_lead_to_where_it_is_reached_from_outside(given, url):
    layout = Layout(Path("/nowhere"), "0" * 12)

    assert Instance(Settings(**given), layout, Fence(False, 1), "127.0.0.1:8080").own_url == url
