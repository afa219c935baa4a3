import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.excerpt import COLUMNS, excerpt
from stratum.procfile import Problem


def lines(source: str, column: int, line: int = 3) -> list[str]:
    return list(Problem("Procfile", line, column, "it is wrong", "Mend it", source).lines())


def test_the_caret_stands_below_the_column():
    assert lines("web python app.py", 4) == [
        "Procfile:3:4: it is wrong. Mend it.",
        "   3 | web python app.py",
        "     |    ^",
    ]


def test_a_problem_without_a_line_is_one_sentence():
    problem = Problem("Procfile", 1, 1, "it is missing", "Add it")

    assert problem.lines("warning: ") == ("Procfile:1:1: warning: it is missing. Add it.",)


@pytest.mark.parametrize(
    ("source", "column", "shown", "offset"),
    [
        ("w\tb: x", 4, "w b: x", 3),
        ("a\x00b", 3, "a\\u0000b", 7),
        ("a\u202eb", 2, "a\\u202eb", 1),
        ("\U000e0001b", 2, "\\U000e0001b", 10),
        ("日本: x", 3, "日本: x", 4),
        ("e\u0301: x", 3, "e\u0301: x", 1),
        ("web:", 5, "web:", 4),
        ("", 1, "", 0),
    ],
)
def test_the_caret_is_where_a_terminal_shows_the_column(source, column, shown, offset):
    assert excerpt(source, column) == (shown, offset)


@pytest.mark.parametrize(
    ("column", "shown", "offset"),
    [
        (1, "^" + "a" * 57 + "…", 0),
        (100, "…" + "a" * 29 + "^" + "a" * 28 + "…", 30),
        (200, "…" + "a" * 57 + "^", 58),
    ],
)
def test_a_long_line_is_cut_around_the_column(column, shown, offset):
    source = "a" * (column - 1) + "^" + "a" * (200 - column)

    got, at = excerpt(source, column)

    assert got.replace("^", "a") == shown.replace("^", "a")
    assert (at, got[at]) == (offset, "^")


@given(st.text(max_size=200), st.data())
def test_any_line_is_shown_on_one_that_fits_with_the_caret_below_it(source: str, data):
    column = data.draw(st.integers(1, len(source) + 1))

    shown, offset = excerpt(source, column)

    assert shown.isprintable()
    assert 0 <= offset <= COLUMNS
    assert len(shown) <= COLUMNS * 3  # marks without a width
