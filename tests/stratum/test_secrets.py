"""The file of the key that everything sealed depends on."""

import os

import pytest

from stratum import secrets
from stratum.errors import Unavailable


def test_a_key_is_made_once(tmp_path):
    key = tmp_path / "config.key"
    secrets.make_key(key)
    first = key.read_bytes()
    secrets.make_key(key)

    assert key.read_bytes() == first
    assert key.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["config.key"]


@pytest.mark.parametrize("dies_at", ["fsync", "link"])
def test_a_crash_while_it_is_made_leaves_no_half_key(tmp_path, monkeypatch, dies_at):
    class Crash(BaseException):
        pass

    def crash(*_arguments):
        raise Crash

    key = tmp_path / "config.key"
    with monkeypatch.context() as patched:
        patched.setattr(os, dies_at, crash)
        with pytest.raises(Crash):
            secrets.make_key(key)

    assert not key.exists()
    secrets.make_key(key)
    assert secrets.unseal(key, secrets.seal(key, {"A": "b"})) == {"A": "b"}


@pytest.mark.parametrize("content", [b"", b"short", b"A" * 43, b"A" * 48, b"\xff" * 44])
def test_what_is_no_key_is_refused_with_advice(tmp_path, content):
    key = tmp_path / "config.key"
    key.write_bytes(content)

    for use in (lambda: secrets.make_key(key), lambda: secrets.seal(key, {})):
        with pytest.raises(Unavailable, match=r"config\.key holds no key: .* backup"):
            use()

    assert key.read_bytes() == content


def test_a_line_end_after_a_key_put_back_by_hand_does_no_harm(tmp_path):
    key = tmp_path / "config.key"
    secrets.make_key(key)
    sealed = secrets.seal(key, {"A": "b"})
    key.write_bytes(key.read_bytes() + b"\n")

    secrets.make_key(key)

    assert secrets.unseal(key, sealed) == {"A": "b"}
