from pathlib import Path
from unittest.mock import Mock

import pytest

from runner.router import own_pages
from runner.router.own_pages import OwnPages
from stratum.errors import Unavailable


def test_a_page_that_could_not_be_read_is_asked_for_at_once_when_its_app_is_down_again(
    monkeypatch: pytest.MonkeyPatch,
):
    """Nothing is kept of apps that are up: they may be gone."""
    asked = Mock(side_effect=Unavailable("git failed"))
    monkeypatch.setattr(own_pages, "own_page", asked)
    pages = OwnPages(lambda app_id: Path(f"/{app_id}"))

    pages.read({1: "c" * 40})
    pages.read({1: "c" * 40})
    assert asked.call_count == 1

    pages.read({})
    pages.read({1: "c" * 40})
    assert asked.call_count == 2
