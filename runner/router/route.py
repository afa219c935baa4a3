"""What the router knows of one app: its names, which Caddy loads, and its file, read at each request. Pure.

The lines of the file: the page in the app's place, or nothing; `https`, if who asks by HTTP is to be sent
on to it, or nothing; how it is answered else: by how many
processes, by such as crash again and again, or as a site; the ports of its processes; and the rest, which is
a site's, or a page of the app's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.router.pages import OWN, Page

SITE, CRASHED = "site", "crashed"
# So many ports stand in every file, so that a request that waits finds one at its place whatever has
# become of the app meanwhile. Nothing ever listens on the port that stands where there is no process.
LEAST_PORTS = 8
NOWHERE = 0


@dataclass(frozen=True, slots=True)
class Route:
    """One app: its host name and the ports of its web processes, maybe none.

    Attributes:
        site: what is said of the site that answers in their place (`runner.router.site`).
        page: what is answered in the app's place.
        own_page: HTML of its own for its maintenance.
        to_https: whether who asks by HTTP is sent on to HTTPS.
        crashed: all its processes are crash-looping; one may live for a moment all the same.
        domains: names of its own, in lower case.
    """

    host: str
    ports: tuple[int, ...]
    site: str = ""
    page: Page = Page.NONE
    domains: tuple[str, ...] = ()
    crashed: bool = False
    to_https: bool = False
    own_page: str = ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """All names that lead to it: what of it Caddy has to load."""
        return (self.host, *self.domains)

    @property
    def shown(self) -> Page:
        """What is answered in its place: always something where nothing of it could."""
        return self.page or (Page.NONE if self.ports or self.site else Page.NO_PROCESS)

    @property
    def text(self) -> str:
        """What its file says. Caddy drops a line end at its end, so a site's ends with a full stop."""
        https = "https" if self.to_https else ""
        has_own = self.own_page and self.shown is Page.MAINTENANCE
        word, rest = (OWN, self.own_page) if has_own else (self.shown.value, self.site or ".")
        return "\n".join((word, https, self._how, _ports(self.ports), rest))

    @property
    def _how(self) -> str:
        if self.site:
            return SITE
        return CRASHED if self.crashed and self.ports else str(places(len(self.ports)))


def own_page_in(text: str) -> str:
    """Take the app's own page from what its file says; empty where it shows none."""
    word, _, rest = text.partition("\n")
    return rest.split("\n", 3)[-1] if word == OWN else ""


def places(processes: int) -> int:
    """Among how many places requests for so many processes are spread; those left over are filled once more.

    Beyond eight there are two numbers of places for each power of two: with one for each number of processes
    a hundred would cost 0.14 s whenever Caddy loads. What has two places is twice as likely to be asked
    when all are idle, and no likelier when it is busier than others.
    """
    if processes <= LEAST_PORTS:
        return processes
    step = 1 << ((processes - 1).bit_length() - 2)
    return -(-processes // step) * step


def all_places(most: int) -> list[int]:
    """List all numbers of places that up to so many processes have."""
    return sorted({places(number) for number in range(1, max(most, LEAST_PORTS) + 1)})


def _ports(ports: Sequence[int]) -> str:
    filled = ports or (NOWHERE,)
    wanted = max(LEAST_PORTS, places(len(ports)))
    return "".join(f"{filled[number % len(filled)]} " for number in range(wanted))
