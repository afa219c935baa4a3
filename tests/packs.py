"""Packs made by hand: objects that git would not make, and small packs of huge objects.

Source: gitformat-pack(5).
"""

import struct
import zlib
from collections.abc import Iterable
from hashlib import sha1

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
REF_DELTA = 7
MIB = 1 << 20


def pack_of(entries: Iterable[bytes]) -> bytes:
    """Make a pack of the entries, with its checksum."""
    found = list(entries)
    data = b"PACK" + struct.pack(">II", 2, len(found)) + b"".join(found)
    return data + sha1(data).digest()


def oid_of(kind: str, data: bytes) -> str:
    return sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def entry(kind: str, data: bytes) -> bytes:
    """Make the entry of a whole object."""
    return _header(KINDS[kind], len(data)) + zlib.compress(data)


def zeros(kind: str, size: int) -> bytes:
    """Make the entry of an object of zeros, never whole in memory."""
    squeezer = zlib.compressobj(9)
    packed = [squeezer.compress(bytes(min(MIB, size - start))) for start in range(0, size, MIB)]
    return _header(KINDS[kind], size) + b"".join(packed) + squeezer.flush()


def claimed(kind: str, size: int) -> bytes:
    """Make the entry of an object that says it has so many bytes, and has none."""
    return _header(KINDS[kind], size) + zlib.compress(b"")


def repeated(base: str, base_size: int, times: int) -> bytes:
    """Make the entry of a delta: the base, so many times over."""
    copy = _copy(base_size)
    delta = _varint(base_size) + _varint(base_size * times) + copy * times
    return _header(REF_DELTA, len(delta)) + bytes.fromhex(base) + zlib.compress(delta)


def delta_bomb(size: int) -> tuple[bytes, str]:
    """Make a pack of some 170 bytes with a blob of about so many zeros; return it and the blob's id."""
    small, middle, times = 4000, 4_000_000, size // 4_000_000
    first, second = oid_of("blob", bytes(small)), oid_of("blob", bytes(middle))
    entries = [
        entry("blob", bytes(small)),
        repeated(first, small, middle // small),
        repeated(second, middle, times),
    ]
    return pack_of(entries), second


def zeros_oid(size: int) -> str:
    """Id of a blob of zeros."""
    digest = sha1(f"blob {size}\0".encode())
    for start in range(0, size, MIB):
        digest.update(bytes(min(MIB, size - start)))
    return digest.hexdigest()


def _header(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 15
    return bytes([first | 0x80]) + _varint(size >> 4) if size >> 4 else bytes([first])


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _copy(size: int) -> bytes:
    """Instruction of a delta: copy so much from the beginning of the base; below 16 MiB."""
    digits = size.to_bytes(3, "little")
    given = [number for number in range(3) if digits[number]]
    return bytes([0x80 | sum(0x10 << number for number in given), *(digits[number] for number in given)])
