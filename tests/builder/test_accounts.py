"""Whose code is built where apps share the server's account."""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from builder.accounts import check_accounts
from stratum.door.fencing import fences
from stratum.door.fencing.fences import Fences
from stratum.errors import BuildFailed
from stratum.fence import Fence
from stratum.layout import Layout
from stratum.model import Grant, Right
from stratum.settings import Settings
from stratum.store import Database, environments, tokens
from tests.databases import new_database

FENCED = Fences(frozenset({"files", "network", "processes"}), {}, as_user=True)


@pytest.fixture
def shop(tmp_path):
    layout = Layout(tmp_path, "0" * 12)
    layout.run.mkdir()
    layout.state.mkdir()
    new_database(layout.database)
    db = Database.open(layout.database)
    with db.write() as tx:
        tokens.add_token(tx, "admin", is_admin=True)
        tokens.add_token(tx, "second", is_admin=True)
        home = environments.add_environment(tx, "Home", "production", start_all=False)
        tokens.add_token(tx, "reader", is_admin=False, grants=(Grant(home.id, None, Right.READ),))
    made: Any = SimpleNamespace(
        instance=SimpleNamespace(layout=layout, fence=Fence(False, os.getuid()), settings=Settings()),
        db=db,
        home=home.id,
    )
    yield made
    db.close()


def let_push(shop):
    with shop.db.write() as tx:
        tokens.add_token(tx, "ci", is_admin=False, grants=(Grant(shop.home, None, Right.PUSH),))


def test_administrators_and_readers_are_no_reason_to_refuse(shop):
    check_accounts(shop)


def test_a_token_that_may_push_is_one_and_is_named(shop):
    let_push(shop)

    with pytest.raises(BuildFailed, match=r"builds are refused.* the token 'ci' may push"):
        check_accounts(shop)


def test_fences_of_builds_change_nothing_as_what_was_built_runs_without_them(shop):
    let_push(shop)
    fences.write(shop.instance.layout.fences, FENCED)

    with pytest.raises(BuildFailed, match="'ci' may push") as refused:
        check_accounts(shop)
    assert "STRATUM_TRUST_PUSHERS=true" in str(refused.value.hint)


def test_where_apps_have_accounts_of_their_own_all_may_push(shop):
    let_push(shop)
    shop.instance.fence = Fence(True, 1_000_000)

    check_accounts(shop)


def test_an_operator_may_trust_whoever_may_push(shop):
    let_push(shop)
    shop.instance.settings = Settings(trust_pushers=True)

    check_accounts(shop)
