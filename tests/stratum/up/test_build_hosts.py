"""What `stratum up` says of settings that name no host, or no server."""

import re
from pathlib import Path
from typing import Any

import pytest

from stratum.errors import InvalidInput
from stratum.settings import Settings
from stratum.up.start import start


def test_an_entry_that_is_no_host_is_named_before_anything_is_touched(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", build_hosts="pypi.example, http://x/")

    with pytest.raises(InvalidInput, match=r"STRATUM_BUILD_HOSTS: 'http://x/' is no host\. Allowed are"):
        start(settings, "127.0.0.1:1")

    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["hook_hosts", "fetch_hosts"])
def test_a_host_of_web_hooks_that_is_none_is_refused_before_anything_is_made(tmp_path, name):
    more: Any = {name: "ops.internal:8080, https://x/"}
    settings = Settings(data=tmp_path / "data", **more)
    said = rf"STRATUM_{name.upper()}: 'https://x/' is no host\. Allowed are"
    with pytest.raises(InvalidInput, match=said):
        start(settings, "127.0.0.1:8080")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"smtp_url": "mail.example.com"}, "STRATUM_SMTP_URL is no address of a mail server"),
        ({"smtp_url": "smtp://mail"}, "STRATUM_MAIL_FROM says not whom mail is from"),
        ({"smtp_url": "smtp://mail", "mail_from": "Ops <a@b>"}, "no address of mail"),
    ],
)
def test_mail_needs_a_server_and_a_sender(tmp_path, more, said):
    with pytest.raises(InvalidInput, match=said):
        start(Settings(data=tmp_path / "data", **more), "127.0.0.1:1")


@pytest.mark.parametrize(
    "given", ["st.example", "https://", "https://[", "https://st.example:x", "https://st.example/#a"]
)
def test_an_address_that_no_link_can_begin_with_is_refused(tmp_path, given):
    with pytest.raises(InvalidInput, match=f"='{re.escape(given)}' is no address that a link can"):
        start(Settings(data=tmp_path / "data", public_url=given), "127.0.0.1:1")
