"""What stands in an app's file, for any number of processes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.router.pages import Page
from runner.router.route import LEAST_PORTS, Route, all_places, own_page_in, places

HOST = "a.env.localhost"
PORTS = st.lists(st.integers(1, 65535), unique=True, max_size=300).map(tuple)


def lines(route: Route) -> list[str]:
    return route.text.split("\n")


def test_the_file_of_an_app_with_two_processes() -> None:
    assert lines(Route(HOST, (20001, 20002))) == ["", "", "2", "20001 20002 " * 4, "."]


def test_where_nothing_can_answer_a_page_does_and_ports_lead_nowhere() -> None:
    assert lines(Route(HOST, ())) == ["no-process", "", "0", "0 " * LEAST_PORTS, "."]
    assert lines(Route(HOST, (), page=Page.PAUSED))[0] == "paused"


def test_a_site_is_the_rest_of_the_file_whatever_lines_it_has() -> None:
    assert lines(Route(HOST, (), site="/folder\nhttps\n."))[2:] == [
        "site",
        "0 " * LEAST_PORTS,
        "/folder",
        "https",
        ".",
    ]


def test_an_app_that_has_crashed_is_asked_once_at_each_of_its_ports() -> None:
    assert lines(Route(HOST, (20001,), crashed=True))[1:4] == ["", "crashed", "20001 " * LEAST_PORTS]
    assert lines(Route(HOST, (), crashed=True))[0] == "no-process"
    assert lines(Route(HOST, (), site="/folder", crashed=True))[2] == "site"


def test_whether_visitors_are_sent_on_to_https_is_a_word_as_well() -> None:
    assert lines(Route(HOST, (20001,), to_https=True))[:3] == ["", "https", "1"]


def test_a_page_of_its_own_stands_in_the_file_only_while_it_is_shown() -> None:
    app = Route(HOST, (20001,), own_page="<p>\n{back} soon</p>\n")
    site = Route(HOST, (), site="/folder", own_page="<p>", page=Page.MAINTENANCE)

    assert lines(app)[4:] == ["."]
    assert lines(replace(app, page=Page.PAUSED))[4:] == ["."]
    assert lines(replace(app, page=Page.MAINTENANCE))[:3] == ["own", "", "1"]
    assert lines(replace(app, page=Page.MAINTENANCE))[4:] == ["<p>", "{back} soon</p>", ""]
    assert lines(site)[4:] == ["<p>"]


@given(st.text(min_size=1), PORTS)
def test_a_page_of_its_own_is_found_in_the_file_as_it_is(html: str, ports: tuple[int, ...]) -> None:
    app = Route(HOST, ports, own_page=html, page=Page.MAINTENANCE)

    assert own_page_in(app.text) == html
    assert own_page_in(replace(app, page=Page.NONE).text) == ""


@given(st.text())
def test_any_file_is_looked_through_for_a_page(text: str) -> None:
    assert isinstance(own_page_in(text), str)


@given(PORTS)
def test_every_process_has_a_place_and_none_has_three(ports: tuple[int, ...]) -> None:
    route = Route(HOST, ports)
    how, given_ports = int(lines(route)[2]), lines(route)[3]
    found = re.fullmatch(r"(\d+ )+", given_ports)
    named = given_ports.split()[:how]

    assert found
    assert len(given_ports.split()) >= LEAST_PORTS
    assert set(named) == {str(port) for port in ports}
    assert max(map(named.count, named), default=0) <= 2
    assert how < 1.5 * len(ports) + 1


@given(st.integers(1, 5000))
def test_any_number_of_processes_has_a_route(number: int) -> None:
    assert number <= places(number) in all_places(5000)


@pytest.mark.parametrize(("processes", "given_places"), [(1, 1), (8, 8), (9, 12), (13, 16), (65, 96)])
def test_up_to_eight_each_number_has_places_of_its_own(processes: int, given_places: int) -> None:
    assert places(processes) == given_places


def test_places_for_a_hundred_processes_are_few() -> None:
    assert all_places(100) == [*range(1, 9), 12, 16, 24, 32, 48, 64, 96, 128]
    assert all_places(0) == [*range(1, 9)]
