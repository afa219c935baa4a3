"""app.json: what it may say of targets, and that nothing it holds is more than a problem."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.appjson import AppJson, Problem, parse
from stratum.errors import AppJsonInvalid
from stratum.model import Check, CheckKind, Strategy, TargetSettings

KEYS = st.sampled_from(
    [
        *("healthchecks", "formation", "web", "worker", "attempts", "command", "content", "httpHeaders"),
        *("initialDelay", "listening", "name", "path", "port", "scheme", "timeout", "type", "uptime"),
        *("wait", "warn", "value", "quantity", "strategy", "stop_sequence", "max_surge"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 5000) | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    LEAVES,
    lambda more: st.lists(more, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), more, max_size=6),
)
CHECKS = st.dictionaries(KEYS, LEAVES | st.lists(LEAVES, max_size=3), max_size=8)
FILES = st.fixed_dictionaries(
    {
        "healthchecks": st.dictionaries(KEYS, st.lists(CHECKS | ANYTHING, max_size=4), max_size=3),
        "formation": st.dictionaries(KEYS, CHECKS, max_size=3),
    }
)


def checks(target: str = "web", /, **check: object) -> tuple[Check, ...]:
    return read({"healthchecks": {target: [check]}}).settings[target].checks


def read(value: object) -> AppJson:
    return parse(json.dumps(value).encode())


def problems(value: object) -> list[str]:
    with pytest.raises(AppJsonInvalid) as caught:
        parse(value if isinstance(value, bytes) else json.dumps(value).encode())
    found = [problem for problem in caught.value.problems if isinstance(problem, Problem)]
    return [f"app.json: {problem.sentence()}" for problem in found]


def refused(target: str = "web", /, **check: object) -> str:
    (line,) = problems({"healthchecks": {target: [check]}})
    return line


def test_a_check_of_a_path_is_read_with_dokkus_names_and_defaults():
    given = {
        "name": "ready",
        "path": "/health",
        "content": "ok",
        "httpHeaders": [{"name": "X-Forwarded-Proto", "value": "https"}],
        "attempts": 7,
        "initialDelay": 2,
        "timeout": 4,
        "wait": 1,
        "warn": True,
        "scheme": "http",
        "type": "startup",
    }
    (check,) = checks(**given)

    headers = (("X-Forwarded-Proto", "https"),)
    assert check == Check(
        CheckKind.PATH,
        "ready",
        "/health",
        "ok",
        headers,
        attempts=7,
        initial_delay_s=2,
        timeout_s=4,
        wait_s=1,
        only_warns=True,
    )
    assert check.label == '"ready" (GET /health)'
    (plain,) = checks()
    assert (plain.path, plain.attempts, plain.timeout_s, plain.wait_s) == ("/", 3, 5, 5)


def test_what_is_looked_at_is_told_by_the_field_that_names_it():
    assert [check.kind for check in checks(listening=True)] == [CheckKind.LISTENING]
    assert [check.command for check in checks(command=["python", "a b.py"])] == [("python", "a b.py")]
    assert [check.uptime_s for check in checks("worker", uptime=10)] == [10]
    both = read({"healthchecks": {"web": [{"listening": True, "path": "/x"}]}})
    assert both.settings["web"].checks[0].kind is CheckKind.LISTENING
    assert [one.sentence() for one in both.warnings] == [
        "healthchecks.web[0].path: it has no effect beside listening. Make it a check of its own."
    ]


def test_checks_that_are_not_made_here_are_told_of():
    found = read({"healthchecks": {"web": [{"type": "liveness", "path": "/up"}, {"path": "/", "port": 80}]}})

    assert [check.path for check in found.settings["web"].checks] == ["/"]
    assert [warning.place for warning in found.warnings] == [
        "healthchecks.web[0]",
        "healthchecks.web[1].port",
    ]


def test_keys_that_do_nothing_here_are_told_of():
    found = read(
        {
            "formation": {"web": {"max_parallel": 2, "colour": "red"}},
            "healthchecks": {"web": [{"pfad": "/", "onFailure": {"url": "x"}}]},
        }
    )

    assert [warning.place for warning in found.warnings] == [
        "formation.web.max_parallel",
        "formation.web.colour",
        "healthchecks.web[0].pfad",
        "healthchecks.web[0].onFailure",
    ]


def test_targets_without_processes_are_told_of():
    found = read({"healthchecks": {"web": [{}], "release": [{"uptime": 1}], "wroker": [{"uptime": 1}]}})

    said = [str(one) for one in found.strangers(("web", "release", "worker"))]
    assert said == [
        f'app.json: "{name}" is a target of which no process is made. There are: web, release, worker.'
        for name in ("release", "wroker")
    ]


def test_the_scale_that_a_target_begins_with_is_read_with_dokkus_name():
    found = read({"formation": {"web": {"quantity": 0}, "worker": {"quantity": 3, "strategy": "overlap"}}})

    assert found.settings["web"] == TargetSettings(quantity=0)
    assert found.settings["worker"] == TargetSettings(quantity=3, strategy=Strategy.OVERLAP)
    assert found.warnings == ()
    for bad in (-1, 1001, 1.5, "2", True, None):
        (line,) = problems({"formation": {"worker": {"quantity": bad}}})
        assert line.startswith("app.json: formation.worker.quantity: ")
        assert line.endswith(" is not allowed. Give a whole number from 0 to 1000.")


def test_how_a_target_is_kept_stands_under_formation():
    worker = {"strategy": "overlap", "stop_sequence": "term, 90, kill", "max_surge": 2}
    found = read({"formation": {"worker": worker}, "healthchecks": {"web": [{}]}})

    kept = TargetSettings(strategy=Strategy.OVERLAP, stop_sequence="term,90,kill", max_surge="2")
    assert found.settings["worker"] == kept
    assert len(found.settings["web"].checks) == 1
    assert [str(one) for one in found.strangers(("web",))] == [
        'app.json: "worker" is a target of which no process is made. There are: web.'
    ]
    assert problems({"formation": {"web": {"strategy": "both"}, "worker": 1}}) == [
        'app.json: formation.web.strategy: "both" is no strategy. There are: overlap, replace.',
        "app.json: formation.worker: 1 stands where an object is expected. "
        'Write it as {"quantity": 2, "strategy": "overlap"}.',
    ]
    assert problems({"formation": {"web": {"max_surge": 0}}}) == [
        "app.json: formation.web.max_surge: 0 is not allowed. Give a whole number from 1 to 99999, or a "
        "percentage of the scale from 1% to 100%."
    ]


def test_all_problems_are_said_at_once_each_with_its_place_and_mend():
    assert problems(
        {
            "healthchecks": {
                "web": [
                    {"attempts": 0, "timeout": "5", "warn": 1},
                    {"path": "health", "httpHeaders": [{"name": "A B"}, {"value": "x"}]},
                    "x",
                ],
                "worker": {"path": "/"},
            }
        }
    ) == [
        "app.json: healthchecks.web[0].attempts: 0 is not allowed. Give a whole number from 1 to 100.",
        'app.json: healthchecks.web[0].timeout: "5" is not allowed. Give a whole number from 1 to 300.',
        "app.json: healthchecks.web[0].warn: 1 is neither true nor false. Write true or false, without "
        "quotes.",
        'app.json: healthchecks.web[1].path: "health" is not allowed. Give a path that begins with a slash, '
        "of ASCII without blanks.",
        'app.json: healthchecks.web[1].httpHeaders[0].name: "A B" is not allowed. Give the name of a header, '
        "such as X-Forwarded-Proto.",
        "app.json: healthchecks.web[1].httpHeaders[1]: it has no name. Give the name of a header, such as "
        "X-Forwarded-Proto.",
        'app.json: healthchecks.web[2]: "x" is no check. Write it as {"path": "/health"}.',
        "app.json: healthchecks.worker: an object stands where a list is expected. Put it into [ and ].",
    ]


@pytest.mark.parametrize(
    "check",
    [
        *({"path": path} for path in ("//a b", "/ä", "/a\r\nX: y", 1, None)),
        *({"command": command} for command in ("ready", [1], ["a\0b"], ["\ud800"])),
        *({"httpHeaders": [{"name": "X", "value": value}]} for value in ("a\nb", "ä", 1)),
        *({"type": kind} for kind in ("start", ["startup"], None)),
        *({"uptime": seconds} for seconds in (-1, 1.5, True, 3601)),
        {"scheme": "https"},
        {"content": ["x"]},
        {"name": "a\nb"},
        {"attempts": 100, "timeout": 300},
        {"listening": "yes"},
    ],
)
def test_what_cannot_be_done_is_refused(check: dict[str, object]):
    assert refused(**check).startswith("app.json: healthchecks.web[0]")


def test_a_worker_has_no_port_but_the_one_that_it_says():
    assert "given no port" in refused("worker", path="/health")
    assert "given no port" in refused("worker", listening=True)
    assert checks("worker", listening=True, port=9100)[0].port == 9100


def test_what_stands_in_the_file_is_shown_with_its_line_and_a_caret():
    data = b'{\r\n  "healthchecks": {"web": [{"path": "/",\r\n    "timeout": "5"}]}}'
    with pytest.raises(AppJsonInvalid) as caught:
        parse(data)

    assert caught.value.lines() == [
        'app.json:3:16: healthchecks.web[0].timeout: "5" is not allowed. Give a whole number from 1 to 300.',
        '   3 |     "timeout": "5"}]}}',
        "     |                ^",
    ]
    with pytest.raises(AppJsonInvalid) as caught:
        parse(b'{"formation": {"web"}}')
    assert caught.value.lines()[1:] == ['   1 | {"formation": {"web"}}', "     |                     ^"]


def test_more_than_there_is_room_for_is_refused():
    (line,) = problems({"healthchecks": {"web": [{}] * 11}})
    assert "11 checks are too many" in line


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "it is no JSON: Expecting property name"),
        (b"[]", "it is no object"),
        (b"\xff", "it is no UTF-8"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"healthchecks": {"web": [{"attempts": NaN}]}}', "NaN is no value of JSON"),
        (b'{"a": 1, "a": 2}', '"a" is in one object twice'),
        (b" " * 70_000, "the file has 70000 bytes"),
        (b'{"healthchecks": []}', 'expected. Write it as {"web": [{"path": "/health"}]}.'),
        (b'{"formation": 3}', 'expected. Write it as {"worker": {"strategy": "overlap"}}.'),
        (b"1" * 5000, "no JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(data: bytes, said: str):
    (line, *_) = problems(data)
    assert said in line


def test_what_other_tools_keep_in_it_is_left_alone():
    assert parse(b'\xef\xbb\xbf{"name": "x", "expo": {"web": [1]}, "cron": [{}]}') == AppJson()


def test_of_a_thousand_problems_the_first_are_said():
    lines = problems({"healthchecks": {f"t{n}": 1 for n in range(1000)}})
    assert len(lines) == 51
    assert "and 950 more" in lines[-1]


@given(st.binary(max_size=200) | (ANYTHING | FILES).map(lambda value: json.dumps(value).encode()))
def test_whatever_it_holds_is_read_or_refused_in_printable_lines(data: bytes):
    try:
        found = parse(data)
    except AppJsonInvalid as error:
        lines = error.lines()
    else:
        lines = [str(warning) for warning in found.warnings]
        for settings in found.settings.values():
            stored = json.loads(json.dumps(settings.render()))
            assert TargetSettings.parse(stored) == settings
            assert all(check.longest_s <= 3600 for check in settings.checks)
            assert all(check.label for check in settings.checks)
    assert all(line.isprintable() for line in lines)
