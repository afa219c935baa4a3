import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.engines.supervisord import sections
from runner.engines.supervisord.sections import Entry, Launch
from stratum.model import RELEASE_PHASE

GIVEN = {
    "environment": "MyProdEnv",
    "app": "app02",
    "app_id": 7,
    "version": 3,
    "target": "worker",
    "index": 1,
}
LAUNCH = Launch(
    prefix=("/usr/bin/setpriv", "--no-new-privs", "--"),
    interpreter="/usr/bin/python3",
    launcher="/srv/my data/100%/launch.py",
    descriptions="/dev/shm/stratum-ab12",
    instance_id="ab12",
    uid_low=1000100,
    uid_high=1020099,
    service_uid=1000001,
)


def test_a_section_is_rendered_from_names_and_numbers_only() -> None:
    entry = sections.entry(GIVEN)

    text = sections.render(entry, 1000114, LAUNCH, f"/srv/100%/logs/7/{entry.name}.log", 30)

    assert text == (
        "[program:MyProdEnv.app02.v3.worker.1]\n"
        "command=/usr/bin/setpriv --no-new-privs -- /usr/bin/python3 -IS '/srv/my data/100%%/launch.py' "
        "/dev/shm/stratum-ab12/MyProdEnv.app02.v3.worker.1 ab12 1000114 1000100 1020099 1000001\n"
        "directory=/\n"
        "umask=022\n"
        "autostart=false\n"
        "autorestart=true\n"
        "startsecs=1\n"
        "startretries=1000000000\n"
        "stopsignal=TERM\n"
        "stopwaitsecs=30\n"
        "stopasgroup=true\n"
        "killasgroup=true\n"
        "redirect_stderr=true\n"
        "stdout_logfile=/srv/100%%/logs/7/MyProdEnv.app02.v3.worker.1.log\n"
        "stdout_logfile_maxbytes=10MB\n"
        "stdout_logfile_backups=2\n"
    )


def test_what_runs_once_is_never_started_again() -> None:
    entry = sections.entry({**GIVEN, "target": sections.ONCE})

    text = sections.render(entry, 1000114, LAUNCH, "/log", 30)

    assert "autorestart=false\nstartsecs=0\nstartretries=0\n" in text
    assert sections.ONCE == RELEASE_PHASE


def test_an_entry_holds_what_was_given() -> None:
    assert sections.entry(GIVEN) == Entry("MyProdEnv", "app02", 7, 3, "worker", 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("environment", "_web"),
        ("environment", "a.b"),
        ("app", ""),
        ("app", "a" * 64),
        ("app", "a b"),
        ("app", "a\n[program:evil]"),
        ("app", "ünïcode"),
        ("app", 7),
        ("app", None),
        ("target", "web:1"),
        ("target", "-web"),
        ("target", "web\n"),
        ("app_id", 0),
        ("app_id", -1),
        ("app_id", "7"),
        ("app_id", True),
        ("app_id", 10**9),
        ("version", 10**9),
        ("version", 1.0),
        ("index", 10**5),
        ("index", None),
    ],
)
def test_a_wrong_field_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field} {re.escape(repr(value)[:80])}"):
        sections.entry(GIVEN | {field: value})


@pytest.mark.parametrize("given", [None, "x", 3, ["a"], {}])
def test_what_is_no_entry_at_all_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"struct|environment None"):
        sections.entry(given)


@pytest.mark.parametrize(
    "name", ["_web", "_redis", "web", "a.b.v1.c", "a.b.v0.c.1", "a.b.1.c.1", "a.b.v1.c.1\n", 5]
)
def test_names_of_others_are_not_ours(name: object) -> None:
    assert not sections.is_ours(name)


# A busy machine is no fault of what is tested.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LABELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", fullmatch=True)


@UNHURRIED
@given(
    st.fixed_dictionaries(
        {
            "environment": LABELS,
            "app": LABELS,
            "target": LABELS,
            "app_id": st.integers(1, sections.MAX_APP_ID),
            "version": st.integers(1, sections.MAX_VERSION),
            "index": st.integers(1, sections.MAX_INDEX),
        }
    )
)
def test_every_accepted_entry_has_a_name_of_ours_that_fits_a_file_name(given: dict[str, object]) -> None:
    name = sections.entry(given).name

    assert sections.is_ours(name)
    assert len(f"{name}.log.2") < 256
