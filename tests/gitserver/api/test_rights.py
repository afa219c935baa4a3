"""Who may do what: every address about an app, with every right, there or not."""

import pytest
from flask import Flask

from gitserver.api import BLUEPRINTS
from stratum.model import Grant, Right

APP = "/api/apps/<environment>/<app>"
# A new address has to be put into one of these; those with GET take the right to read.
DEPLOYING = {
    ("PUT", f"{APP}/formation"),
    ("PUT", f"{APP}/maintenance"),
    ("POST", f"{APP}/domains"),
    ("DELETE", f"{APP}/domains/<name>"),
    ("POST", f"{APP}/workers/<target>"),
    ("POST", f"{APP}/pause"),
    ("POST", f"{APP}/resume"),
    ("PATCH", f"{APP}/targets/<target>"),
    ("PATCH", f"{APP}/vars"),
    ("POST", f"{APP}/rollback"),
    ("PATCH", f"{APP}/releases/<number>"),
    ("POST", f"{APP}/releases/<number>/verify"),
    ("POST", f"{APP}/redeploy"),
    ("POST", f"{APP}/builds/<number>/cancel"),
    ("POST", f"{APP}/builds/<number>/retry"),
    ("POST", f"{APP}/builds/purge"),
    ("POST", f"{APP}/buildpacks/update"),
    ("POST", f"{APP}/storage"),
    ("PATCH", f"{APP}/storage/<name>"),
    ("POST", f"{APP}/notifications"),
    ("PATCH", f"{APP}/notifications/<name>"),
    ("DELETE", f"{APP}/notifications/<name>"),
    *(("POST", f"{APP}/notifications/<name>/{verb}") for verb in ("rotate", "test", "replay")),
    ("POST", f"{APP}/notifications/<name>/messages/<key>/replay"),
    ("POST", f"{APP}/webhooks/deliveries/<number>/replay"),
    ("DELETE", f"{APP}/review-apps/<number>"),
    ("POST", f"{APP}/review-apps/<number>/approve"),
}
ADMINISTERING = {
    ("PATCH", APP),
    ("DELETE", APP),
    ("DELETE", f"{APP}/storage/<name>"),
    ("PATCH", f"{APP}/review-apps"),
    ("POST", f"{APP}/webhooks"),
    ("PATCH", f"{APP}/webhooks/<public_id>"),
    ("DELETE", f"{APP}/webhooks/<public_id>"),
    ("POST", f"{APP}/webhooks/<public_id>/rotate"),
    ("POST", f"{APP}/webhooks/<public_id>/statuses/retry"),
    ("POST", f"{APP}/webhooks/<public_id>/deploy-key"),
    ("DELETE", f"{APP}/webhooks/<public_id>/deploy-key/previous"),
}


def operations():
    app = Flask("gitserver", static_folder=None)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return sorted(
        (method, rule.rule.replace("<number:number>", "<number>"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
        if rule.rule.startswith(APP)
    )


def needed(operation):
    if operation[0] in ("GET", "HEAD"):
        return Right.READ
    return Right.ADMIN if operation in ADMINISTERING else Right.DEPLOY


def ask(client, operation, app, token):
    method, rule = operation
    for name, value in {
        "environment": "MyProdEnv",
        "app": app,
        "number": "1",
        "target": "web",
        "name": "data",
        "key": "msg_1",
    }.items():
        rule = rule.replace(f"<{name}>", value)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = client.open(rule, method=method, json={}, headers=headers)
    said = answer.get_json() if method != "HEAD" and answer.is_json else None
    return answer.status_code, said["message"] if isinstance(said, dict) and "message" in said else ""


def test_every_address_has_its_right():
    assert {one for one in operations() if needed(one) is not Right.READ} == DEPLOYING | ADMINISTERING


@pytest.mark.parametrize("where", ["app", "environment"])
def test_each_right_opens_what_it_includes_and_no_more(client, side, where):
    """401 without a token; 404 without any right, as for what does not exist; 403 with too little of it."""
    app = side.app()
    side.app("other")
    app_id = app.id if where == "app" else None
    held = {right: side.token(f"may-{right}", Grant(app.environment.id, app_id, right)) for right in Right}
    stranger = side.token("stranger", Grant(side.app("its", "Away").environment.id, None, Right.ADMIN))
    for operation in operations():
        for name in ("app02", "nope"):
            missing = f"There is no app 'MyProdEnv/{name}' here that you may use."
            assert ask(client, operation, name, None)[0] == 401, operation
            assert ask(client, operation, name, stranger) in ((404, missing), (404, "")), operation
        for right, token in held.items():
            assert ask(client, operation, "nope", token)[0] == 404, operation
            status, said = ask(client, operation, "app02", token)
            assert (status == 403) == (not right.includes(needed(operation))), (operation, right, said)
            assert status != 404 or not said.startswith("There is no app "), (operation, right, said)
            if where == "app":
                assert ask(client, operation, "other", token)[0] == 404, operation


@pytest.mark.parametrize("right", Right)
def test_values_of_variables_are_for_those_who_deploy(api, side, right):
    app = side.app()
    assert api("PATCH", "/apps/MyProdEnv/app02/vars", json={"set": {"A": "secret"}})[0] == 200
    token = side.token("t", Grant(app.environment.id, app.id, right))

    shown = api("GET", "/apps/MyProdEnv/app02/vars", token=token)[1]

    assert shown == [{"name": "A", "value": "secret" if right.includes(Right.DEPLOY) else None}]


@pytest.mark.parametrize("right", Right)
def test_apps_are_created_by_those_who_administer_the_environment(api, side, right):
    app = side.app()
    token = side.token("t", Grant(app.environment.id, None, right))

    status = api("POST", "/apps", json={"environment": "MyProdEnv", "name": "new"}, token=token)[0]
    absent = api("POST", "/apps", json={"environment": "Nope", "name": "new"}, token=token)[0]

    assert (status, absent) == (201 if right is Right.ADMIN else 403, 404)


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/environments", {"name": "New"}), ("DELETE", "/environments/MyProdEnv", None)],
)
def test_environments_are_for_administrators_of_the_server(api, side, right, method, path, body):
    app = side.app()
    token = side.token("t", Grant(app.environment.id, None, right))

    assert api(method, path, json=body, token=token)[0] == 403
    assert api("DELETE", "/environments/Nope", token=token)[0] == 404
