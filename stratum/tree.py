"""What a commit's tree lacks: the files of submodules, and those that Git LFS keeps elsewhere.

git archive makes an empty folder of the one and a text of three lines of the other, without a word, and
the app would fail at its first user. So a commit with either is refused, before its ref moves.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from stratum import listing, slugignore
from stratum.errors import CommitIncomplete, InvalidInput
from stratum.git import Commit, Entry

_SUBMODULE = b"160000"
_ATTRIBUTES = b".gitattributes"
_MAX_ATTRIBUTES = 100  # files that are looked into
_MAX_ATTRIBUTES_BYTES = 100 * 1024  # of each of them
_BATCH = 200  # files read at once

# Source: Git LFS Specification, "The Pointer": less than 1,024 bytes, of which the version comes first;
# the second is what it was called in its first year.
_POINTER_BYTES = range(100, 1024)
_POINTER_BEGINS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_MAX_LOOKED_AT = 50_000  # files of such a size
_MAX_POINTERS = 1000  # that are named, or counted


@dataclass(frozen=True, slots=True)
class _Item:
    """One line of git's listing; the size is 0 unless it was asked for."""

    mode: bytes
    path: bytes
    entry: Entry


def check_complete(commit: Commit) -> None:
    """See that a commit has all of its files, but for those that `.slugignore` leaves out.

    Raises:
        CommitIncomplete: it has not.
        InvalidInput: it has too many to be listed, or its `.slugignore` cannot be used.
        Unavailable: git failed.
    """
    telling = list(_items(listing.entries(commit), _may_tell))
    submodules = [item.path for item in telling if item.mode == _SUBMODULE]
    attributes = [item.path for item in telling if item.path.rpartition(b"/")[2] == _ATTRIBUTES]
    pointers = _pointers(commit) if _mention_lfs(commit, attributes) else []
    if not submodules and not pointers:
        return
    built = _built(commit, {*submodules, *pointers})
    for kind, paths in (("submodule", submodules), ("Git LFS pointer", pointers)):
        lacking = [path.decode("utf-8", "replace") for path in paths if path in built]
        if lacking:
            raise CommitIncomplete(kind, lacking)


def read_slugignore(commit: Commit) -> slugignore.Ignored:
    """Read what a build of a commit leaves out.

    Raises:
        InvalidInput: it cannot be used.
        Unavailable: git failed.
    """
    found = commit.entries([slugignore.FILE])
    if not found:
        return slugignore.Ignored()
    entry = found[slugignore.FILE]
    if entry.fault:
        message = f"{slugignore.FILE} cannot be read: {entry.fault}."
        raise InvalidInput(message, "Commit it as a file.")
    if entry.size > slugignore.MAX_BYTES:
        message = f"{slugignore.FILE} has more than {slugignore.MAX_BYTES} bytes."
        raise InvalidInput(message, "Name folders instead of the files in them.")
    return slugignore.parse(commit.contents(found)[slugignore.FILE])


def _items(blocks: Iterable[bytes], of_interest: Callable[[bytes], bool] = bool) -> Iterator[_Item]:
    """Read blocks of a listing; those without anything of interest are not taken apart."""
    for block in filter(of_interest, blocks):
        for record in filter(of_interest, block.removesuffix(b"\0").split(b"\0")):
            head, _, path = record.partition(b"\t")
            mode, kind, oid, *size = head.split()
            length = int(size[0]) if size and size[0].isdigit() else 0
            yield _Item(mode, path, Entry(kind.decode(), oid.decode(), length))


def _may_tell(text: bytes) -> bool:
    return b"160000 commit " in text or _ATTRIBUTES in text


def _mention_lfs(commit: Commit, attributes: Collection[bytes]) -> bool:
    """Whether a `.gitattributes` has Git LFS filter files; where none does, a pointer is a text like any.

    One that cannot be asked for by its name, or is one too many, or too large, is taken to say so.
    """
    if len(attributes) > _MAX_ATTRIBUTES or any(not _is_plain(path) for path in attributes):
        return True
    found = commit.files([path.decode() for path in attributes], _MAX_ATTRIBUTES_BYTES) if attributes else {}
    return any(content is None or b"filter=lfs" in content for content in found.values())


def _is_plain(path: bytes) -> bool:
    return path.isascii() and b"\n" not in path


def _pointers(commit: Commit) -> list[bytes]:
    small = (
        item for item in _items(listing.entries(commit, sizes=True)) if item.entry.size in _POINTER_BYTES
    )
    looked_at, found = list(islice(small, _MAX_LOOKED_AT)), []
    for at in range(0, len(looked_at), _BATCH):
        batch = {item.path: item.entry for item in looked_at[at : at + _BATCH]}
        contents = commit.contents({str(number): entry for number, entry in enumerate(batch.values())})
        found += [
            path
            for path, content in zip(batch, contents.values(), strict=True)
            if content.startswith(_POINTER_BEGINS)
        ]
        if len(found) > _MAX_POINTERS:
            break
    return found


def _built(commit: Commit, paths: Collection[bytes]) -> Collection[bytes]:
    """Return those of the paths that `.slugignore` does not leave out."""
    pathspecs = read_slugignore(commit).pathspecs
    if not pathspecs:
        return paths
    blocks = listing.paths(commit, pathspecs)
    return {path for block in blocks for path in block.split(b"\0") if path in paths}
