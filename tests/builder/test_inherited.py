"""What the operator signs in with elsewhere is in no log, and found only by programs that need it."""

import os
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.bench import Bench
from builder.driver.order import Order
from builder.driver.room import Room
from builder.inherited import credentials
from builder.narration import Narration
from stratum.model import NO_OPTIONS

INDEX, PROXY = "https://ours:pa55w%2Frd@index.example/simple", "http://ours:pr0xypass@proxy.example:3128"


class FakeDoor:
    def run(self, *step, stdin, stdout, timeout_s, leash):
        os.write(stdout, f"{INDEX} pa55w%2Frd pa55w/rd {PROXY} pr0xypass t0psecret\n".encode())
        return 0


def test_neither_the_operators_credentials_nor_the_apps_are_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_INDEX_URL", INDEX)
    monkeypatch.setenv("https_proxy", PROXY)
    instance = SimpleNamespace(settings=SimpleNamespace(build_timeout_s=60))
    shop: Any = SimpleNamespace(door=FakeDoor(), instance=instance)
    build: Any = SimpleNamespace(app_id=1, number=1, options=NO_OPTIONS)
    with closing(Narration(tmp_path / "1.log")) as narration:
        bench = Bench(shop, build, narration)
        bench.mask({"UV_INDEX_URL": "t0psecret"})
        bench.run("compile")

    said = (tmp_path / "1.log").read_text()
    assert not [word for word in ("pa55w", "pr0xypass", "t0psecret") if word in said]
    assert "[UV_INDEX_URL]" in said
    assert "[https_proxy]" in said


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://index.example/simple", ""),
        ("own=https://token@a.example/x", "own=https://token@a.example/x\ntoken\ntoken"),
        ("https://a.example https://me:s3@b.example", "https://me:s3@b.example\ns3\ns3"),
        ("me:s%40@proxy:3128", "me:s%40@proxy:3128\ns%40\ns@"),
    ],
)
def test_credentials_are_what_stands_before_a_host(value, expected):
    assert credentials({"UV_INDEX": value, "HOME": "me@home"}) == ({"UV_INDEX": expected} if expected else {})


@given(st.text())
def test_no_address_is_too_odd(value):
    found = credentials({"UV_INDEX": value})

    assert found == {} or "@" in value


def test_foreign_programs_do_not_find_them_and_built_in_ones_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {
        "TMPDIR": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "c@che"),
        "PATH": "/bin",
        "HOME": "/me@home",
    }
    plain = {"HTTP_PROXY": "http://127.0.0.1:1", "UV_DEFAULT_INDEX": "https://index.example/simple"}
    signed = {"UV_INDEX_URL": INDEX, "https_proxy": PROXY, "NPM_CONFIG_REGISTRY": INDEX}
    order = Order("m", "1" * 40, "1-1", (), {}, {}, 1)

    room = Room.make(order, {**paths, **plain, **signed})

    assert not signed.keys() & room.environ.keys()
    assert {name: room.environ[name] for name in plain} == plain
    assert room.environ["HOME"] == "/me@home"
    assert {name: room.told[name] for name in signed} == signed
    assert room.way == signed
