"""What hook scripts are told."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stratum.hookscripts.environ import PATH, Occasion, envelope, environ

AT = datetime(2026, 11, 22, 16, tzinfo=UTC)
APP = {"environment": "MyProdEnv", "name": "app02", "url": "http://app02"}


def told(event, **data):
    found = environ(Occasion(event, AT, APP, data))
    return {name.removeprefix("STRATUM_"): value for name, value in found.items() if value}


def test_a_build_that_failed():
    build = {"number": 12, "commit": "abc", "who": "ci", "source": "push", "error": "No\nProcfile."}

    found = told("build.failed", build=build)

    assert found == {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "EVENT": "build.failed",
        "ENVIRONMENT": "MyProdEnv",
        "APP": "app02",
        "APP_URL": "http://app02",
        "BUILD": "12",
        "COMMIT": "abc",
        "CAUSE": "push",
        "WHO": "ci",
        "ERROR": "No\nProcfile.",
    }


def test_a_release_with_and_without_a_build():
    release = {"version": 3, "commit": "abc", "cause": "vars: set A", "who": "ci"}

    found = told("release.failed", release=release, rollout={"number": 1, "error": "web.1"}, build=12)

    assert (found["RELEASE"], found["BUILD"], found["ERROR"]) == ("v3", "12", "web.1")
    assert "BUILD" not in told("pre-release", release=release, build=None)


def test_a_process_that_crash_loops():
    found = told(
        "process.crash_looping", process={"name": "E.a.v3.web.1", "release": "v3"}, crash={"message": "since"}
    )

    assert (found["PROCESS"], found["RELEASE"], found["ERROR"]) == ("E.a.v3.web.1", "v3", "since")


@given(st.dictionaries(st.sampled_from(["error", "who", "commit", "source"]), st.text()))
def test_any_text_can_be_told(build):
    one = Occasion("build.failed", AT, APP, {"build": build})

    assert not any("\0" in value for value in environ(one).values())
    assert json.loads(envelope(one))["data"]["build"] == build
