"""Deploy keys, which are made here, and host keys, which are given or learnt."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from stratum.errors import InvalidInput
from stratum.excerpt import quoted

MAX_HOST_KEY = 1500  # characters of a line; RSA's of 8,192 bits have 1,400
MAX_HOST_KEYS = 3  # of a server
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_LENGTH_BYTES = 4  # before each part of a key (RFC 4251, section 5)
_BLANKS = re.compile(r"[ \t]+")
# Published by those who run them; each was compared with the fingerprint that they name beside it.
_KNOWN = {
    # https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
    "github.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    # https://docs.gitlab.com/user/gitlab_com/#ssh-known_hosts-entries
    "gitlab.com": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
    # https://bitbucket.org/site/ssh
    "bitbucket.org": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
}
_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class DeployKey:
    """A pair of keys.

    Attributes:
        private: as OpenSSH keeps it, not encrypted.
        public: one line, to be pasted.
    """

    private: str
    public: str


def new_deploy_key(comment: str) -> DeployKey:
    """Make one of Ed25519.

    Args:
        comment: by which people know it among others; of letters, digits and `:/-`.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    made = Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return DeployKey(private.decode(), f"{public.decode()} {comment}")


def fingerprint(key: str) -> str:
    """Return the fingerprint of a line with a public key, as `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(key.split(" ")[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def known_host_key(host: str, port: int) -> str:
    """Return the host key of a git server that everybody knows; empty for others."""
    return _KNOWN.get(host, "") if port == _SSH_PORT else ""


def read_host_key(text: str) -> str:
    """Read a host key: `TYPE KEY`, or a line of known_hosts, of which the host is not looked at.

    Raises:
        InvalidInput: it is none.
    """
    words = _BLANKS.split(text.strip()) if len(text) <= MAX_HOST_KEY and text.isascii() else []
    kind = next((word for word in words[:2] if word in KINDS), "")
    data = _decoded(words[words.index(kind) + 1 :][:1]) if kind else b""
    if not data.startswith(_named(kind)) or not _is_sound(found := f"{kind} {_encoded(data)}"):
        message = f"{quoted(text)} is no host key."
        hint = f"Give a line as `ssh-keyscan HOST` shows it: HOST TYPE KEY. Types: {', '.join(KINDS)}."
        raise InvalidInput(message, hint)
    return found


def _decoded(words: Sequence[str]) -> bytes:
    try:
        return base64.b64decode("".join(words), validate=True)
    except ValueError:
        return b""


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _named(kind: str) -> bytes:
    """Return what a key of a kind begins with (RFC 4253, section 6.6)."""
    return len(kind).to_bytes(_LENGTH_BYTES, "big") + kind.encode()


def _is_sound(key: str) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
