import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.procfile import expand_unique_int, uses_unique_int
from stratum.procfile.unique_int import misspelled


@pytest.mark.parametrize("placeholder", ["{{UNIQUE_INT}}", "{{ UNIQUE_INT }}", "{{\tUNIQUE_INT}}"])
def test_unique_int_is_replaced_wherever_it_stands(placeholder: str):
    command = f"work -i {placeholder} --log w{placeholder}.log"

    assert uses_unique_int(command)
    assert expand_unique_int(command, 7) == "work -i 7 --log w7.log"


@pytest.mark.parametrize("command", ["a {UNIQUE_INT}", "{{unique_int}}", "{{UNIQUE_INTS}}", "$UNIQUE_INT"])
def test_what_only_looks_like_unique_int_stays(command: str):
    assert not uses_unique_int(command)
    assert expand_unique_int(command, 7) == command


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("run -i {{UNIQUE-INT}}", [(7, "{{UNIQUE-INT}}")]),
        ("run {{ unique_int }} {{UNIQ_INT}}", [(4, "{{ unique_int }}"), (21, "{{UNIQ_INT}}")]),
        ("run {UNIQUE_INT}", [(5, "UNIQUE_INT")]),
        ("run $UNIQUE_INT", [(5, "UNIQUE_INT")]),
        ("run {{UNIQUE_INT}} {{UNIQUE_INT }", [(21, "UNIQUE_INT")]),
        ("run {{UNIQUE_INT}} {{ UNIQUE_INT }}", []),
        ("docker ps --format {{.Names}} {{SOME_NAME}}", []),
        ("run MY_UNIQUE_INTEGER UNIQUE_INTERVAL", []),
    ],
)
def test_what_was_meant_to_be_unique_int_is_found(command: str, meant: list[tuple[int, str]]):
    assert list(misspelled(command)) == meant


@given(st.lists(st.sampled_from(["{{", "}}", "{", " ", "UNIQUE_INT", "unique", "-int", "x"])).map("".join))
def test_what_is_replaced_is_never_called_misspelled(command: str):
    for offset, text in misspelled(command):
        assert command.startswith(text, offset)
        assert not uses_unique_int(text)
