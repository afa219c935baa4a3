"""How Caddy answers for apps: one route of Caddy's for all, and a file for each that says what differs.

So a release, a page, a site in place of processes and another number of them replace a file, and Caddy
loads nothing: a load closes idle connections of all clients, and drops requests that it reads meanwhile
(docs/decisions.md). The file is read at each request; while one waits for a process, again at each attempt.

Where processes listen Caddy takes for "dynamic upstreams", which it knows by their addresses, whatever route
asks for them. Each is an address that is looked up in the DNS, in theory: one in figures is not.

Pure. Source: Caddy 2.11, https://caddyserver.com/docs/json/.
"""

from collections.abc import Iterable, Sequence

from runner.router import pages, site
from runner.router.caddy import Json, for_hosts, group, is_one_of, reads, subroute
from runner.router.https import Https, sent_on
from runner.router.limits import Limits, duration
from runner.router.pages import PAGES, UNKNOWN_APP, Page
from runner.router.route import CRASHED, LEAST_PORTS, SITE, all_places

NAME = "app"  # of the route, of what its file was when it was read, and of what all requests to apps have
# The app's file, read anew whenever it is looked at. No name of an app has underscores: Caddy refuses a
# configuration in which a placeholder's value has its name in it.
_FILE = "{__app__}"
_READ = f"{{http.vars.{NAME}}}"
_PAGE, _HTTPS, _HOW, _PORTS, _REST = (group(NAME, number) for number in range(1, 6))
_LINE = r"([^\n]*)\n"
_LINES = _LINE * 4 + r"((?s:.*))"
_PORT = r"(\d+) "

# A web process that restarts is waited for: requests hang for a moment instead of failing.
PATIENT: Json = {"try_duration": "5s", "try_interval": "50ms"}
# A process of several that cannot be reached is left out for so long: the least busy one would be asked
# again and again. Shorter than patience, so that nobody is told "no" for the memory alone.
FAIL_DURATION = "2s"
# Nobody is kept waiting for what has crashed again and again: each process is asked once, now.
_ASK_ONCE: Json = {"retries": LEAST_PORTS - 1, "try_interval": "1ms"}
_ASKED_ONCE = "200ms"

# What a client claims about its origin. Caddy itself replaces X-Forwarded-For, -Proto and -Host.
CLAIMS = ["Forwarded", "X-Real-Ip", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server"]

Dials = Sequence[str]


def own_route(hosts: Iterable[str], file: str) -> Json:
    """Render what is an app's own: its names, and which file is its.

    Args:
        file: absolute path.
    """
    lazy: Json = {
        "handler": "map",
        "source": "",
        "destinations": [_FILE],
        "mappings": [{"outputs": [f"{{file.{file}}}"]}],
    }
    return for_hosts(hosts, [lazy, {"handler": "invoke", "name": NAME}])


def named_route(most: int, limits: Limits, https: Https | None) -> Json:
    """Render the one route of all apps.

    Args:
        most: processes of an app.
        https: to which visitors may be sent on.
    """
    first = [sent_on(https, _HTTPS)] if https else []
    return {
        "handle": [
            {"handler": "vars", NAME: _FILE},
            _ports_read_anew(),
            subroute(
                [
                    {
                        "match": [reads(_READ, NAME, _LINES)],
                        "handle": [subroute([*first, *_answers(most, limits)])],
                        "terminal": True,
                    },
                    _gone(_READ),
                    *pages.answers(PAGES[Page.NO_PROCESS]),  # somebody wrote what we did not
                ]
            ),
        ]
    }


def errors() -> Json:
    """Render what is said of an app that no answer came from: as it is now, after the request has waited."""
    now: list[Json] = [_in_its_place(), {"match": [is_one_of(_HOW, CRASHED)], "handle": [pages.crashed()]}]
    told: list[Json] = [
        *pages.whatever_becomes_of_it(),
        {"match": [reads(_FILE, NAME, _LINES)], "handle": [subroute(now)]},
        _gone(_FILE),
        *pages.no_answer(),
    ]
    return {"match": [{"not": [is_one_of(_READ, "")]}], "handle": [subroute(told)], "terminal": True}


def proxy(upstreams: Json, limits: Limits, patience: Json = PATIENT) -> Json:
    """Pass a request on to the least busy one; what cannot be reached is tried again."""
    return {
        "handler": "reverse_proxy",
        **upstreams,
        "load_balancing": {"selection_policy": {"policy": "least_conn"}, **patience},
        "headers": {"request": {"delete": CLAIMS}},
        "stream_close_delay": duration(limits.streams_s),
    }


def _gone(file: str) -> Json:
    """Say that there is no app where its file is gone: a former configuration still ends what it began."""
    return {"match": [is_one_of(file, "")], "handle": [pages.handler(UNKNOWN_APP)], "terminal": True}


def _answers(most: int, limits: Limits) -> list[Json]:
    numbers = all_places(most)
    few, many = numbers[:LEAST_PORTS], numbers[LEAST_PORTS:]
    return [
        _in_its_place(),
        {"match": [is_one_of(_HOW, SITE)], "handle": [site.handler(_REST)], "terminal": True},
        {"handle": [{"handler": "request_body", "max_size": limits.body_bytes}]},
        *(_spread(number, limits) for number in few),
        {
            "handle": [subroute([*(_spread(number, limits) for number in many), _crashed(limits)])],
            "terminal": True,
        },
    ]


def _in_its_place() -> Json:
    return {
        "match": [{"not": [is_one_of(_PAGE, "")]}],
        "handle": [pages.handler_of(_PAGE, _REST)],
        "terminal": True,
    }


def _spread(number: int, limits: Limits) -> Json:
    """Render the route that spreads requests among so many places."""
    match = is_one_of(_HOW, str(number))
    if number <= LEAST_PORTS:
        return {"match": [match], "handle": [_to(_anew(number), limits)], "terminal": True}
    # Each look at the file is a look at all ports: a hundred of them would be a hundred looks.
    taken_apart = {"vars_regexp": {_PORTS: {"name": "port", "pattern": f"^{_PORT * number}"}}}
    dials = [group("port", place) for place in range(1, number + 1)]
    return {"match": [{**match, **taken_apart}], "handle": [_to(dials, limits)], "terminal": True}


def _crashed(limits: Limits) -> Json:
    ask = _to(_anew(LEAST_PORTS), limits, _ASK_ONCE, _ASKED_ONCE)
    return {"match": [is_one_of(_HOW, CRASHED)], "handle": [ask], "terminal": True}


def _to(ports: Dials, limits: Limits, patience: Json = PATIENT, left_out: str = FAIL_DURATION) -> Json:
    # Kept connections to a process that is to stop must not look like requests under way for long.
    transport = {
        "protocol": "http",
        "keep_alive": {"idle_timeout": "1s"},
        "response_header_timeout": duration(limits.answer_s),
    }
    passive = {"passive": {"fail_duration": left_out, "max_fails": 1}}
    several: Json = {"health_checks": passive} if len(ports) > 1 else {}  # of one, waiting is all there is
    sources = [
        {"source": "a", "name": "127.0.0.1", "port": port, "versions": {"ipv4": True}} for port in ports
    ]
    upstreams: Json = {"dynamic_upstreams": {"source": "multi", "sources": sources}}
    return {**proxy(upstreams, limits, patience), **several, "transport": transport}


def _ports_read_anew() -> Json:
    return {
        "handler": "map",
        "source": _FILE,
        "destinations": _anew(LEAST_PORTS),
        "mappings": [
            {
                "input_regexp": f"^{_LINE * 3}{_PORT * LEAST_PORTS}",
                "outputs": [f"${number + 4}" for number in range(LEAST_PORTS)],
            }
        ],
    }


def _anew(number: int) -> list[str]:
    return [f"{{__port{place}__}}" for place in range(1, number + 1)]
