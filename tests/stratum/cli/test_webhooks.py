"""`stratum webhooks`."""

from dataclasses import replace

import pytest

from stratum.model import DeliveryState, NewDelivery, PullRequest
from stratum.store import deliveries, reviews, statuses, webhooks
from stratum.store.clock import now
from stratum.verbs.reviews import policy_of
from stratum.verbs.webhooks import begin

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


def test_a_deploy_key_is_made_for_an_address_of_ssh_and_shown_as_one_line(terminal, side):
    side.app()
    said = terminal(*WHERE, "create", "github", "git@github.com:octo/app.git")
    address, secret, key = said.out.splitlines()
    ident = address.rpartition("/")[2]

    assert said.code == 0, said.err
    assert secret.startswith("whsec_")
    assert key.startswith("ssh-ed25519 AAAA")
    assert key.endswith(" stratum:MyProdEnv/app02")
    assert "host key SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" in said.err
    assert terminal(*WHERE, "deploy-key", ident).out == f"{key}\n"
    assert key in terminal(*WHERE, "show", ident).out
    another = terminal(*WHERE, "deploy-key", ident, "--another").out.strip()
    rows = terminal(*WHERE, "deploy-key", ident, "--json").rows
    assert [row["key"] for row in rows] == [another, key]
    assert terminal(*WHERE, "deploy-key", ident, "--another").code == 1
    assert terminal(*WHERE, "deploy-key", ident, "--another", "--forget-previous").code == 2
    assert terminal(*WHERE, "deploy-key", ident, "--forget-previous").out.strip() == another
    assert key not in terminal(*WHERE, "show", ident).out


def test_a_host_key_is_given_instead_of_learnt_and_changed(terminal, side):
    """Nobody is asked: no server has this name."""
    side.app()
    first = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf"
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO"
    said = terminal(*WHERE, "create", "gitea", "git@git.invalid:a.git", "--host-key", f"git.invalid {first}")
    ident = said.out.splitlines()[0].rpartition("/")[2]

    assert said.code == 0, said.err
    assert f": {first}" in terminal(*WHERE, "show", ident).out
    assert terminal(*WHERE, "set", ident, "--host-key", line).code == 0
    shown = terminal(*WHERE, "show", ident, "--json").rows[0]
    assert [key["key"] for key in shown["host_keys"]] == [line]
    https = terminal(*WHERE, "create", "github", CLONE_URL).out.splitlines()[0].rpartition("/")[2]
    refused = terminal(*WHERE, "set", https, "--host-key", line)
    assert (refused.code, refused.err.splitlines()[0]) == (
        1,
        f"{https} needs no host key: its source is fetched by https.",
    )
    assert terminal(*WHERE, "deploy-key", https, "--another").code == 1
    assert "has none" in terminal(*WHERE, "deploy-key", https).err


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
    ("content", "said"),
    [
        (b"\xff\xfe", "what is there is no text."),
        (b" \n", "there is no token, nothing but blanks."),
        (b"", "there is no token, nothing but blanks."),
    ],
)
def test_a_file_without_a_token_makes_no_web_hook_that_has_none(terminal, side, tmp_path, content, said):
    side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    file = tmp_path / "token"
    file.write_bytes(content)
    refused = terminal(*WHERE, "create", "gitlab", CLONE_URL, "--token-file", str(file))
    unchanged = terminal(*WHERE, "set", ident, "--status-token-file", str(file))

    assert (refused.code, unchanged.code) == (2, 2)
    assert f"Invalid value for '--token-file': {said}" in refused.err
    assert f"Invalid value for '--status-token-file': {said}" in unchanged.err
    assert len(terminal(*WHERE, "--json").rows) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("github", "http://git.example.com/a.git"), "what comes by http could be anybody's"),
        (("github", "https://me:pw@git.example.com/a.git"), "it holds a user or a password"),
        (("github", "file:///etc/passwd"), "it is of none of the forms https://HOST/PATH"),
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


def test_what_a_pull_request_leads_to_is_named_with_the_app_that_it_is_of(terminal, side):
    app = side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    at = "refs/pull/7/head"
    pull = PullRequest(7, True, at, "topic", "c" * 40, "octo/app", "octo/app", is_fork=False)
    with side.db.write() as tx:
        reviews.set_policy(tx, replace(policy_of(tx, app), enabled=True))
        hook = webhooks.find_webhook(tx, ident)
        assert hook is not None
        outcome = begin(tx, app, hook, pull)
        what = ("topic", pull.commit, b"", outcome.build, pull, outcome.build_app_id)
        new = NewDelivery("", "pull_request", {}, 2, DeliveryState.QUEUED, "", *what)
        number = deliveries.record(tx, app.id, hook.id, new)
        deliveries.end(tx, number, DeliveryState.FAILED, "no Procfile")

    listed = terminal(*WHERE, "deliveries").out.splitlines()[1].split()
    assert listed[4:7] == ["topic", "failed", "app02-pr-7#1"]
    again = terminal(*WHERE, "replay", str(number)).err
    follow = "stratum -E MyProdEnv -A app02-pr-7 builds follow 2"
    assert again == f"Delivery {number + 1} is queued, for build 2: {follow}\n"
    with side.db.write() as tx:
        reviews.set_policy(tx, replace(policy_of(tx, app), enabled=False))
    again = terminal(*WHERE, "replay", str(number)).err
    where = f"stratum webhooks deliveries {number + 2}"
    assert again == f"Delivery {number + 2} is ignored (review apps are not enabled): {where}\n"


def test_statuses_are_switched_on_with_a_token_that_nobody_sees_and_listed(terminal, side):
    app = side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    row = terminal(*WHERE, "show", ident, "--json").rows[0]
    assert (row["statuses"], row["status_token"], row["api_url"]) == (False, False, "")

    assert terminal(*WHERE, "set", ident, "--status-token-file", "-", stdin="s3cret\n").code == 0

    shown = terminal(*WHERE, "show", ident, "--json")
    assert (shown.rows[0]["statuses"], shown.rows[0]["status_token"]) == (True, True)
    assert "s3cret" not in shown.out
    assert b"s3cret" not in side.instance.layout.database.read_bytes()
    with side.db.write() as tx:
        [hook] = webhooks.list_webhooks(tx, app.id)
        new = NewDelivery("", "push", {}, 2, DeliveryState.QUEUED, "", "main", "c" * 40)
        deliveries.end(tx, deliveries.record(tx, app.id, hook.id, new), DeliveryState.FAILED, "no Procfile")
        [due] = statuses.list_statuses(tx, hook.id, 1)
        taken = statuses.begin(tx, due, now())
        assert taken is not None
        statuses.record_failure(tx, taken, 401, "answered 401", None)
    listed = terminal(*WHERE, "statuses", ident).out.splitlines()
    assert listed[1].split()[:3] == ["status", "ccccccc", "main"]
    assert listed[1].endswith("answered 401")
    assert terminal(*WHERE, "statuses", ident, "--retry").err == "1 are told once more.\n"
    assert terminal(*WHERE, "statuses", ident, "--json").rows[0]["next_at"] is not None
    assert terminal(*WHERE, "set", ident, "--no-statuses").code == 0


@pytest.mark.parametrize(
    ("provider", "arguments", "said"),
    [
        ("gitlab", ("--deployments",), "gitlab has no deployments: GitHub has."),
        ("github", ("--deployments",), "has no token with which its git server could be told"),
        ("gitea", ("--wait-for-ci",), "has no token with which its git server could be told"),
        ("generic", ("--wait-for-ci",), "Stratum knows no API of a generic web hook's sender."),
        ("gitlab", ("--ci-limit-s", "5"), "ci_limit_s: Input should be greater than or equal to 60"),
        ("github", ("--statuses",), "has no token with which its git server could be told"),
        ("generic", ("--status-token-file", "-"), "Stratum knows no API of a generic web hook's sender."),
        ("github", ("--api-url", "http://git.example.com/api"), "cannot be the address of an API"),
        ("github", ("--api-url", "ssh://git@git.example.com/api"), "cannot be the address of an API"),
        ("github", ("--api-url", "file:///etc"), "cannot be the address of an API"),
        ("github", ("--api-url", "git@git.example.com:api"), "cannot be the address of an API"),
    ],
)
def test_what_no_git_server_could_be_told_is_refused_with_the_reason(
    terminal, side, provider, arguments, said
):
    side.app()
    made = terminal(*WHERE, "create", provider, CLONE_URL)
    ident = made.out.split()[0].rpartition("/")[2]

    refused = terminal(*WHERE, "set", ident, *arguments, stdin="s3cret")

    assert refused.code == 1
    assert said in refused.err


def test_a_web_hook_waits_for_checks_for_as_long_as_is_wished(terminal, side):
    side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    wished = ("--wait-for-ci", "--ci-limit-s", "600", "--no-statuses", "--status-token-file", "-")
    assert terminal(*WHERE, "set", ident, *wished, stdin="s3cret").code == 0

    row = terminal(*WHERE, "show", ident, "--json").rows[0]
    assert (row["wait_for_ci"], row["ci_limit_s"], row["statuses"]) == (True, 600, False)
    assert terminal(*WHERE, "set", ident, "--no-wait-for-ci").code == 0
    assert terminal(*WHERE, "show", ident, "--json").rows[0]["wait_for_ci"] is False


def test_a_token_for_statuses_is_sent_to_no_server_that_it_was_not_given_for(terminal, side):
    side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    terminal(*WHERE, "set", ident, "--status-token-file", "-", stdin="s3cret")

    for arguments in (
        ("--api-url", "https://evil.example/api"),
        ("--clone-url", "https://evil.example/a/b.git"),
    ):
        refused = terminal(*WHERE, "set", ident, *arguments)
        assert (refused.code, "which would be given it" in refused.err) == (1, True)
    assert terminal(*WHERE, "set", ident, "--api-url", "https://git.example.com/other/api/v3").code == 0
    there = ("--api-url", "https://api.example.com", "--status-token-file", "-")
    assert terminal(*WHERE, "set", ident, *there, stdin="an0ther").code == 0


def test_no_token_goes_to_another_server_where_only_checks_are_waited_for(terminal, side):
    side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    wished = ("--wait-for-ci", "--no-statuses", "--status-token-file", "-")
    terminal(*WHERE, "set", ident, *wished, stdin="s3cret")

    refused = terminal(*WHERE, "set", ident, "--clone-url", "https://evil.example/a/b.git")

    assert (refused.code, "which would be given it" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "elsewhere",
    [("--api-url", "https://evil.example/api"), ("--clone-url", "https://evil.example/a/b.git")],
)
def test_a_token_that_nobody_uses_is_forgotten_when_it_would_be_another_servers(terminal, side, elsewhere):
    side.app()
    ident = created(terminal)[0].rpartition("/")[2]
    terminal(*WHERE, "set", ident, "--status-token-file", "-", stdin="s3cret")
    terminal(*WHERE, "set", ident, "--no-statuses")
    assert terminal(*WHERE, "show", ident, "--json").rows[0]["status_token"] is True

    assert terminal(*WHERE, "set", ident, *elsewhere).code == 0

    assert terminal(*WHERE, "show", ident, "--json").rows[0]["status_token"] is False
    refused = terminal(*WHERE, "set", ident, "--statuses")
    assert (refused.code, "has no token" in refused.err) == (1, True)


def test_the_token_to_fetch_with_tells_statuses_only_where_it_fetches(terminal, side):
    side.app()
    made = terminal(*WHERE, "create", "gitea", CLONE_URL, "--token-file", "-", stdin="s3cret")
    ident = made.out.split()[0].rpartition("/")[2]

    assert terminal(*WHERE, "set", ident, "--statuses").code == 0
    refused = terminal(*WHERE, "set", ident, "--api-url", "https://evil.example/api/v1")
    assert (refused.code, "would be given it" in refused.err) == (1, True)
