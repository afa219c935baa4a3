"""How errors come out as HTTP."""

import logging

import pytest

from gitserver import errors
from gitserver.app import create_app
from stratum import errors as core

EXPECTED = {
    core.InvalidName: 422,
    core.InvalidScale: 422,
    core.UnknownTarget: 422,
    core.ProcfileInvalid: 422,
    core.BadCredentials: 401,
    core.NotAllowed: 403,
    core.NotFound: 404,
    core.AlreadyExists: 409,
    core.NothingReleased: 409,
    core.SupervisorUnavailable: 503,
    core.QueueUnavailable: 503,
}


@pytest.mark.parametrize(("kind", "status"), EXPECTED.items())
def test_each_error_has_its_status(kind, status):
    assert errors.status_of(kind.__new__(kind)) == status


def test_what_escapes_is_500_with_a_number_that_is_in_the_log(side, caplog):
    app = create_app(side.instance)

    @app.get("/api/broken")
    def broken():
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/api/broken", headers={"Authorization": f"Bearer {side.admin}"})

    said = answer.get_json()
    assert answer.status_code == 500
    assert said["error"] == "internal-error"
    assert said["message"] == f"Internal error {said['id']}."
    assert "secret detail" not in answer.text
    assert said["id"] in caplog.text
    assert "secret detail" in caplog.text


def test_a_path_forges_no_line_of_the_log(side, caplog):
    app = create_app(side.instance)

    @app.get("/api/<what>/broken")
    def broken(what):
        raise core.Unavailable("No.") if what.startswith("a") else ZeroDivisionError

    for path in ("/api/a%0ab/broken", "/api/%0ab/broken"):
        app.test_client().get(path, headers={"Authorization": f"Bearer {side.admin}"})

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert not [line for line in said if "\n" in line]


def test_a_wrong_shape_names_each_field(api):
    assert api("POST", "/environments", json={"name": 1, "stge": "x"}) == (
        422,
        {
            "error": "invalid-input",
            "message": "The request cannot be used: name: Input should be a valid string; "
            "stge: Extra inputs are not permitted.",
            "hint": "",
            "fields": {
                "name": ["Input should be a valid string"],
                "stge": ["Extra inputs are not permitted"],
            },
        },
    )


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"", 400), (b"[" * 100_000, 422), (b" " * 5_000_000, 413)]
)
def test_what_is_no_json_is_refused(api, body, status):
    found, said = api("POST", "/environments", data=body, content_type="application/json")

    assert found == status
    assert {"error", "message", "hint"} <= said.keys()


def test_what_is_no_json_is_told_with_its_place(api):
    _, said = api("POST", "/environments", data=b'{"name": x}', content_type="application/json")

    assert said["message"] == "The request's body is no JSON: Expecting value: line 1 column 10 (char 9)."


def test_unknown_addresses_and_methods_answer_json(api):
    _, said = api("POST", "/apps/MyProdEnv/app02/workers/")
    assert said == {
        "error": "not-found",
        "message": 'There is nothing at POST "/api/apps/MyProdEnv/app02/workers/".',
        "hint": "docs/api.md lists what there is; a name in an address is neither empty nor has it a slash.",
    }
    assert api("PUT", "/whoami")[0] == 405


HUGE = 10**23
HERE = "/apps/MyProdEnv/app02"


@pytest.mark.parametrize("number", [HUGE, 10**18, "9" * 5000])
@pytest.mark.parametrize("path", ["builds/{}", "builds/{}/log", "rollouts/{}"])
def test_a_number_that_nothing_can_have_is_not_found(api, side, path, number):
    side.release(side.app())

    assert api("GET", f"{HERE}/{path.format(number)}")[0] == 404


@pytest.mark.parametrize("version", [HUGE, 0, -HUGE])
def test_a_version_that_no_release_can_have_is_refused(api, side, version):
    side.release(side.app())

    assert api("POST", f"{HERE}/rollback", json={"version": version})[0] == 422


@pytest.mark.parametrize("offset", [HUGE, 2**63 - 1, "9" * 5000])
def test_an_offset_that_no_log_can_have_is_refused(api, side, offset):
    side.release(side.app())

    assert api("GET", f"{HERE}/builds/1/log?offset={offset}")[0] == 422
