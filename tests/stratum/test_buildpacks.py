"""Which buildpacks an app asks for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.driver.packs import BUILT_IN as FOLDER
from stratum.buildpacks import (
    APP_JSON,
    BUILT_IN,
    LIST,
    MAX_BUILDPACKS,
    VARIABLE,
    Reference,
    asked_for,
    reference,
)
from stratum.errors import InvalidInput

URL = "https://packs.example/heroku-buildpack-go"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python", Reference("python")),
        (" stratum/python\n", Reference("python")),
        ("heroku/python", Reference("python")),
        ("heroku/nodejs", Reference("node")),
        (
            "https://github.com/heroku/heroku-buildpack-python",
            Reference(url="https://github.com/heroku/heroku-buildpack-python"),
        ),
        (URL, Reference(url=URL)),
        (f"{URL}.git#v1.2", Reference(url=f"{URL}.git", ref="v1.2")),
        (f"{URL}#feature/x", Reference(url=URL, ref="feature/x")),
        (f"{URL}#", Reference(url=URL)),
        ("http://127.0.0.1:8000/x.git", Reference(url="http://127.0.0.1:8000/x.git")),
    ],
)
def test_a_name_or_a_url_is_a_buildpack(text, expected):
    assert reference(text, "x") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "ruby", "heroku/ruby", "--upload-pack=x", "file:///etc", "ssh://git@host/x", "git@host:x"),
        *("ext::sh -c x", "https://", "https://-x/y", "https:///x", "https://host:none/x", "../x", "/etc"),
        *(f"{URL}#-x", f"{URL}#a..b", f"{URL}#a.lock", f"{URL}#a b", f"{URL}#x/", f"{URL}#{'a' * 300}"),
        *(f"{URL}.tgz", f"{URL}/x.tar.gz", f"{URL}?token=1", "https://me:pass@host/x", f"{URL}\n{URL}"),
        *(f"https://host/{'a' * 1001}", "https://host/\x00", "https://host/ä"),
    ],
)
def test_anything_else_is_refused_with_what_there_is(text):
    with pytest.raises(InvalidInput) as refused:
        reference(text, ".buildpacks:1")

    assert ".buildpacks:1 is no buildpack" in refused.value.message
    assert all(one.name in refused.value.hint for one in BUILT_IN)


def test_what_is_no_url_is_told_of_both_schemes_and_of_herokus_names():
    with pytest.raises(InvalidInput) as refused:
        reference("heroku/ruby", APP_JSON)

    assert refused.value.message == (
        "'heroku/ruby' in app.json is no buildpack: "
        "it is neither built in nor the https:// or http:// URL of a git repository."
    )
    assert "heroku/python, heroku/nodejs" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:s3cr3t@host/x", "https://host…"),
        ("ssh://me:s3cr3t@host/x", "ssh://host…"),
        ("https://me:s3cr3t@host:x/y", "https://host…"),
        ("https://s3cr3t@host/a.tgz", "https://host…"),
        ("git+https://s3cr3t@host/x", "git+https://host…"),
        ("me:s3cr3t@host:x", "host…"),
        (f"{URL}?token=s3cr3t", "https://packs.example…"),
        (f"{URL}?token=me@s3cr3t", "https://…"),
        ("https://me:s3/cr3t@host/x", "https://…"),
        ("https://me:s3#cr3t@host/x", "https://…"),
        ("https://me#s3cr3t@host/x", "https://…"),
        ("https://me:s3cr3t%40host/x", "https://me…"),
        ("https://me:s3cr3t @host/x", "https://host…"),
        ("https://me:s3cr3t/x", "https://me…"),
    ],
)
def test_a_password_or_token_in_a_url_is_not_said_again(text, shown):
    with pytest.raises(InvalidInput) as refused:
        reference(text, VARIABLE)

    assert "cr3t" not in str(refused.value)
    assert refused.value.message.startswith(f"'{shown}' in {VARIABLE} ")


def test_the_variable_goes_before_the_list_and_the_list_before_app_json():
    app_json = json.dumps({"buildpacks": [{"url": "stratum/python"}, {"url": URL}]}).encode()
    files = {LIST: f"# ours\n\n{URL}#v1\npython\n".encode(), APP_JSON: app_json}
    by_list = (Reference(url=URL, ref="v1"), Reference("python"))

    assert asked_for("python", files) == (VARIABLE, (Reference("python"),))
    assert asked_for(" ", files) == (LIST, by_list)
    assert asked_for("", {APP_JSON: app_json}) == (APP_JSON, (Reference("python"), Reference(url=URL)))
    assert asked_for("", {}) == ("", ())


@pytest.mark.parametrize("app_json", ["{}", "[]", "1", '{"buildpacks": 1}', '{"buildpacks": [1]}'])
def test_an_app_json_without_buildpacks_asks_for_none(app_json):
    assert asked_for("", {APP_JSON: app_json.encode()}) == ("", ())


@pytest.mark.parametrize(
    "files",
    [
        {LIST: None},
        {APP_JSON: b"{"},
        {APP_JSON: b"[" * 60_000},
        {LIST: b"python\n" * (MAX_BUILDPACKS + 1)},
        {LIST: b"python\nruby\n"},
    ],
)
def test_what_cannot_be_used_is_refused(files):
    with pytest.raises(InvalidInput):
        asked_for("", files)


@given(st.binary(max_size=300), st.binary(max_size=300), st.text(max_size=80))
def test_nothing_else_is_ever_raised(listed, app_json, variable):
    try:
        asked_for(variable, {LIST: listed, APP_JSON: app_json})
    except InvalidInput as refused:
        assert refused.message


def test_every_built_in_one_is_there_with_its_programs():
    for one in BUILT_IN:
        for program in ("detect", "compile", "release"):
            path = FOLDER / one.name / "bin" / program
            assert path.stat().st_mode & 0o111, path
