"""Which authority the router asks for certificates, where it is not those that Caddy asks by itself.

A company's own (step-ca, Caddy's `acme_server`, Vault), or Let's Encrypt's for trials: it speaks ACME
(RFC 8555).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from stratum.errors import InvalidInput
from stratum.settings import Settings

MAX_URL = 500  # characters
_URL = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_.-]+)+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
_OTHERS = 0o004


@dataclass(frozen=True, slots=True)
class Authority:
    """Whom to ask, and how.

    Attributes:
        directory: URL of its ACME directory; empty: Let's Encrypt and, where there is an email, ZeroSSL
            if that fails.
        roots: file with the certificates by which the directory's own is known; empty: this machine's.
        email: to whom it writes; empty: to nobody.
    """

    directory: str = ""
    roots: str = ""
    email: str = ""

    @property
    def folder(self) -> str:
        """Name, or pattern of names, of the folder in which Caddy keeps its certificates.

        It is called after the directory's address (Caddy 2.11; tests/integration/test_router_acme.py): those
        that browsers trust are acme-v02.api.letsencrypt.org-directory and acme.zerossl.com-v2-dv90. What
        Caddy signs itself is in "local".
        """
        if not self.directory:
            return "acme*"
        return re.sub("[:/]", "-", self.directory.removeprefix("https://")).lower()


def authority_of(settings: Settings) -> Authority:
    """Return who is to be asked, as `stratum up` has checked it."""
    return Authority(settings.acme_directory, settings.acme_roots, settings.acme_email)


def check_authority(settings: Settings) -> None:
    """See that whoever is to be asked can be.

    Raises:
        InvalidInput: not so; the setting is named.
    """
    directory, roots, email = settings.acme_directory, settings.acme_roots, settings.acme_email
    if directory and (len(directory) > MAX_URL or not _URL.fullmatch(directory)):
        message = f"STRATUM_ACME_DIRECTORY={directory[:MAX_URL]!r} is no address of an ACME directory."
        raise InvalidInput(message, "Give one as https://ca.example.com/acme/acme/directory.")
    if email and not _EMAIL.fullmatch(email):
        message = f"STRATUM_ACME_EMAIL={email[:MAX_URL]!r} is no mail address."
        raise InvalidInput(message, "Give one as admin@example.com.")
    if roots:
        _check_roots(Path(roots))


def _check_roots(roots: Path) -> None:
    """See that the router can read certificates there, since it would not start."""
    try:
        if not roots.is_absolute() or not roots.stat().st_mode & _OTHERS:
            message = f"STRATUM_ACME_ROOTS={str(roots)!r} cannot be read by the router's account."
            raise InvalidInput(message, "Give an absolute path of a file that everybody may read.")
        from cryptography.x509 import load_pem_x509_certificates  # only where they are given

        load_pem_x509_certificates(roots.read_bytes())
    except (OSError, ValueError) as error:
        message = f"STRATUM_ACME_ROOTS={str(roots)!r} has no certificates that can be read: {error}."
        raise InvalidInput(message, "Give a file with certificates in PEM.") from error
