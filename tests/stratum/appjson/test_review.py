"""What app.json asks of a review app to begin with."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.appjson import ReviewSetup, parse_review
from stratum.errors import AppJsonInvalid


def read(**top: Any) -> ReviewSetup:
    return parse_review(json.dumps(top).encode())


def problems(**top: Any) -> str:
    with pytest.raises(AppJsonInvalid) as refused:
        read(**top)
    return "\n".join(refused.value.lines())


def test_variables_have_values_or_are_made_up_or_are_required():
    found = read(
        env={
            "MODE": "review",
            "WORKERS": {"description": "How many", "value": "2"},
            "SECRET_KEY": {"generator": "secret"},
            "STRIPE_KEY": {"description": "Ask Ann"},
            "SENTRY_DSN": {"required": False},
        }
    )

    assert found == ReviewSetup({"MODE": "review", "WORKERS": "2"}, ("SECRET_KEY",), ("STRIPE_KEY",))


def test_what_is_said_of_review_apps_goes_before_what_is_said_of_all():
    found = read(
        env={"MODE": "production", "KEPT": "1"},
        environments={"review": {"env": {"MODE": "review"}}, "test": {"env": {"MODE": "test"}}},
    )

    assert found.values == {"MODE": "review", "KEPT": "1"}


def test_quantities_are_those_of_review_apps_alone():
    found = read(
        formation={"web": {"quantity": 9}},
        environments={"review": {"formation": {"web": {"quantity": 2, "size": "basic"}, "worker": {}}}},
    )

    assert found.quantities == {"web": 2}


@pytest.mark.parametrize("top", [{}, {"env": {}}, {"environments": {}}, {"name": "x", "addons": ["redis"]}])
def test_what_says_nothing_of_it_asks_for_nothing(top):
    assert read(**top) == ReviewSetup()


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ({"env": ["A"]}, "env: a list stands where an object is expected"),
        ({"env": {"A": 5}}, "env.A: 5 is no text"),
        ({"env": {"A": {"value": True}}}, "env.A.value: true is no text"),
        ({"env": {"A": {"generator": "uuid"}}}, 'env.A.generator: "uuid" is no generator'),
        ({"env": {"A": {"required": "no"}}}, "env.A.required"),
        ({"env": {"A-B": "1"}}, "env.A-B"),
        ({"env": {"STRATUM_APP": "x"}}, "env.STRATUM_APP: Stratum sets it itself"),
        ({"environments": {"review": []}}, "environments.review: a list stands where"),
        (
            {"environments": {"review": {"formation": {"web": 2}}}},
            "environments.review.formation.web: 2 stands",
        ),
        (
            {"environments": {"review": {"formation": {"web": {"quantity": -1}}}}},
            "formation.web.quantity: -1",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(top, said):
    assert said in problems(**top)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["A", "env", "value", "generator", "required", "review", "formation", "quantity"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["env", "environments", "formation"]), JSON))
def test_whatever_it_says_is_read_or_refused(top):
    try:
        found = read(**top)
    except AppJsonInvalid:
        return
    assert all(isinstance(value, str) for value in found.values.values())
    assert all(0 <= quantity <= 1000 for quantity in found.quantities.values())
