from datetime import UTC, datetime
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.policy import MAX_UPDATES, ZERO, Refusal, judge
from stratum.model import App, Environment, RefUpdate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "1" * 40, "2" * 40


def app(branch: str | None = None) -> App:
    environment = Environment(1, "MyProdEnv", "production", start_all=False, created_at=NOW)
    return App(1, "app02", environment, branch, None, destroying=False, created_at=NOW)


def update(ref: str, old: str = OLD, new: str = NEW) -> RefUpdate:
    return RefUpdate(ref if ref.startswith("refs/") else f"refs/heads/{ref}", old, new)


@pytest.mark.parametrize(
    ("branch", "pushed", "deploys"),
    [
        (None, ["main"], "main"),
        (None, ["main", "master"], "master"),
        (None, ["topic"], None),
        ("main", ["master"], None),
        ("main", ["master", "main"], "main"),
        ("topic", ["topic"], "topic"),
        (None, ["refs/tags/master"], None),
    ],
)
def test_one_branch_deploys(branch, pushed, deploys):
    judged = judge(app(branch), [update(ref) for ref in pushed])

    assert judged.deploying == (None if deploys is None else update(deploys))
    assert judged.refusals == ()


def test_what_changes_nothing_or_deletes_does_not_deploy():
    assert judge(app(), [update("master", new=OLD)]).deploying is None
    assert judge(app("main"), [update("master", new=ZERO)]).deploying is None
    assert judge(app("main"), [update("master", new=ZERO)]).notes == ()


def test_deploy_branch_is_not_deleted():
    (refusal,) = judge(app("main"), [update("main", new=ZERO)]).refusals

    assert refusal.ref == "refs/heads/main"
    assert refusal.lines() == (
        " !     main cannot be deleted: app02 is deployed from it.",
        " !     To remove the app with all it has: stratum apps destroy app02 -E MyProdEnv",
    )


def test_many_refs_are_told_in_one_line():
    judged = judge(app("main"), [update(f"b{number}") for number in range(4)])

    assert judged.notes == (
        "-----> 4 refs are stored but do not deploy: app02 deploys main",
        "       To deploy b0: git push catalyze 222222222222:main",
    )


@pytest.mark.parametrize(
    "ref", ["refs/stratum/x", "refs/heads/\udce4", "refs/heads/a\x85b", "refs/heads/\u202eb"]
)
def test_odd_places_are_refused_in_words_that_cannot_harm(ref):
    (refusal,) = judge(app(), [RefUpdate(ref, ZERO, NEW)]).refusals

    for line in refusal.lines():
        assert line.startswith(" !     ")
        assert line.isprintable()


def test_head_is_no_place():
    assert judge(app(), [RefUpdate("HEAD", OLD, NEW)]).refusals


def test_a_push_of_too_many_refs_is_refused_in_two_lines():
    updates = [update(f"b{number}") for number in range(MAX_UPDATES + 1)]

    assert judge(app("main"), updates[1:]).refusals == ()
    (refusal,) = judge(app("main"), updates).refusals
    assert refusal.lines() == (
        " !     a push may change 1,000 refs, and this one changes 1,001.",
        " !     Push them in parts, or only those that are needed here: one branch deploys.",
    )


@pytest.mark.parametrize(
    "name",
    [
        "heads/a..b",
        "heads/../../config",
        "heads/.a",
        "heads/a.lock",
        "heads/a b",
        "heads/a/",
        "heads//a",
        "a",
        "",
    ],
)
def test_what_git_would_not_have_as_a_name_is_refused_before_it_is_looked_at(name):
    """git itself asks its hook first, and checks names afterwards (git 2.39, builtin/receive-pack.c)."""
    ref = f"refs/{name}"
    (refusal,) = judge(app(), [RefUpdate(ref, ZERO, NEW)]).refusals

    assert refusal == Refusal(ref, f"{ref} cannot name a ref", "What can is in: git help check-ref-format.")


PARTS = st.one_of(
    st.text(), st.sampled_from(["..", ".", "a.lock", "stratum", "heads", "tags", "master", "\udcff"])
)
REFS = st.lists(PARTS, max_size=4).map(lambda parts: "/".join(["refs", *parts])) | st.text()
UPDATES = st.lists(st.builds(RefUpdate, REFS, st.sampled_from([ZERO, OLD]), st.sampled_from([ZERO, NEW])))


@given(st.sampled_from([None, "master", "topic"]), UPDATES)
def test_whatever_the_names_what_is_said_is_plain_lines_and_what_is_taken_stays_in_place(branch, updates):
    judged = judge(app(branch), updates)

    lines = [*judged.notes, *(line for refusal in judged.refusals for line in refusal.lines())]
    assert not [
        character for character in "".join(lines) if category(character) == "Cc" and character != "\t"
    ]
    "".join(lines).encode()  # no byte that is no UTF-8 comes back as one
    refused = {refusal.ref for refusal in judged.refusals}
    for taken in (each.ref for each in updates if each.ref not in refused):
        assert taken.startswith("refs/")
        assert ".." not in taken
        assert not taken.startswith("refs/stratum/")
        assert taken.isprintable()
