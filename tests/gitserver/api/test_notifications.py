"""Who is told an app's news, over the API."""

from dataclasses import replace
from pathlib import Path

import pytest

from stratum.model import Grant, Right
from stratum.store import environments, subscribers
from stratum.verbs.notifications import MAX_SUBSCRIBERS

PATH = "/apps/MyProdEnv/app02/notifications"
URL = "https://ops.example.com/stratum?token=geheim"


@pytest.fixture
def app(side):
    return side.app()


def add(api, name="ops", url=URL, **more):
    status, made = api("POST", PATH, {"name": name, "url": url, **more})
    assert status == 201, made
    return made


def test_what_is_added_is_listed_until_it_is_removed_and_its_secret_is_shown_once(api, app):
    made = add(api, events=["build.failed", "release.*"])

    assert made["secret"].startswith("whsec_")
    row = {key: value for key, value in made.items() if key != "secret"}
    assert (row["url"], row["events"], row["channel"], row["enabled"]) == (
        "https://ops.example.com/stratum?…",
        ["build.failed", "release.*"],
        "webhook",
        True,
    )
    assert api("GET", PATH) == (200, [row])
    assert api("GET", f"{PATH}/OPS") == (200, row)
    assert api("DELETE", f"{PATH}/ops") == (200, {"changed": True})
    assert api("GET", f"{PATH}/ops")[0] == 404
    assert api("GET", PATH) == (200, [])


def test_neither_secret_nor_address_is_readable_at_rest(api, side, app):
    secret = add(api)["secret"]

    for file in filter(Path.is_file, side.instance.layout.state.iterdir()):
        kept = file.read_bytes()
        assert b"geheim" not in kept
        assert secret.removeprefix("whsec_").encode() not in kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://ops.example.com/"}, "by https only"),
        ({"url": "https://user:pass@ops.example.com/"}, "password"),
        ({"url": "gopher://x"}, "no address"),
        ({"url": "slack+http://x/"}, "by https only"),
        ({"url": "mailto:team@example.com"}, "sends no mail"),
        ({"events": ["build.fail"]}, "no kind of news"),
        ({"name": "-x"}, "no DNS label"),
        ({"name": "a/b"}, "no DNS label"),
        ({"events": "build.failed"}, "list"),
        ({"more": 1}, "more"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(api, app, given, said):
    status, answer = api("POST", PATH, {"name": "ops", "url": URL, **given})

    assert status == 422
    assert said in answer["message"]
    assert api("GET", PATH) == (200, [])


def test_http_is_for_hosts_that_the_operator_allows(side, app):
    side.instance = replace(
        side.instance, settings=replace(side.instance.settings, hook_hosts="ops.internal:8080")
    )
    with side.client() as client:
        headers = {"Authorization": f"Bearer {side.admin}"}

        def status(url):
            return client.post(f"/api{PATH}", json={"name": "a", "url": url}, headers=headers).status_code

        assert status("http://ops.internal/") == 422
        assert status("http://ops.internal:8080/") == 201


def test_a_chat_has_no_secret_but_its_address_which_is_not_shown(api, app):
    made = add(api, url="slack+https://hooks.slack.example/services/T0/geheim")

    assert (made["channel"], made["url"], made["secret"]) == (
        "slack",
        "slack+https://hooks.slack.example/…",
        None,
    )
    assert "geheim" not in str(api("GET", PATH))
    status, said = api("POST", f"{PATH}/ops/rotate")
    assert (status, said["message"]) == (409, "ops is told by slack, which knows no signatures.")


def test_mail_is_for_addresses_where_the_operator_has_named_a_server(side, app):
    settings = replace(side.instance.settings, smtp_url="smtp://mail", mail_from="a@b")
    side.instance = replace(side.instance, settings=settings)
    with side.client() as client:
        headers = {"Authorization": f"Bearer {side.admin}"}

        def asked(url):
            return client.post(f"/api{PATH}", json={"name": "a", "url": url}, headers=headers)

        assert "no address of mail" in asked("mailto:a@b?cc=c@d").get_json()["message"]
        made = asked("mailto:team@example.com").get_json()
        assert (made["channel"], made["url"], made["secret"]) == ("mail", "team@example.com", None)


def test_names_are_taken_once_and_an_app_has_so_many(api, app):
    add(api, "ops")
    assert api("POST", PATH, {"name": "OPS", "url": URL})[1]["error"] == "already-exists"
    for number in range(1, MAX_SUBSCRIBERS):
        add(api, f"ops{number}")

    status, said = api("POST", PATH, {"name": "more", "url": URL})
    assert (status, said["hint"]) == (409, "Remove one: stratum notifications remove NAME.")


def test_a_rotation_tells_the_new_secret_and_until_when_the_old_one_signs(api, app):
    first = add(api)["secret"]

    status, said = api("POST", f"{PATH}/ops/rotate")

    assert status == 200
    assert said["secret"].startswith("whsec_") and said["secret"] != first
    assert said["previous_until"].endswith("+00:00")


def test_a_test_waits_to_be_sent_and_can_be_looked_at(api, app):
    add(api)
    status, made = api("POST", f"{PATH}/ops/test")

    assert (status, made["event"], made["status"], made["attempts"]) == (
        202,
        "notification.test",
        "waiting",
        0,
    )
    [listed] = api("GET", f"{PATH}/ops/messages?state=waiting")[1]
    assert listed == made
    assert api("GET", f"{PATH}/ops/messages?state=dead") == (200, [])
    found = api("GET", f"{PATH}/ops/messages/{made['id']}")[1]
    assert found["tries"] == []
    assert '"who": "admin"' in found["body"]
    assert api("GET", f"{PATH}/ops")[1]["waiting"] == 1


def test_what_is_switched_off_is_given_up_and_can_be_replayed_once_it_is_on_again(api, app):
    add(api)
    key = api("POST", f"{PATH}/ops/test")[1]["id"]

    assert api("PATCH", f"{PATH}/ops", {"enabled": False}) == (200, {"changed": True})
    assert api("PATCH", f"{PATH}/ops", {"enabled": False}) == (200, {"changed": False})
    assert api("GET", f"{PATH}/ops")[1]["dead"] == 1
    for asked in ("test", "replay", f"messages/{key}/replay"):
        assert api("POST", f"{PATH}/ops/{asked}")[0] == 409
    assert api("PATCH", f"{PATH}/ops", {"enabled": True}) == (200, {"changed": True})
    assert api("POST", f"{PATH}/ops/replay") == (202, {"replayed": 1})
    assert api("GET", f"{PATH}/ops/messages/{key}")[1]["status"] == "waiting"
    assert api("POST", f"{PATH}/ops/messages/{key}/replay") == (202, {"replayed": 1})


def test_messages_are_their_subscribers_alone(api, app):
    add(api, "ops")
    add(api, "other")
    key = api("POST", f"{PATH}/ops/test")[1]["id"]

    assert api("GET", f"{PATH}/other/messages/{key}")[0] == 404
    assert api("POST", f"{PATH}/other/messages/{key}/replay")[0] == 404


def test_readers_may_look_and_only_those_who_deploy_may_change(api, side, app):
    add(api)
    reader = side.token("reader", Grant(app.environment.id, app.id, Right.READ))
    deployer = side.token("deployer", Grant(app.environment.id, app.id, Right.DEPLOY))
    stranger = side.token("stranger", Grant(side.app("else", "Other").environment.id, None, Right.ADMIN))

    assert api("GET", PATH, token=reader)[0] == 200
    assert api("GET", PATH, token=stranger)[0] == 404
    assert api("POST", f"{PATH}/ops/test", token=reader)[0] == 403
    assert api("POST", f"{PATH}/ops/rotate", token=reader)[0] == 403
    assert api("DELETE", f"{PATH}/ops", token=reader)[0] == 403
    assert api("POST", f"{PATH}/ops/test", token=deployer)[0] == 202


def test_a_destroyed_app_leaves_no_subscriber(api, side, app):
    add(api)
    with side.db.write() as tx:
        environments.remove_app(tx, app.id)
        assert subscribers.subscribers_of(tx, [app.id]) == []
