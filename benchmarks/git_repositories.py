"""What git's transport is measured with, made by `git fast-import`; seeded, so alike everywhere."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.repos import git, make_repo

FILES, FOLDERS = 200, 20
COMMITS = 2000
SECOND_FILE_SHARE = 0.75  # of commits that change two files, in two folders: 5.5 objects a commit
BIG_FILES, BIG_FILE_BYTES = 30, 5 << 20
# What cannot be compressed need not be tried; a developer's repository has a pack.
_ONE_PACK = ("-c", "pack.compression=0", "-c", "fastimport.unpackLimit=1")
_EPOCH = 1_700_000_000
_SYLLABLES = [f"{start}{vowel}" for start in "bdfglmnprst" for vowel in "aeiou"]


def make_mid(folder: Path) -> Path:
    """Make 2,000 commits, some 11,000 objects: text that changes as a program's does.

    Tags mark every hundredth commit, and the branch `behind` is 50 commits behind `master`.
    """
    _made(folder, _history(random.Random(3)))
    git(folder, "repack", "-adfq")
    git(folder, "branch", "--quiet", "behind", "master~50")
    return folder


def make_big(folder: Path) -> Path:
    """Make one commit with 150 MiB that cannot be compressed."""
    return _made(folder, _blobs(random.Random(4)))


def make_small(folder: Path) -> Path:
    """Make one commit of twenty short files, checked out; the branch `base` stays there."""
    make_repo(folder, {f"folder/{number}.txt": f"{number}\n" * 50 for number in range(20)})
    git(folder, "branch", "--quiet", "base")
    return folder


def count_objects(repo: Path) -> int:
    """Count the objects that are reachable."""
    return len(git(repo, "rev-list", "--objects", "--all").splitlines())


def _made(folder: Path, stream: Iterator[bytes]) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=master")
    argv = ["git", *_ONE_PACK, "fast-import", "--quiet"]
    with subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        importer.stdin.writelines(stream)
    assert importer.returncode == 0
    return folder


def _history(draw: random.Random) -> Iterator[bytes]:
    words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(3000)]
    files = [[_line(draw, words) for _ in range(draw.randint(50, 400))] for _ in range(FILES)]
    yield _commit(0, {number: _text(lines) for number, lines in enumerate(files)})
    for serial in range(1, COMMITS):
        first = draw.randrange(FILES)
        changed = {first, (first + 1) % FILES} if draw.random() < SECOND_FILE_SHARE else {first}
        for number in changed:
            _change(draw, words, files[number])
        yield _commit(serial, {number: _text(files[number]) for number in changed})
        if serial % 100 == 0:
            yield b"reset refs/tags/v%d\nfrom refs/heads/master\n\n" % (serial // 100)


def _change(draw: random.Random, words: list[str], lines: list[str]) -> None:
    start = draw.randrange(len(lines))
    fresh = [_line(draw, words) for _ in range(draw.randint(1, 30))]
    lines[start : start + draw.randint(1, 30)] = fresh


def _line(draw: random.Random, words: list[str]) -> str:
    return "    " * draw.randint(0, 3) + " ".join(draw.choices(words, k=draw.randint(1, 10)))


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _blobs(draw: random.Random) -> Iterator[bytes]:
    yield _head(0)
    for number in range(BIG_FILES):
        yield b"M 100644 inline data/%d.bin\n" % number + _data(draw.randbytes(BIG_FILE_BYTES))


def _commit(serial: int, files: dict[int, bytes]) -> bytes:
    named = (
        b"M 100644 inline folder%d/file%d.py\n" % (number % FOLDERS, number) + _data(content)
        for number, content in files.items()
    )
    return _head(serial) + b"".join(named)


def _head(serial: int) -> bytes:
    who = b"committer A. Tester <tester@example.org> %d +0000\n" % (_EPOCH + 600 * serial)
    return b"commit refs/heads/master\n" + who + _data(b"Change number %d\n" % serial)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"
