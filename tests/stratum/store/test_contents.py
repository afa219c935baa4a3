"""What a slug holds is kept with its build and its releases, and goes wherever the slug goes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from stratum.model import NO_CONTENTS, BuildState, Contents, Target, UsedBuildpack
from stratum.store import builds, releases
from stratum.verbs import release as verb
from tests.there import there

CONTENTS = Contents(
    (UsedBuildpack("foreign", "https://packs.example/foreign.git", "1" * 40), UsedBuildpack("python")),
    {"flask": "3.1.0"},
    "public",
)
TARGETS = (Target("web", "run me"),)
COMMIT, SLUG = "1" * 40, "a" * 64

words = st.text()


@given(
    st.builds(
        Contents,
        st.lists(st.builds(UsedBuildpack, words, words, words)).map(tuple),
        st.dictionaries(words, words),
        words,
    )
)
def test_contents_are_read_as_they_were_written(contents):
    assert Contents.parse(json.loads(json.dumps(contents.render()))) == contents


def test_of_older_slugs_nothing_is_known():
    assert Contents.parse({}) == NO_CONTENTS


def test_a_gated_build_keeps_them_until_it_is_released(db, app):
    with db.write() as tx:
        builds.add_build(tx, app.id, COMMIT, source="push", who="me", gate="1:1")
        build = there(builds.claim_next(tx, app.id, "a"))

        assert build.contents == NO_CONTENTS
        assert builds.wait(tx, build, SLUG, TARGETS, CONTENTS) is BuildState.WAITING
        assert builds.get_build(tx, build.id).contents == CONTENTS


def test_releasing_a_slug_again_keeps_what_it_holds(db, app):
    with db.write() as tx:
        first = releases.add_release(
            tx,
            app.id,
            slug=SLUG,
            commit=COMMIT,
            targets=TARGETS,
            cause="push",
            who="me",
            contents=CONTENTS,
        )
        verb.release_again(tx, first, cause="variables", who="me")

        assert first.contents == CONTENTS
        assert there(releases.find_release(tx, app.id, 2)).contents == CONTENTS
