"""A site for the router: what its file says, and what of the configuration depends on it."""

import json
import re

from runner.router import site
from runner.router.route import Route
from stratum.site.rules import MAX_REDIRECTS, PLAIN, Fallback, Header, Redirect, Rules

RULES = Rules(
    clean_urls=True,
    https_only=True,
    error_page="errors/lost.html",
    redirects=(Redirect("/Old/**", "/new", 302),),
    headers=(Header("/*", "X-A", "1, 2"),),
    routes=(Fallback("/**", "index.html"),),
)


def test_the_file_of_a_site_says_all_in_thirteen_lines() -> None:
    lines = site.text("/data/sites/1/v2", RULES).split("\n")

    assert lines[:4] == ["/data/sites/1/v2", "https", "clean", "/errors/lost.html"]
    assert [line.rstrip("\t").split("\t") for line in lines[4:12]] == [
        ["/old/*", "302", "/new"],
        *[[""]] * 4,
        ["/**", "X-A", "1, 2"],
        [""],
        ["/*", "/index.html"],
    ]
    assert lines[4].count("\t") == 3 * 10
    assert lines[12:] == ["."]


def test_a_plain_site_has_nothing_to_go_through() -> None:
    assert site.text("/s", PLAIN).split("\n") == ["/s", "", "", "/404.html", *[""] * 8, "."]


def test_ten_are_on_a_line() -> None:
    many = Rules(redirects=tuple(Redirect(f"/{n}", "/new", 301) for n in range(MAX_REDIRECTS)))

    lines = site.text("/s", many).split("\n")[4:9]

    assert [[line.split("\t")[0], line.count("\t")] for line in lines] == [
        [f"/{n}0".replace("/00", "/0"), 30] for n in range(5)
    ]


def test_the_one_route_reads_any_site() -> None:
    pattern = re.search(r'"site", "pattern": "([^"]*)"', json.dumps(site.handler("{its text}")))
    assert pattern is not None
    read = re.compile(json.loads(f'"{pattern[1]}"'))

    assert all(read.search(site.text("/s", rules)) for rules in (PLAIN, RULES))


def test_an_app_whose_site_and_processes_are_gone_says_so() -> None:
    served, gone = Route("a.env.localhost", (), site.text("/s", PLAIN)), Route("a.env.localhost", ())

    assert served.text.split("\n")[:3] == ["", "", "site"]
    assert gone.text.split("\n")[:3] == ["no-process", "", "0"]
