import os
from pathlib import Path

import pytest

from runner.engines.supervisord import options

NEEDED = {
    "instance_id": "ab12",
    "descriptions": "/dev/shm/stratum-ab12",
    "app_logs": "/srv/logs/apps/",
    "apps_conf": "/srv/run/apps.conf",
}
FENCE = {"uid_low": "1000100", "uid_high": "1000299", "service_gid": "1000001"}


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1234)


@pytest.mark.usefixtures("as_root")
def test_fenced_every_app_has_an_even_uid_of_its_own_within_the_range() -> None:
    settings = options.parse(NEEDED | FENCE)

    assert settings.fenced
    assert [settings.uid(app_id) for app_id in (1, 2, 99)] == [1000102, 1000104, 1000298]
    with pytest.raises(ValueError, match=r"app_id 100 has no uid within 1000100\.\.1000299"):
        settings.uid(100)


@pytest.mark.usefixtures("as_user")
def test_unfenced_all_have_the_one_uid() -> None:
    settings = options.parse(NEEDED)

    assert not settings.fenced
    assert settings.uid(7) == settings.launch.service_uid == settings.launch.uid_low == 1234


@pytest.mark.usefixtures("as_user")
def test_defaults_are_the_launcher_beside_the_plugin_and_half_a_minute_of_grace() -> None:
    settings = options.parse(NEEDED)

    assert Path(settings.launch.launcher).name == "launch.py"
    assert Path(settings.launch.launcher).is_file()
    assert settings.stop_grace_s == 30
    assert settings.log(7, "x") == "/srv/logs/apps/7/x.log"


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (NEEDED, "as root, the plugin needs a uid range"),
        (NEEDED | FENCE | {"colour": "red"}, r"unknown keys \['colour'\]"),
        (FENCE, "lacks .*'apps_conf'"),
        (NEEDED | {"uid_low": "5"}, "needs all of"),
        (NEEDED | FENCE | {"uid_low": "x"}, "invalid literal"),
        (NEEDED | FENCE | {"instance_id": "a b"}, "instance_id 'a b'"),
        (NEEDED | FENCE | {"app_logs": "logs"}, "app_logs 'logs'"),
        (NEEDED | FENCE | {"app_logs": "/srv/a ;b"}, "app_logs '/srv/a ;b'"),
        (NEEDED | FENCE | {"descriptions": "/srv/a\nb"}, "descriptions"),
        (NEEDED | FENCE | {"apps_conf": "/srv/%(here)s"}, "apps_conf"),
    ],
)
def test_what_cannot_be_used_keeps_supervisord_from_starting(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        options.parse(given)


@pytest.mark.usefixtures("as_user")
def test_an_ordinary_user_can_use_no_uid_range() -> None:
    with pytest.raises(ValueError, match="as an ordinary user it can use none"):
        options.parse(NEEDED | FENCE)
