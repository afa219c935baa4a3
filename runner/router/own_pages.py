"""The pages of their own that apps show while they are down for maintenance, as this process has read them.

git reads them, which takes its time and may fail: so it is asked where nobody waits for the router
(`Router.ensure`), and never while the router's lock is held. Who has not read a page leaves the one
that stands in the app's file.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from runner.router.route import own_page_in
from stratum.errors import StratumError
from stratum.maintenance import own_page

log = logging.getLogger(__name__)

AGAIN_S = 30.0  # after a failure


class OwnPages:
    """What has been read, by app."""

    def __init__(self, repo: Callable[[int], Path]) -> None:
        """Take where the repository of an app is, by its id."""
        self._repo = repo
        self._pages: dict[int, tuple[str, str]] = {}  # commit and HTML
        self._failed: dict[int, tuple[str, float]] = {}  # commit, and when

    def read(self, down: Mapping[int, str]) -> None:
        """Read what is not known yet; what cannot be read is tried again later, and the former stays.

        Args:
            down: app id → commit that runs, of those that are down for maintenance.
        """
        for known in (self._pages, self._failed):
            for gone in set(known) - down.keys():
                known.pop(gone, None)  # two threads may be here
        for app_id, commit in down.items():
            if self._pages.get(app_id, ("",))[0] != commit and not self._has_failed(app_id, commit):
                self._read_one(app_id, commit)

    def of(self, app_id: int, file: Path) -> str:
        """Return the HTML of an app that is down; empty for none.

        Args:
            file: what the router knows of the app.
        """
        read = self._pages.get(app_id)
        if read is not None:
            return read[1]
        try:
            return own_page_in(file.read_bytes().decode())
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def _has_failed(self, app_id: int, commit: str) -> bool:
        failed, at = self._failed.get(app_id, ("", 0.0))
        return failed == commit and time.monotonic() - at < AGAIN_S

    def _read_one(self, app_id: int, commit: str) -> None:
        try:
            self._pages[app_id] = commit, own_page(self._repo(app_id), commit).html
        except StratumError as error:
            log.warning("the maintenance page of app %d: %s", app_id, error)
            self._failed[app_id] = commit, time.monotonic()
        else:
            self._failed.pop(app_id, None)
