"""What the driver answers is the word of a place where anybody's programs run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.answer import MAX_BYTES, MAX_PACKAGES_BYTES, NOTHING, parse
from builder.driver.order import Answer, Used
from stratum.buildpacks import MAX_BUILDPACKS
from stratum.model import UsedBuildpack

COMMIT = "1" * 40
URL = "https://packs.example/x.git"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)


def test_an_answer_is_read_as_it_was_given():
    used = (Used("x", URL, "v1", COMMIT), Used("python"))
    made = parse(Answer(used, {"six": "1"}, "public", "web: x", "Add").encode())

    assert made.contents.buildpacks == (UsedBuildpack("x", URL, COMMIT), UsedBuildpack("python"))
    assert (made.contents.packages, made.contents.site) == ({"six": "1"}, "public")
    assert (made.processes, made.advice, made.failure) == ("web: x", "Add", None)
    assert made.pins == {(URL, "v1"): COMMIT}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"1", b"[" * 100_000, b'"' + b"x" * MAX_BYTES + b'"'])
def test_what_is_no_answer_says_nothing(data):
    assert parse(data) == NOTHING


@pytest.mark.parametrize("letter", ["x", "\U0001f40d"])
def test_what_each_release_has_again_is_bounded(letter):
    packages = {f"{number}-{letter * 40}": letter * 40 for number in range(2000)}
    used = [{"name": letter * 40, "url": URL, "ref": str(number), "commit": COMMIT} for number in range(2000)]
    made = parse(json.dumps({"packages": packages, "buildpacks": used}, ensure_ascii=False).encode())

    kept = dict(made.contents.packages)
    assert kept == dict(list(packages.items())[: len(kept)])
    assert MAX_PACKAGES_BYTES // 2 < len(json.dumps(kept)) <= MAX_PACKAGES_BYTES
    assert len(json.dumps(made.contents.render())) < 2 * MAX_PACKAGES_BYTES
    assert (len(made.contents.buildpacks), len(made.pins or {})) == (MAX_BUILDPACKS, MAX_BUILDPACKS)


def test_what_a_failure_says_is_bounded():
    failure = {"doing": "Detecting", "detail": "3" * 300_000, "mend": "4" * 300_000}

    said = parse(json.dumps({"failure": failure}).encode()).failure

    assert said == {"doing": "Detecting", "detail": "3" * 8192, "mend": "4" * 8192}


@pytest.mark.parametrize("site", ["/etc", "..", "a/../..", "a\0b", 1, None, ["x"]])
def test_a_site_is_below_the_slug(site):
    assert parse(json.dumps({"site": site}).encode()).contents.site == ""


@pytest.mark.parametrize("commit", ["", "master", "1" * 39, "G" * 40, None])
def test_only_a_commit_is_pinned(commit):
    assert parse(json.dumps({"buildpacks": [{"url": URL, "commit": commit}]}).encode()).pins == {}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: anything
            for name in ("buildpacks", "packages", "site", "processes", "advice", "failure", "other")
        },
    )
)
def test_whatever_is_answered_is_of_the_kinds_that_are_stored(found):
    made = parse(json.dumps(found).encode())

    assert json.loads(json.dumps(made.contents.render())) == made.contents.render()
    assert isinstance(made.processes, str)
    assert made.failure is None or set(made.failure) == {"doing", "detail", "mend"}
