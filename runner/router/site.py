"""How Caddy serves a site: one route for all sites, and a file for each that says what differs.

The file is read at each request, as a whole, so that another release of a site is another file in its
place and no other configuration (docs/decisions.md). Its lines are: the folder; `https` or nothing;
`clean` or nothing; the error page; redirects, headers and routes, ten to a line, each line empty or with
as many fields, ended by tabs, as ten have; and a full stop, since Caddy drops line ends. All sites share
one Caddy, so what a request costs is bounded (`stratum.site.rules`), and lines without anything cost nothing.

Pure: values in, values out. Source: Caddy 2.11, https://caddyserver.com/docs/json/; a value that was
filled in is not looked through for others to fill in, and no text that is allowed has braces anyway.
"""

from collections.abc import Sequence

from runner.router.caddy import Json, group, is_one_of, reads, sentence, subroute
from stratum.site.checks import router_pattern
from stratum.site.rules import MAX_HEADERS, MAX_REDIRECTS, MAX_ROUTES, Rules

NAME = "site"  # of what its text says, once it was read
_EACH = 10  # redirects, headers or routes of a line
_ROOT, _HTTPS, _CLEAN, _ERROR_PAGE, _REDIRECTS = range(1, 6)
_HEADERS = _REDIRECTS + MAX_REDIRECTS // _EACH
_ROUTES = _HEADERS + MAX_HEADERS // _EACH
_LINES = _ROUTES + MAX_ROUTES // _EACH - 1
_LINE = r"([^\n]*)\n"
_FIELD = r"([^\t]*)\t"
_NO_PAGE = "There is nothing at this address.\n"
_NO_SITE = "This site cannot be served at the moment.\n"
_PATH = "{http.request.uri.path}"
_FOUND = "{http.matchers.file.relative}"
_FOLDER = "{http.vars.root}"
_LEAST_ENCODED_BYTES = 512


def text(folder: str, rules: Rules) -> str:
    """Say how one site is served.

    Args:
        folder: absolute path of its files.
    """
    redirects = [(router_pattern(one.pattern), str(one.status), one.url) for one in rules.redirects]
    headers = [(router_pattern(one.pattern), one.name, one.value) for one in rules.headers]
    routes = [(router_pattern(one.pattern), f"/{one.file}") for one in rules.routes]
    lines = (
        folder,
        "https" if rules.https_only else "",
        "clean" if rules.clean_urls else "",
        f"/{rules.error_page}",
        *_fields(redirects, 3, MAX_REDIRECTS),
        *_fields(headers, 3, MAX_HEADERS),
        *_fields(routes, 2, MAX_ROUTES),
        ".",
    )
    return "\n".join(lines)


def handler(value: str) -> Json:
    """Answer with the site that a text tells of.

    Args:
        value: what Caddy fills the text in for.
    """
    routes: list[Json] = [
        {
            "match": [reads(value, NAME, _LINE * _LINES + r"\.")],
            "handle": [
                {"handler": "vars", "root": _of_site(_ROOT)},
                subroute([*_answered_first(), *_files()], errors=_errors()),
            ],
            "terminal": True,
        },
        {"handle": [sentence("503", _NO_SITE)]},
    ]
    return subroute(routes)


def _answered_first() -> list[Json]:
    """What needs no file: redirects. Then the headers of whatever is answered."""
    in_clear = {"header": {"X-Forwarded-Proto": ["http"]}, **_is(_HTTPS, "https")}
    to_https = "https://{http.request.host}{http.request.uri}"
    redirects = [
        {
            **_on_path("redirect", 3 * n),
            "handle": [_redirect(group("redirect", 3 * n + 2), group("redirect", 3 * n + 3))],
        }
        for n in range(_EACH)
    ]
    headers = [
        {
            **_on_path("header", 3 * n),
            "handle": [_header(group("header", 3 * n + 2), group("header", 3 * n + 3))],
        }
        for n in range(_EACH)
    ]
    return [
        {"match": [in_clear], "handle": [_redirect("301", to_https)], "terminal": True},
        *(_listed(line, "redirect", 3, redirects) for line in range(_REDIRECTS, _HEADERS)),
        *(_listed(line, "header", 3, headers) for line in range(_HEADERS, _ROUTES)),
    ]


def _files() -> list[Json]:
    missing = {"not": [_file(_PATH, f"{_PATH}/index.html")]}
    routes: list[Json] = [
        {
            "group": "route",
            "match": [{**_path("route", 2 * n), **_file(group("route", 2 * n + 2))}],
            "handle": [{"handler": "rewrite", "uri": _FOUND}],
        }
        for n in range(MAX_ROUTES)  # of one line, since only within that the first excludes the others
    ]
    # A part of a file that was compressed on the way is of use to nobody.
    encode = {
        "handler": "encode",
        "encodings": {"gzip": {}, "zstd": {}},
        "prefer": ["zstd", "gzip"],
        "minimum_length": _LEAST_ENCODED_BYTES,
    }
    return [
        {
            "match": [{**_is(_CLEAN, "clean"), **missing, **_file(f"{_PATH}.html")}],
            "handle": [{"handler": "rewrite", "uri": _FOUND}],
        },
        {"match": [missing], "handle": [subroute([_listed(_ROUTES, "route", 2, routes)])]},
        {"match": [{"not": [{"header": {"Range": ["*"]}}]}], "handle": [encode]},
        {"handle": [_file_server()]},
    ]


def _errors() -> list[Json]:
    page = {**_file_server(), "status_code": "{http.error.status_code}", "canonical_uris": False}
    return [
        {
            "match": [_file(_of_site(_ERROR_PAGE))],
            "handle": [{"handler": "rewrite", "method": "GET", "uri": _FOUND}, page],
            "terminal": True,
        },
        {"match": [is_one_of("{http.error.status_code}", "404")], "handle": [sentence("404", _NO_PAGE)]},
        {"handle": [sentence("{http.error.status_code}", "")]},
    ]


def _file_server() -> Json:
    return {
        "handler": "file_server",
        "root": _FOLDER,
        "index_names": ["index.html"],
        "precompressed": {"br": {}, "gzip": {}, "zstd": {}},
        "precompressed_order": ["br", "zstd", "gzip"],
    }


def _listed(line: int, name: str, fields: int, routes: Sequence[Json]) -> Json:
    """Take a line of the file apart, if there is something in it, and go through what it lists.

    Args:
        fields: of each that is listed.
    """
    value = _of_site(line)
    read = reads(value, name, _FIELD * fields * _EACH)
    return {
        "match": [{"not": [is_one_of(value, "")]}],
        "handle": [subroute([{"match": [read], "handle": [subroute(routes)]}])],
    }


def _fields(rows: Sequence[Sequence[str]], width: int, most: int) -> list[str]:
    lines = [rows[first : first + _EACH] for first in range(0, most, _EACH)]
    return ["".join(f"{field}\t" for field in _filled(line, width)) if line else "" for line in lines]


def _filled(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    fields = [field for row in rows for field in row]
    return fields + [""] * (width * _EACH - len(fields))


def _of_site(line: int) -> str:
    return group(NAME, line)


def _is(line: int, word: str) -> Json:
    return is_one_of(_of_site(line), word)


def _on_path(name: str, before: int) -> Json:
    return {"match": [_path(name, before)]}


def _path(name: str, before: int) -> Json:
    return {"path": [group(name, before + 1)]}


def _file(*paths: str) -> Json:
    return {"file": {"root": _FOLDER, "try_files": list(paths)}}


def _redirect(status: str, url: str) -> Json:
    return {"handler": "static_response", "status_code": status, "headers": {"Location": [url]}}


def _header(name: str, value: str) -> Json:
    return {"handler": "headers", "response": {"set": {name: [value]}}}
