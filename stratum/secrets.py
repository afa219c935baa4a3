"""Encryption of the apps' variables at rest.

Fernet (AES-128-CBC with HMAC-SHA256; cryptography's recipe), one key per instance in a file of its
own, so that a copy of the database alone tells no value.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from stratum.errors import Unavailable


def make_key(path: Path) -> None:
    """Write a new key, 0600, unless there is one."""
    from cryptography.fernet import Fernet  # costs 30 ms: only those who need it pay

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())


def seal(key_file: Path, variables: Mapping[str, str]) -> bytes:
    """Encrypt variables."""
    from cryptography.fernet import Fernet

    return Fernet(key_file.read_bytes()).encrypt(json.dumps(dict(variables)).encode())


def unseal(key_file: Path, ciphertext: bytes | None) -> dict[str, str]:
    """Decrypt variables; none for None.

    Raises:
        Unavailable: the key is not the one they were sealed with.
    """
    if ciphertext is None:
        return {}
    from cryptography.fernet import Fernet, InvalidToken

    try:
        opened: dict[str, str] = json.loads(Fernet(key_file.read_bytes()).decrypt(ciphertext))
    except InvalidToken as error:
        message = f"The app's variables cannot be read with the key in {key_file}."
        raise Unavailable(message, "Put back the key file that belongs to this database.") from error
    return opened
