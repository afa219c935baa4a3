import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.options import KNOWN, MAX_OPTIONS, PushOptions, parse
from stratum.errors import InvalidPushOption
from stratum.model import BuildOptions


def test_all_options_are_read():
    given_ = ["plan", "detach", "gate=build", "no-cache", "color", "scale=worker=3,web=+2", "scale=mailer=-1"]

    assert parse([*given_, "reason=a fix"]) == PushOptions(
        plan=True,
        detach=True,
        gate=True,
        build=BuildOptions(
            no_cache=True, color=True, scale={"worker": 3, "web": "+2", "mailer": "-1"}, reason="a fix"
        ),
    )


def test_no_options_are_none():
    assert parse([]) == PushOptions()


@pytest.mark.parametrize(
    "option",
    [
        *("", "plans", "plan=1", "gate", "gate=deploy", "ci.skip", "scale", "scale=", "scale=worker"),
        *("scale=w=++1", "scale=worker=1,", "scale=worker=1,worker=2", "scale=wo rker=1", "scale=w=1e3"),
        *("reason=", "reason=   ", "reason=two\nlines", "reason=\x1b[31m", "reason=" + "x" * 201),
    ],
)
def test_what_is_not_known_is_refused_with_the_list(option):
    with pytest.raises(InvalidPushOption) as raised:
        parse(["detach", option])

    assert all(known in str(raised.value) for known in KNOWN)
    assert str(raised.value).isprintable()


def test_too_many_are_refused():
    with pytest.raises(InvalidPushOption):
        parse(["detach"] * (MAX_OPTIONS + 1))


@given(st.lists(st.text()))
def test_anything_is_options_or_an_error(given_):
    try:
        parse(given_)
    except InvalidPushOption as error:
        assert len(str(error)) < 500


def test_only_our_own_pushes_say_for_which_build_they_are():
    """Whoever else could take the number, and with it the place, of what a web hook fetches."""
    assert parse(["detach", "build=7"], is_webhook=True).reserved == 7
    with pytest.raises(InvalidPushOption):
        parse(["detach", "build=7"])
