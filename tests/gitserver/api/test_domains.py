"""Domains of apps: whose they are, and who may add them."""

from dataclasses import replace

import pytest

from stratum.domains import MAX_DOMAINS
from stratum.model import Grant, Right
from stratum.store import domains
from tests.webside import WebSide

DOMAINS = "/apps/MyProdEnv/app02/domains"


@pytest.fixture
def app(side):
    return side.app()


def listed(api):
    return [row["name"] for row in api("GET", DOMAINS)[1]]


def test_what_is_added_is_listed_as_the_router_knows_it_until_it_is_removed(api, app):
    status, made = api("POST", DOMAINS, {"name": "Bücher.example."})

    assert (status, made["name"], made["changed"]) == (201, "xn--bcher-kva.example", True)
    assert made["message"].startswith("xn--bcher-kva.example leads to MyProdEnv/app02 within seconds")
    assert api("POST", DOMAINS, {"name": "bücher.example"})[1]["changed"] is False
    assert listed(api) == ["xn--bcher-kva.example"]
    assert api("DELETE", f"{DOMAINS}/BÜCHER.example")[0] == 200
    assert api("DELETE", f"{DOMAINS}/BÜCHER.example")[0] == 404
    assert listed(api) == []


def test_a_domain_is_one_apps(api, side, app):
    side.app("other")
    api("POST", DOMAINS, {"name": "shop.example.com"})

    status, said = api("POST", "/apps/MyProdEnv/other/domains", {"name": "SHOP.example.com"})

    assert (status, said["error"]) == (409, "already-exists")
    assert api("DELETE", "/apps/MyProdEnv/other/domains/shop.example.com")[0] == 404
    assert listed(api) == ["shop.example.com"]


@pytest.mark.parametrize("name", ["*.example.com", "app02.myprodenv.localhost", "192.0.2.1", "plain"])
def test_what_no_app_may_have_is_refused_and_changes_nothing(api, app, name):
    status, said = api("POST", DOMAINS, {"name": name})

    assert (status, said["error"]) == (422, "invalid-domain")
    assert listed(api) == []


def test_the_name_that_stratum_is_asked_at_is_refused_even_to_administrators(api, app):
    base = "http://stratum.example.com:8080"

    assert api("POST", DOMAINS, {"name": "Stratum.example.com"}, base_url=base)[0] == 422
    assert api("POST", DOMAINS, {"name": "shop.example.com"}, base_url=base)[0] == 201


def test_only_administrators_add_them_until_stratums_own_names_are_set(api, side, app):
    may = side.token("ci", Grant(app.environment.id, app.id, Right.DEPLOY))

    status, said = api("POST", DOMAINS, {"name": "shop.example.com"}, token=may)
    assert (status, "STRATUM_CONTROL_HOSTS" in said["message"]) == (403, True)

    settings = replace(side.instance.settings, control_hosts="stratum.example.com")
    with WebSide(replace(side.instance, settings=settings), side.db, side.admin).client() as client:
        answers = [
            client.post(
                f"/api{DOMAINS}", json={"name": name}, headers={"Authorization": f"Bearer {may}"}
            ).status_code
            for name in ("stratum.example.com", "shop.example.com")
        ]
    assert answers == [422, 201]
    assert api("DELETE", f"{DOMAINS}/shop.example.com", token=may)[0] == 200


def test_an_app_has_so_many_and_no_more(api, side, app):
    with side.db.write() as tx:
        for number in range(MAX_DOMAINS):
            domains.add_domain(tx, app.id, f"shop{number}.example.com")

    assert api("POST", DOMAINS, {"name": "one.more.example.com"})[0] == 409


def test_domains_go_with_their_app(api, side, app):
    api("POST", DOMAINS, {"name": "shop.example.com"})
    api("DELETE", "/apps/MyProdEnv/app02", {"confirm": "app02"})
    side.settle(app)
    side.app("next")

    assert api("POST", "/apps/MyProdEnv/next/domains", {"name": "shop.example.com"})[0] == 201
