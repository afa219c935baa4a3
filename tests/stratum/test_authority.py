"""Which authority the router asks for certificates."""

from dataclasses import replace
from pathlib import Path

import pytest

from stratum.authority import Authority, authority_of, check_authority
from stratum.errors import InvalidInput
from stratum.settings import Settings

DIRECTORY = "https://ca.example.com:9000/acme/Acme/directory"


def test_those_that_browsers_trust_have_folders_of_one_pattern() -> None:
    assert authority_of(Settings()).folder == "acme*"


def test_the_folder_of_another_one_is_called_after_its_directory() -> None:
    assert Authority(DIRECTORY).folder == "ca.example.com-9000-acme-acme-directory"


@pytest.mark.parametrize(
    "given",
    [
        "http://ca.example.com/directory",
        "https://ca.example.com",
        "https://CA.example.com/directory",
        "https://u:p@ca.example.com/directory",
        "https://ca.example.com/a b",
        "https://ca.example.com/" + "a" * 500,
        "-x",
    ],
)
def test_what_is_no_address_of_a_directory_is_refused_by_name(given: str) -> None:
    with pytest.raises(InvalidInput, match="STRATUM_ACME_DIRECTORY"):
        check_authority(Settings(acme_directory=given))


def test_what_is_no_mail_address_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="STRATUM_ACME_EMAIL"):
        check_authority(Settings(acme_email="somebody"))


def test_roots_that_the_router_could_not_read_are_refused_by_name(tmp_path: Path) -> None:
    closed, empty = tmp_path / "closed.pem", tmp_path / "empty.pem"
    for path, mode in ((closed, 0o600), (empty, 0o644)):
        path.write_text("")
        path.chmod(mode)
    for given in (closed, empty, tmp_path / "missing.pem", Path("root.pem")):
        settings = replace(Settings(), acme_directory=DIRECTORY, acme_roots=str(given))
        with pytest.raises(InvalidInput, match="STRATUM_ACME_ROOTS"):
            check_authority(settings)
