"""`ls-refs` of protocol version 2, answered without starting git: every clone, fetch and ls-remote asks it.

What we do not read as git does is left to git: other arguments, symbolic refs but HEAD, very many refs,
tags that are not packed (their objects would have to be read) until git has told what they lead to, which
holds for ever.

Source: gitprotocol-v2(5), "ls-refs"; ls-refs.c of git 2.39.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dulwich.refs import DiskRefsContainer, Ref

from gitserver.git.advertisement import visible_refs
from gitserver.git.pktline import FLUSH, HEADER, pkt, size_of

MAX_REQUEST = 64 << 10
MAX_PEELED = 100_000  # tags, of 250 bytes each
MAX_LEARNED = 1 << 20  # bytes of an answer of git's
_DELIMITER = 1  # the length that parts capabilities from arguments
_PEELED = b"peeled:"
_HEADS, _HEAD, _SYMBOLIC = b"refs/heads/", b"HEAD", b"ref: "

# Object id of what a ref outside refs/heads is at → of what that leads to, itself if it is no tag: as git
# has said. Shared by threads, each of which does one thing to it at a time.
_peeled: dict[bytes, bytes] = {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to know of which refs.

    Attributes:
        prefixes: of names; none: all.
    """

    peel: bool = False
    symrefs: bool = False
    unborn: bool = False
    prefixes: tuple[bytes, ...] = ()

    def names(self, ref: bytes) -> bool:
        """Whether it wants to know of a ref."""
        return not self.prefixes or ref.startswith(self.prefixes)


def wanted(request: bytes) -> Wanted | None:
    """Read a request; None when it is another command, or has what git is to judge."""
    try:
        capabilities, arguments = _parts(request)
    except ValueError:
        return None
    if capabilities[:1] != [b"command=ls-refs"] or not all(map(_is_plain, capabilities[1:])):
        return None
    flags = {word for word in arguments if not word.startswith(b"ref-prefix ")}
    if flags - {b"peel", b"symrefs", b"unborn"}:
        return None
    prefixes = tuple(word.partition(b" ")[2] for word in arguments if word not in flags)
    return Wanted(b"peel" in flags, b"symrefs" in flags, b"unborn" in flags, prefixes)


def answer(repo: Path, asked: Wanted) -> bytes | None:
    """List the refs as git would; None when git has to."""
    container = DiskRefsContainer(str(repo))
    try:
        refs = visible_refs(repo)
        if refs is None:
            return None
        lines = [*_head(container, refs, asked), *_lines(container, refs, asked)]
    except (OSError, ValueError, KeyError):
        return None
    return None if None in lines else b"".join(pkt(line + b"\n") for line in lines if line) + FLUSH


def learned(answer: Iterator[bytes], asked: Wanted) -> Iterator[bytes]:
    """Pass on what git answers, and remember what tags lead to."""
    said = b""
    for output in answer:
        said = said + output if len(said) < MAX_LEARNED else said
        yield output
    if asked.peel and len(said) < MAX_LEARNED:
        learn(said)


def learn(said: bytes) -> None:
    """Remember what the tags of a whole answer of git's lead to; anything else teaches nothing."""
    try:
        lines, _ = _parts(said)
    except ValueError:
        return
    if len(_peeled) > MAX_PEELED:
        _peeled.clear()
    for oid, name, *more in (line.split(b" ") for line in lines if line.count(b" ")):
        if not name.startswith((_HEAD, _HEADS)):
            led = (word.removeprefix(_PEELED) for word in more if word.startswith(_PEELED))
            _peeled[oid] = next(led, oid)


def _parts(request: bytes) -> tuple[list[bytes], list[bytes]]:
    """Split packets into those before and those after the delimiter; the flush must be the end."""
    parts: list[list[bytes]] = [[]]
    at = 0
    while size := size_of(request[at : at + HEADER]):
        if size == _DELIMITER:
            parts.append([])
        elif size <= HEADER:
            raise ValueError(size)
        else:
            parts[-1].append(request[at + HEADER : at + size].removesuffix(b"\n"))
        at += max(size, HEADER)
    if at + HEADER != len(request):
        raise ValueError(at)
    capabilities, *arguments = parts
    return capabilities, [word for part in arguments for word in part]


def _is_plain(capability: bytes) -> bool:
    return capability.startswith(b"agent=") or capability == b"object-format=sha1"


def _head(container: DiskRefsContainer, refs: dict[bytes, bytes], asked: Wanted) -> Iterator[bytes | None]:
    """HEAD comes first; one whose branch is not there yet only for those who know that."""
    if not asked.names(_HEAD):
        return
    target = container.read_ref(Ref(_HEAD)) or b""
    if not target.startswith(_SYMBOLIC):
        yield None
        return
    target = target.removeprefix(_SYMBOLIC)
    said = b" symref-target:" + target if asked.symrefs else b""
    if target in refs:
        yield refs[target] + b" HEAD" + said
    elif asked.unborn:
        yield b"unborn HEAD" + said


def _lines(container: DiskRefsContainer, refs: dict[bytes, bytes], asked: Wanted) -> Iterator[bytes | None]:
    for name in sorted(filter(asked.names, refs)):
        loose = container.read_loose_ref(Ref(name))
        if loose is not None and loose.startswith(_SYMBOLIC):
            yield None
        elif name.startswith(_HEADS) or not asked.peel:
            yield b"%s %s" % (refs[name], name)
        else:
            yield _peeled_line(container, name, refs[name], is_loose=loose is not None)


def _peeled_line(container: DiskRefsContainer, name: bytes, oid: bytes, *, is_loose: bool) -> bytes | None:
    peeled = _peeled.get(oid) if is_loose else container.get_peeled(Ref(name)) or oid
    if peeled is None:  # only its object tells
        return None
    return b"%s %s" % (oid, name) + (b" peeled:" + peeled if peeled != oid else b"")
