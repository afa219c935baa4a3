from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.engines.supervisord import launch
from runner.engines.supervisord.description import MAX_STRING_BYTES, Description, encode
from stratum.variables import MAX_VARIABLE_BYTES

PLAIN = Description("exec sleep 1", "/srv/slug", "/srv/home", 1024, {"GREETING": "hello"})

# A busy machine is no fault of what is tested.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Any bytes but NUL, as the text that os.fsdecode makes of them.
TEXT = st.binary().map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
NAMES = TEXT.map(lambda text: text.replace("=", "")).filter(bool)
DESCRIPTIONS = st.builds(
    Description,
    command=TEXT,
    directory=TEXT,
    home=TEXT,
    max_open_files=st.integers(1, 2**31),
    environment=st.dictionaries(NAMES, TEXT),
)


def test_the_file_is_header_and_strings_each_ended_by_nul() -> None:
    assert encode(PLAIN) == (
        b"stratum process 1\0exec sleep 1\0/srv/slug\0/srv/home\0001024\0GREETING=hello\0"
    )


@UNHURRIED
@given(DESCRIPTIONS)
def test_the_launcher_reads_what_the_applier_writes(description: Description) -> None:
    command, directory, environment, max_open_files = launch.parse(encode(description))

    def raw(text: str) -> bytes:
        return text.encode("utf-8", "surrogateescape")

    assert (command, directory) == (raw(description.command), raw(description.directory))
    assert max_open_files == description.max_open_files
    expected = {"HOME": description.home, **description.environment}
    assert environment == {raw(name): raw(value) for name, value in expected.items()}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (replace(PLAIN, command="a\0b"), "'command' holds a NUL"),
        (replace(PLAIN, command="x" * (MAX_STRING_BYTES + 1)), "'command' has 131072 bytes, at most 131071"),
        (replace(PLAIN, environment={"A=B": "c"}), "'A=B' cannot name"),
        (replace(PLAIN, environment={"": "c"}), "'' cannot name"),
        (replace(PLAIN, environment={"SECRET": "s3cr3t\0"}), "'SECRET' holds a NUL byte$"),
        (replace(PLAIN, environment={"A": "x" * (MAX_STRING_BYTES - 1)}), "'A' has 131072 bytes"),
    ],
)
def test_what_no_process_could_be_given_is_refused_without_telling_values(
    changed: Description, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encode(changed)


def test_a_variable_that_may_be_set_can_be_written() -> None:
    encode(replace(PLAIN, environment={"A": "x" * (MAX_VARIABLE_BYTES - len("A="))}))
    assert MAX_STRING_BYTES == MAX_VARIABLE_BYTES


@pytest.mark.parametrize(
    "raw", [b"", b"x", encode(PLAIN)[:-1], b"stratum process 2\0a\0b\0c\0001\0", b"stratum process 1\0a\0"]
)
def test_a_cut_or_foreign_file_is_refused(raw: bytes) -> None:
    with pytest.raises(launch.Refused, match="not a process description"):
        launch.parse(raw)


def test_writer_and_reader_know_the_same_header() -> None:
    assert encode(PLAIN).startswith(launch.HEADER + b"\0")
