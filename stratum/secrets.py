"""Secrets: those of new tokens, and encryption of the apps' variables at rest.

The latter is Fernet (AES-128-CBC with HMAC-SHA256; cryptography's recipe), one key per instance in a file
of its own, so that a copy of the database alone tells no value.
"""

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stratum.errors import Unavailable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_BYTES = 32
TOKEN_BYTES = 20


def new_secret() -> str:
    """Return a fresh secret of a token: 40 hex digits."""
    return secrets.token_hex(TOKEN_BYTES)


def make_key(path: Path) -> None:
    """Write a new key, 0600, unless there is one; it is there whole, or not at all.

    Raises:
        Unavailable: what is there is no key.
    """
    if not path.exists():
        _write_key(path)
    _key(path)


def seal(key_file: Path, variables: Mapping[str, str]) -> bytes:
    """Encrypt variables.

    Raises:
        Unavailable: the key cannot be used.
    """
    return _fernet(key_file).encrypt(json.dumps(dict(variables)).encode())


def unseal(key_file: Path, ciphertext: bytes | None) -> dict[str, str]:
    """Decrypt variables; none for None.

    Raises:
        Unavailable: the key cannot be used, or is not the one they were sealed with.
    """
    if ciphertext is None:
        return {}
    from cryptography.fernet import InvalidToken  # costs 30 ms: only those who need it pay

    try:
        opened: dict[str, str] = json.loads(_fernet(key_file).decrypt(ciphertext))
    except InvalidToken as error:
        message = f"The app's variables cannot be read with the key in {key_file}."
        raise Unavailable(message, "Put back the key file that belongs to this database.") from error
    return opened


def fingerprint(key_file: Path, name: str, value: str) -> str:
    """Tell values of a variable apart without telling them: of the same value always the same eight digits.

    Raises:
        Unavailable: the key cannot be used.
    """
    said = f"fingerprint\0{name}\0{value}".encode()
    return hmac.new(_key(key_file), said, "sha256").hexdigest()[:8]


def _fernet(key_file: Path) -> "Fernet":
    from cryptography.fernet import Fernet

    return Fernet(_key(key_file))


def _key(path: Path) -> bytes:
    key = path.read_bytes().strip()
    try:
        length = len(base64.urlsafe_b64decode(key))
    except ValueError:
        length = 0
    if length != KEY_BYTES:
        message = f"{path} holds no key: {len(key)} bytes, not {KEY_BYTES} in base64."
        raise Unavailable(
            message, "Put it back from a backup; while no app has variables, remove it instead."
        )
    return key


def _write_key(path: Path) -> None:
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(scratch, path)  # unlike a rename it never replaces a key that is in use
    scratch.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
