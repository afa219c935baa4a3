"""`stratum webhooks`."""

import pytest

from stratum.model import DeliveryState, NewDelivery
from stratum.store import deliveries, webhooks

WHERE = ("-E", "MyProdEnv", "-A", "app02", "webhooks")
CLONE_URL = "https://git.example.com/octo/app.git"


def created(terminal, *more):
    said = terminal(*WHERE, "create", "github", CLONE_URL, *more)
    assert said.code == 0, said.err
    address, secret = said.out.split()
    return address, secret


def test_a_web_hook_is_created_shown_changed_and_destroyed(terminal, side):
    side.app()
    address, secret = created(terminal, "--branch", "release/*", "--branch", "!release/0")
    ident = address.rpartition("/")[2]

    assert address == f"{terminal.url}/hooks/github/{ident}"
    assert secret.startswith("whsec_")
    row = terminal(*WHERE, "show", ident, "--json").rows[0]
    assert (row["branches"], row["paths"], row["enabled"]) == (["release/*", "!release/0"], [], True)
    assert f"address: {address}" in terminal(*WHERE, "show", ident).out
    assert secret not in terminal(*WHERE, "list", "--json").out
    assert terminal(*WHERE, "set", ident, "--disable", "--any-branch", "--path", "src/").code == 0
    row = terminal(*WHERE, "list", "--json").rows[0]
    assert (row["branches"], row["paths"], row["enabled"]) == (["**"], ["src/"], False)
    assert terminal(*WHERE, "set", ident, "--disable").err == f"{ident} is so already; nothing changed.\n"
    assert terminal(*WHERE, "destroy", ident).code == 0
    gone = terminal(*WHERE, "show", ident)
    assert (gone.code, gone.err.splitlines()[-1]) == (1, "These it has: stratum webhooks")


def test_a_rotation_shows_another_secret(terminal, side):
    side.app()
    address, secret = created(terminal)
    said = terminal(*WHERE, "rotate", address.rpartition("/")[2])

    assert said.out.startswith("whsec_")
    assert said.out.strip() != secret


def test_a_token_is_read_from_a_file_and_kept_where_nobody_sees_it(terminal, side):
    side.app()
    terminal(*WHERE, "create", "gitlab", CLONE_URL, "--token-file", "-", "--user", "me", stdin="s3cret\n")

    shown = terminal(*WHERE, "--json")
    assert shown.rows[0]["credential"] == "token"
    assert "s3cret" not in shown.out
    assert b"s3cret" not in side.instance.layout.database.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("github", "http://git.example.com/a.git"), "what comes by http could be anybody's"),
        (("github", "https://me:pw@git.example.com/a.git"), "it holds a user or a password"),
        (("github", "file:///etc/passwd"), "it is no URL that begins with https://"),
        (("github", CLONE_URL, "--branch", "a//b"), "'a//b' cannot be a pattern of branches."),
    ],
)
def test_what_cannot_be_a_web_hook_is_refused_with_the_reason(terminal, side, arguments, said):
    side.app()
    refused = terminal(*WHERE, "create", *arguments)

    assert refused.code == 1
    assert said in refused.err
    assert "pw" not in refused.err


def test_deliveries_are_listed_shown_and_replayed(terminal, side):
    app = side.app()
    created(terminal)
    with side.db.write() as tx:
        (made,) = webhooks.list_webhooks(tx, app.id)
        new = NewDelivery("d-1", "push", {"x-a": "b"}, 2, DeliveryState.PUSHED, "", "main", "c" * 40, b"{}")
        number = deliveries.record(tx, app.id, made.id, new)

    listed = terminal(*WHERE, "deliveries").out.splitlines()
    assert listed[1].split()[2:6] == [made.public_id, "push", "main", "pushed"]
    shown = terminal(*WHERE, "deliveries", str(number), "--json").rows[0]
    assert (shown["headers"], shown["body"], shown["commit"]) == ({"x-a": "b"}, "{}", "c" * 40)
    assert '"x-a": "b"' in terminal(*WHERE, "deliveries", str(number)).out
    assert terminal(*WHERE, "replay", str(number)).err.startswith(f"Delivery {number + 1} is queued")
    again = terminal(*WHERE, "replay", str(number + 1))
    assert (again.code, again.err.splitlines()[0]) == (1, f"Delivery {number + 1} is still being done.")
    assert terminal(*WHERE, "replay", "99").code == 1
