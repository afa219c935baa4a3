"""How a site is served, as values. Whoever makes them has checked each text (`stratum.site.checks`)."""

from dataclasses import dataclass

# The router's configuration has a place for each (runner.router.site), and goes through them at each request.
MAX_REDIRECTS = 50
MAX_HEADERS = 20
MAX_ROUTES = 10
MAX_CHARACTERS = 8192  # of all of them


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where requests for a path are sent; the pattern is as people write it, `/old/**`."""

    pattern: str
    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the answers to requests for a path."""

    pattern: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Fallback:
    """The file that answers for a path at which there is none; relative to the site's folder."""

    pattern: str
    file: str


@dataclass(frozen=True, slots=True)
class Rules:
    """How a site is served.

    Attributes:
        clean_urls: `/about` is answered with `about.html`.
        https_only: what a proxy in front says was asked in clear is redirected.
        error_page: the file that is shown with an error, relative to the site's folder.
    """

    clean_urls: bool = False
    https_only: bool = False
    error_page: str = "404.html"
    redirects: tuple[Redirect, ...] = ()
    headers: tuple[Header, ...] = ()
    routes: tuple[Fallback, ...] = ()

    @property
    def characters(self) -> int:
        """How many the redirects, headers and routes have together."""
        redirects = sum(len(one.pattern) + len(one.url) for one in self.redirects)
        headers = sum(len(one.pattern) + len(one.name) + len(one.value) for one in self.headers)
        return redirects + headers + sum(len(one.pattern) + len(one.file) for one in self.routes)


PLAIN = Rules()
