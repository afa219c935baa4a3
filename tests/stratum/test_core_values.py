"""Small rules of the core: names, variables, settings, uids, secrets."""

import pytest

from stratum import secrets
from stratum.errors import InvalidInput, InvalidName, InvalidVariable, Refused, StratumError, Unavailable
from stratum.fence import BASE_STEP, FIRST_BASE, MAX_APPS, Fence, fenced_base
from stratum.names import checked_name
from stratum.settings import Settings
from stratum.variables import MAX_VARIABLE_BYTES, checked_variables


@pytest.mark.parametrize("name", ["a", "MyProdEnv", "app-02", "0", "x" * 63])
def test_dns_labels_are_names(name):
    assert checked_name("an app", name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a_b", "a.b", "a/b", "..", "ä", "x" * 64, "API", "www", "a\n"]
)
def test_anything_else_is_no_name(name):
    with pytest.raises(InvalidName) as caught:
        checked_name("an app", name)

    assert caught.value.name == name


def test_a_message_says_what_was_given_and_what_is_allowed():
    with pytest.raises(InvalidName) as caught:
        checked_name("an app", "a_b")

    assert str(caught.value) == (
        "'a_b' cannot name an app: it is no DNS label. "
        "Use 1 to 63 letters, digits and hyphens, starting and ending with a letter or digit."
    )

    with pytest.raises(InvalidName) as caught:
        checked_name("an app", "API")

    assert str(caught.value) == "'API' cannot name an app: it is reserved. Choose another name."


@pytest.mark.parametrize("value", ["", "a b", "'\"\n\r\t%;#$\\", "ü" * 10, "x" * 65536])
def test_variables_hold_any_text(value):
    assert checked_variables({"A_1": value}) == {"A_1": value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1A", ""),
        ("A-B", ""),
        ("", ""),
        ("A=B", ""),
        ("PORT", "1"),
        ("STRATUM_APP", "x"),
        ("A", "\0"),
        ("A", "\ud800"),
        ("A", "x" * MAX_VARIABLE_BYTES),
    ],
)
def test_what_execve_cannot_pass_is_refused(name, value):
    with pytest.raises(InvalidVariable):
        checked_variables({name: value})


def test_all_variables_together_have_a_limit():
    with pytest.raises(InvalidVariable, match="all variables together"):
        checked_variables({f"V{n}": "x" * 100_000 for n in range(11)})


def test_settings_survive_the_way_through_the_environment():
    settings = Settings.from_env(
        {
            "STRATUM_BUILDERS": "5",
            "STRATUM_DRAIN_S": "0.5",
            "STRATUM_DATA": "/srv/s",
            "STRATUM_TRUST_PUSHERS": "true",
        }
    )

    assert (settings.builders, settings.drain_s, settings.trust_pushers) == (5, 0.5, True)
    assert Settings.from_env(settings.environ()) == settings


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5"])
def test_a_wrong_setting_is_named(text):
    with pytest.raises(InvalidInput, match="STRATUM_BUILDERS"):
        Settings.from_env({"STRATUM_BUILDERS": text})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("STRATUM_DRAIN_S", "nan"),
        ("STRATUM_DRAIN_S", "inf"),
        ("STRATUM_ALIVE_AFTER_S", "-inf"),
        ("STRATUM_ALIVE_AFTER_S", "1e999"),
        ("STRATUM_PORT_LAST", "65536"),
        ("STRATUM_PORT_FIRST", "30000"),
        ("STRATUM_PORT_FIRST", "70000"),
        ("STRATUM_PORT_LAST", "20000"),
        ("STRATUM_TRUST_PUSHERS", "maybe"),
    ],
)
def test_a_setting_that_is_a_number_but_no_use_is_named(variable, text):
    with pytest.raises(InvalidInput, match=variable):
        Settings.from_env({variable: text})


def test_one_port_is_a_range():
    assert (
        Settings.from_env({"STRATUM_PORT_FIRST": "65535", "STRATUM_PORT_LAST": "65535"}).port_first == 65535
    )


def test_no_two_parts_of_a_fenced_instance_share_a_uid():
    fence = Fence(fenced=True, uid_base=FIRST_BASE)
    services = [fence.service_uid, fence.redis_uid, fence.router_uid]
    apps = [uid for app_id in range(1, MAX_APPS) for uid in (fence.app_uid(app_id), fence.build_uid(app_id))]

    assert len(set(services + apps)) == len(services) + len(apps)
    assert all(fence.in_apps_range(uid) for uid in apps)
    assert not any(fence.in_apps_range(uid) for uid in [0, *services])
    assert max(apps) < FIRST_BASE + BASE_STEP


@pytest.mark.parametrize("app_id", [0, -1, MAX_APPS])
def test_an_app_id_outside_the_range_has_no_uid(app_id):
    with pytest.raises(ValueError, match="outside"):
        Fence(fenced=True, uid_base=FIRST_BASE).app_uid(app_id)


def test_unfenced_all_share_the_users_uid():
    fence = Fence(fenced=False, uid_base=1000)

    assert {fence.service_uid, fence.redis_uid, fence.app_uid(1), fence.build_uid(2)} == {1000}


def test_bases_fit_a_32_bit_uid():
    assert all(FIRST_BASE <= fenced_base(f"{n}") < 2**31 + 2**30 for n in range(1000))


def test_variables_are_unreadable_without_the_key(tmp_path):
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    secrets.make_key(key)
    secrets.make_key(other)
    sealed = secrets.seal(key, {"PASSWORD": "hunter2"})

    assert b"hunter2" not in sealed
    assert key.stat().st_mode & 0o777 == 0o600
    assert secrets.unseal(key, sealed) == {"PASSWORD": "hunter2"}
    assert secrets.unseal(key, None) == {}
    with pytest.raises(Unavailable, match=r"b\.key"):
        secrets.unseal(other, sealed)


def test_a_key_is_made_once(tmp_path):
    secrets.make_key(tmp_path / "key")
    first = (tmp_path / "key").read_bytes()
    secrets.make_key(tmp_path / "key")

    assert (tmp_path / "key").read_bytes() == first


def _all_errors(root=StratumError):
    return [root, *(error for child in root.__subclasses__() for error in _all_errors(child))]


def test_every_error_has_a_slug_of_its_own():
    slugs = [error.slug for error in _all_errors() if error is not Refused]  # has the server's

    assert len(set(slugs)) == len(slugs)
