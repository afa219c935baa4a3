"""What is said in an app's place: which page, and that none can be anything but what stands here."""

import json

import pytest

from runner.router import pages
from runner.router.pages import PAGES, Page, Said, why
from stratum.store.quiet import Quiet

NOTHING = Quiet(released=False, deploying=False, has_web=False, paused=False)


@pytest.mark.parametrize(
    ("quiet", "page"),
    [
        (None, Page.NONE),
        (NOTHING, Page.EMPTY),
        (Quiet(released=False, deploying=True, has_web=False, paused=False), Page.FIRST),
        (Quiet(released=True, deploying=False, has_web=False, paused=True), Page.NO_TARGET),
        (Quiet(released=True, deploying=False, has_web=True, paused=True), Page.PAUSED),
        (Quiet(released=True, deploying=False, has_web=True, paused=False), Page.NO_PROCESS),
    ],
)
def test_each_state_has_its_page(quiet: Quiet | None, page: Page) -> None:
    assert why(quiet) is page


def test_every_page_has_a_status_and_a_sentence_of_its_own() -> None:
    assert set(PAGES) == set(Page) - {Page.NONE}
    assert len({said.text for said in PAGES.values()}) == len(PAGES)
    assert {said.status for said in PAGES.values()} == {"404", "503"}


def test_what_failed_is_told_apart_by_status_and_sentence() -> None:
    told = [pages.NO_ANSWER, pages.CRASHED, pages.TOO_SLOW, pages.TOO_LARGE]
    assert [said.status for said in told] == ["502", "503", "504", "413"]
    assert len({said.text for said in [*told, *PAGES.values()]}) == len(told) + len(PAGES)


@pytest.mark.parametrize(
    "said",
    [
        *PAGES.values(),
        *(pages.UNKNOWN_APP, pages.NO_ANSWER, pages.CRASHED, pages.TOO_SLOW, pages.TOO_LARGE),
    ],
)
def test_a_page_is_small_has_no_script_and_nothing_that_caddy_would_fill_in(said: Said) -> None:
    html, text = (route["handle"][0] for route in pages.answers(said))  # type: ignore[index]

    assert len(html["body"]) < 1000
    assert not {"{", "}"} & set(html["body"] + text["body"])
    assert "<script" not in html["body"]
    assert text["body"] == f"{said.text}\n"
    assert f"<h1>{said.text}</h1>" in html["body"]


def test_text_is_escaped_in_html() -> None:
    assert "<h1>&lt;b&gt;</h1>" in json.dumps(pages.answers(Said("503", "<b>", "")))
