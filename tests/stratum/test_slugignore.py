import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.checkout import archived
from stratum.errors import InvalidInput
from stratum.git import Commit
from stratum.slugignore import MAX_PATTERNS, Ignored, parse
from tests.repos import git, make_repo


@pytest.mark.parametrize(
    ("text", "pathspecs"),
    [
        (b"docs", [b"**/docs", b"**/docs/**"]),
        (b"docs/", [b"**/docs/**"]),
        (b"/docs", [b"docs", b"docs/**"]),
        (b"a/*.psd  ", [b"a/*.psd", b"a/*.psd/**"]),
        (b"a\\  \r", [b"**/a\\ ", b"**/a\\ /**"]),
        (b"\\#a", [b"**/\\#a", b"**/\\#a/**"]),
        (b"\xef\xbb\xbfa\n", [b"**/a", b"**/a/**"]),
    ],
)
def test_a_pattern_becomes_pathspecs(text: bytes, pathspecs: list[bytes]):
    assert parse(text).pathspecs == tuple(b":(exclude,glob)" + spec for spec in pathspecs)


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"# all\n", b"/", b"//", b"a//b", b"../x", b"./x", b"..", b"a\0b"]
)
def test_what_can_match_nothing_is_passed_over(text: bytes):
    assert parse(text).pathspecs == ()


def test_negations_have_no_effect_and_are_told():
    assert parse(b"a\n!b\n\n!c\n") == Ignored(1, parse(b"a").pathspecs, (2, 4))


def test_the_number_of_patterns_is_bounded():
    assert parse(b"a\n" * MAX_PATTERNS).patterns == MAX_PATTERNS
    with pytest.raises(InvalidInput, match="has 1001 patterns; 1000 are allowed"):
        parse(b"a\n" * (MAX_PATTERNS + 1))


FILES = [
    *(
        "a",
        "b.log",
        "keep",
        "d/a",
        "d/b.log",
        "d/e/a",
        "d/e/c.txt",
        "x y",
        "x y ",
        "#h",
        "!n",
        "logs/1",
        "d/logs/2",
    ),
    *("[z]", "é", "d/é/a", "-opt", ":(top)q", "*"),
]


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Path:
    return make_repo(tmp_path_factory.mktemp("ignored") / "repo", dict.fromkeys(FILES, "x"))


PARTS = st.sampled_from(
    [
        "a",
        "*",
        "**",
        "?",
        "d",
        "e",
        "logs",
        "*.log",
        "b.log",
        "[a-d]",
        "[!a]",
        "x y",
        "\\#h",
        "\\!n",
        "é",
        "\\*",
        ":(top)q",
    ]
)
BODIES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.tuples(st.sampled_from(["", "/"]), BODIES, st.sampled_from(["", "/", " "])).map("".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=st.lists(PATTERNS, max_size=3))
@example(patterns=["*.log", "d/e"])
@example(patterns=["**/"])
@example(patterns=["d/**/"])
@example(patterns=["d/**", "***"])
@example(patterns=["**/**/a", "/**/**/d/**/**/", "d**/**/a", "\\**/**/b.log"])
@example(patterns=["/a", "logs/"])
@example(patterns=["#h", "x y\\ "])
def test_git_leaves_out_what_it_would_ignore(repo: Path, tmp_path: Path, patterns: list[str]):
    """As .gitignore the same file would have git ignore the same files."""
    ignore = tmp_path / "ignore"
    ignore.write_text("".join(f"{pattern}\n" for pattern in patterns))
    listed = git(repo, "ls-files", "-z", "--cached", "--ignored", f"--exclude-from={ignore}")
    ignored = {name for name in listed.split("\0") if name}

    with archived(Commit(repo / ".git", "HEAD"), parse(ignore.read_bytes()).pathspecs) as archive:
        assert archive.stdout is not None
        tar = ["tar", "--list", "--quoting-style=literal"]
        done = subprocess.run(tar, stdin=archive.stdout, capture_output=True, check=False)
        code = archive.wait()
    built = {name for name in done.stdout.decode().splitlines() if not name.endswith("/")}

    assert built == set(FILES) - ignored
    assert code == 0 or not built


@given(st.binary(max_size=200))
def test_anything_is_read(data: bytes):
    found = parse(data)

    assert all(spec.startswith(b":(exclude,glob)") for spec in found.pathspecs)
    assert not any(b"\0" in spec or b"\n" in spec for spec in found.pathspecs)


def test_any_depth_said_again_costs_git_nothing():
    assert parse(b"**/" * 8 + b"x").pathspecs == parse(b"**/x").pathspecs


def test_a_run_of_blanks_takes_no_time():
    assert parse((b" " * 60_000 + b"x") * 10).patterns == 1
