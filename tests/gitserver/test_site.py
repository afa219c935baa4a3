"""What git asks is answered in front of Flask, with nothing lost of what Flask would do."""

import logging

import pytest
from werkzeug.exceptions import Gone

from gitserver.app import create_app
from gitserver.git.lines import Data
from gitserver.git.smart import SmartGit
from gitserver.services import services_of
from stratum.errors import StratumError, Unavailable

REPO = "/MyProdEnv/app02.git"
LISTS = f"{REPO}/info/refs?service=git-receive-pack"
REQUEST = "application/x-{}-request"


@pytest.fixture
def ask(side, app):
    headers = {"Authorization": f"Bearer {side.admin}"}
    return lambda path, **more: app.test_client().open(path, headers=headers, **more)


def is_flask(app, ask, path, **more):
    """Ask, and say whether Flask has seen it."""
    seen = []
    app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(path))
    ask(path, **more).close()
    return bool(seen)


@pytest.mark.parametrize("repo", [REPO, REPO.removesuffix(".git"), "/MyProdEnv/none", "/no-such/app.git"])
def test_the_addresses_that_git_asks_are_not_flasks(app, ask, repo):
    assert not is_flask(app, ask, f"{repo}/info/refs?service=git-upload-pack")
    assert not is_flask(app, ask, f"{repo}/info/refs", method="HEAD")
    for service in ("git-receive-pack", "git-upload-pack"):
        assert not is_flask(
            app, ask, f"{repo}/{service}", method="POST", content_type=REQUEST.format(service)
        )


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_slashes_before_the_environment_count_as_one(app, ask, slashes):
    """As in `http://host/` followed by `/MyProdEnv/app02.git`: git sends both."""
    path = REPO.replace("/", slashes, 1)

    for rest, method, kind in (
        ("info/refs", "GET", None),
        ("git-receive-pack", "POST", REQUEST.format("git-receive-pack")),
        ("git-upload-pack", "POST", REQUEST.format("git-upload-pack")),
    ):
        raw = {"PATH_INFO": f"{path}/{rest}"}
        asked = {"query_string": LISTS.partition("?")[2]} if kind is None else {"content_type": kind}
        answer = ask("/", method=method, environ_overrides=raw, **asked)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (REPO, "GET"),
        (f"{REPO}/info/refs", "POST"),
        (f"{REPO}/info/refs/", "GET"),
        (f"{REPO}/git-receive-pack", "GET"),
        ("/api/app02/info/refs", "GET"),
        ("/api/git-upload-pack", "POST"),
        ("/hooks/github/git-receive-pack", "POST"),
        ("/MyProdEnv/%C3%A4pp/info/refs", "GET"),
        ("/My%0AProdEnv/app02/info/refs", "GET"),
    ],
)
def test_all_others_are(app, ask, path, method):
    assert is_flask(app, ask, path, method=method)


def test_a_head_has_the_headers_and_no_body(ask):
    whole, head = ask(LISTS), ask(LISTS, method="HEAD")

    assert (head.status_code, head.headers) == (200, whole.headers)
    assert (len(head.data), len(whole.data)) == (0, int(whole.headers["Content-Length"]))
    for answer in (whole, head):
        assert answer.headers["Cache-Control"] == "no-cache, max-age=0, must-revalidate"


@pytest.fixture
def answered(side, monkeypatch):
    """What is said, and how many places are held after it, when the list of refs fails."""
    apps = []

    def ask_for_it(error):
        def advertise(*_):
            raise error

        monkeypatch.setattr(SmartGit, "advertise", advertise)
        apps.append(create_app(side.instance))
        receiving = services_of(apps[-1]).places.receiving
        answer = apps[-1].test_client().get(LISTS, headers={"Authorization": f"Bearer {side.admin}"})
        answer.close()
        return answer, receiving.size - receiving._free._value

    yield ask_for_it
    for app in apps:
        services_of(app).database.close()


@pytest.mark.parametrize("error", [ZeroDivisionError("secret detail"), StratumError("secret detail")])
def test_what_escapes_is_a_line_with_a_number_that_is_in_the_log(answered, caplog, error):
    with caplog.at_level(logging.ERROR):
        answer, held = answered(error)

    number = answer.text.split()[2].rstrip(".")
    said = (
        f"Internal error {number}. Its cause is in the server's log under this number; tell the operator.\n"
    )
    assert (answer.status_code, answer.text, held) == (500, said, 0)
    assert f"internal error {number} in GET" in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "text", "waits"),
    [
        (Unavailable("The disk is away.", "Try again."), 503, "The disk is away. Try again.\n", "10"),
        (Gone("It was here."), 410, "It was here.\n", None),
    ],
)
def test_an_error_is_a_line_and_gives_the_place_back(answered, error, status, text, waits):
    answer, held = answered(error)

    assert (answer.status_code, answer.text, held) == (status, text, 0)
    assert answer.headers.get("Retry-After") == waits


class Unclosable:
    """Pieces of an answer, as of a push whose end cannot be recorded."""

    def __iter__(self):
        return iter((b"said",))

    def close(self):
        message = "the disk is away"
        raise OSError(message)


def test_a_place_is_given_back_though_an_answer_cannot_be_ended(side, monkeypatch):
    monkeypatch.setattr(SmartGit, "advertise", lambda *_: Data("text/plain", Unclosable()))
    made = create_app(side.instance)
    receiving = services_of(made).places.receiving
    answer = made.test_client().get(LISTS, headers={"Authorization": f"Bearer {side.admin}"})
    held_meanwhile = receiving.size - receiving._free._value

    with pytest.raises(OSError, match="the disk is away"):
        answer.close()

    assert (held_meanwhile, receiving.size - receiving._free._value) == (1, 0)
    services_of(made).database.close()
