"""The variables that a command takes from its environment, as far as there is no doubt."""

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum.procfile import references

NAMES = ("A", "B_1", "QUEUE")
# Each with the names that it takes from the environment, whatever stands around it.
PLAIN = {
    "$A": {"A"},
    "${A}": {"A"},
    '"$A"': {"A"},
    '"${A}x"': {"A"},
    "${A%.*}": {"A"},
    "${A:0:1}": {"A"},
    "pre$A-post": {"A"},
    "$(echo $A)": {"A"},
    '"$(echo "$A" \'$A\')"': {"A"},
    "(echo $A)": {"A"},
    "$'\\'$A'": set(),
    "'$A'": set(),
    "\\$A": set(),
    '"\\$A"': set(),
    "'it'\\''s $A'": set(),
    "$1$$": set(),
    "a#$A": {"A"},
}


@pytest.mark.parametrize(("text", "names"), PLAIN.items())
def test_a_name_is_told_where_the_shell_puts_its_value(text, names):
    assert set(references(f"serve {text} $B")) == names | {"B"}


@pytest.mark.parametrize(
    "command",
    [
        "serve ${A:-8} $A",
        "serve ${A-}",
        "serve ${A:?is needed}",
        "serve ${A:+--on $A}",
        "A=1 serve $A",
        "export A=1; serve $A",
        "A=1; serve $A",
        "for A in 1 2; do serve $A; done",
        "while read -r A; do serve $A; done",
        "printf -v A %s x; serve $A",
        '[ -n "$A" ] && serve $A',
        "if [[ $A == 1 ]]; then serve; fi",
        'test -z "$A" || serve $A',
        ". ./env && serve $A",
        "source env; serve $A",
        'eval "$(tool env)"; serve $A',
        "export $(cat .env); serve $A",
        "case $A in x) serve $A;; esac",
        "serve # $A",
        "serve $((A + 1)) $A",
        "cat << $A",
        "serve `echo $A`",
        "serve ${A[0]} ${!A} ${#A} ${A@Q}",
        "serve $HOSTNAME $UID $RANDOM $BASH_VERSION $_",
        "serve ${A:-'}'}",
        "serve ) $A",
        "serve '$A",
    ],
)
def test_what_is_set_there_optional_or_in_doubt_is_not_told(command):
    assert references(command) == ()


def test_each_is_told_once_in_order():
    assert references("serve $B ${A} $B --x=$QUEUE") == ("B", "A", "QUEUE")


def test_an_option_of_the_same_name_sets_nothing():
    assert references("serve --QUEUE=$QUEUE") == ("QUEUE",)


@given(st.text(alphabet="$A{}()'\"`\\ #;=:-[x0!&|<\n", max_size=60))
def test_anything_at_all_can_be_read(command):
    for name in references(command):
        assert f"${name}" in command or f"${{{name}" in command


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*PLAIN, "A=1", "${A:-x}", "${A+y}", "${#A}"]), st.sampled_from(NAMES)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([" ", " ; echo ", " && echo ", " | cat - ; echo "]),
)
def test_bash_misses_whatever_is_told(pieces, between):
    """`set -u` has bash complain of each value that it is asked for and lacks."""
    parts = [text.replace("A", name) for text, name in pieces if not text.startswith("(")]
    command = "echo " + between.join(parts)
    for missing in references(command):
        others = {name: "x" for name in NAMES if name != missing}
        done = subprocess.run(
            ["bash", "-uc", command, "bash", "1"],
            env={"PATH": "/usr/bin:/bin", **others},
            capture_output=True,
            check=False,
        )
        assert f"{missing}: unbound variable" in done.stderr.decode()


@pytest.mark.parametrize(
    "piece", ["$A ", "${A} ", "$(", '"', "[ ", "test ", "${", "`", "'", "\\", "A1 ", "$("]
)
def test_reading_takes_time_by_length(piece):
    def seconds(count: int) -> float:
        text = piece * (count // len(piece))
        began = time.process_time()
        references(text)
        return time.process_time() - began

    assert seconds(64_000) < 40 * max(seconds(8_000), 0.002)
