"""Packages by their lock files, whatever stands in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.changes import Change, changes
from stratum.locks import FILES, packages

REQUIREMENTS = """
# comment
Flask==3.0.1
gunicorn [gevent] >= 21, < 22 ; python_version > "3.8"
requests == 2.31.0 \\
    --hash=sha256:abc
-r other.txt
./local/path
git+https://example.org/x.git
typing_extensions
tool @ https://example.org/tool.whl
"""


def test_requirements_are_read_as_far_as_they_name_packages():
    assert packages({"requirements.txt": REQUIREMENTS.encode()}) == {
        "flask": "3.0.1",
        "gunicorn": ">=21,<22",
        "requests": "2.31.0",
        "typing-extensions": "any",
        "tool": "@https://example.org/tool.whl",
    }


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock"])
def test_toml_locks_name_each_package_with_all_of_its_versions(name):
    lock = """
version = 1
[[package]]
name = "Flask"
version = "3.0.1"
[[package]]
name = "numpy"
version = "2.0"
[[package]]
name = "numpy"
version = "1.26"
[[package]]
name = "own"
source = { editable = "." }
"""
    assert packages({name: lock.encode()}) == {"flask": "3.0.1", "numpy": "1.26, 2.0", "own": "any"}


def test_npm_locks_name_packages_by_their_path():
    lock = {
        "packages": {
            "": {"name": "own", "version": "1"},
            "node_modules/vite": {"version": "5.1.0"},
            "node_modules/vite/node_modules/esbuild": {"version": "0.19"},
            "node_modules/linked": {"link": True},
        }
    }
    assert packages({"package-lock.json": json.dumps(lock).encode()}) == {
        "vite": "5.1.0",
        "vite/node_modules/esbuild": "0.19",
    }


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\x00", b"[" * 100_000, b"{}", b"[]", b'{"packages": [1]}', b'"package" = 3']
)
def test_what_is_no_lock_names_none(name, content):
    assert packages({name: content}) == {}


@given(st.sampled_from(FILES), st.binary(max_size=200))
def test_reading_never_fails(name, content):
    assert all(isinstance(text, str) for pair in packages({name: content}).items() for text in pair)


@given(st.text(alphabet="ab=~<>[];#\\ -\n@/.", max_size=80))
def test_requirements_never_fail(text):
    packages({"requirements.txt": text.encode()})


_NAMED = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"))


@given(_NAMED, _NAMED)
def test_changes_lead_from_the_one_to_the_other(before, after):
    result = dict(before)
    for one in changes(before, after):
        assert result.get(one.name) == one.before
        assert one.before != one.after
        if one.after is None:
            del result[one.name]
        else:
            result[one.name] = one.after

    assert result == after


def test_what_is_the_same_is_no_change():
    assert changes({"a": "1", "b": "1"}, {"a": "1", "b": "2"}) == (Change("b", "1", "2"),)
