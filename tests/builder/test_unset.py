"""Warnings of variables that nothing sets."""

from builder.unset import warnings
from stratum.model import Target
from stratum.variables import GIVEN


def test_what_neither_the_app_nor_stratum_sets_is_told_by_target():
    targets = (Target("web", "serve -p $PORT --db $DATABASE_URL"), Target("worker", 'work "$BROKER" ${A:-1}'))

    assert list(warnings(targets, {"DATABASE_URL"})) == [
        "worker uses $BROKER, which is not set, and gets nothing in its place. "
        "To set it: stratum vars set BROKER=…; where it may be empty: ${BROKER:-}"
    ]


def test_a_port_is_for_web_alone():
    targets = (Target("release", "migrate $PORT"), Target("worker", "work $PORT"), Target("web", "x $PORT"))

    assert list(warnings(targets, ())) == [
        "release uses $PORT, which only web is given: no request comes to the release phase",
        "worker uses $PORT, which only web is given: no request comes to worker",
    ]


def test_what_every_process_is_given_is_none():
    assert list(warnings([Target("worker", " ".join(f"${name}" for name in GIVEN))], ())) == []
