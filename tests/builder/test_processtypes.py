"""The default processes that bin/release prints."""

import json
import timeit
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.processtypes import KEY, as_procfile, passed_over, process_types
from stratum.errors import InvalidInput
from stratum.procfile import parse

YAML = """---
addons:
  - heroku-postgresql:mini
config_vars:
  PATH: /app/bin
default_process_types:
  # what runs
  web:    bundle exec puma -p $PORT # the server
  worker: "bundle exec \\"sidekiq\\" -c 5"
  'console': 'it''s: irb'
other: x
"""


def test_what_buildpacks_print_is_read():
    assert process_types(YAML) == {
        "web": "bundle exec puma -p $PORT",
        "worker": 'bundle exec "sidekiq" -c 5',
        "console": "it's: irb",
    }


@pytest.mark.parametrize("text", ["a \\ud800", "a\\nb: c", "a\\rb"])
@pytest.mark.parametrize(
    "form",
    [
        '{{"default_process_types": {{"web": "{0}"}}}}',
        '{{"default_process_types": {{"{0}": "web"}}}}',
        'default_process_types:\n  web: "{0}"\n',
    ],
)
def test_what_is_no_line_of_a_procfile_is_refused(form, text):
    """It was an internal error, or a line of the Procfile of its own."""
    with pytest.raises(InvalidInput, match="of what bin/release prints is not read here"):
        process_types(form.format(text))


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "---\n",
        "{}",
        "--- {}",
        f"{KEY}: {{}}\n",
        f"{KEY}:\n",
        f"---\n{KEY}:\naddons: []\n",
        "addons: []\n",
    ],
)
def test_nothing_is_nothing(printed):
    assert process_types(printed) == {}


@pytest.mark.parametrize(
    "printed",
    [
        json.dumps({KEY: {"web": "run: me # now"}}),
        f'{KEY}: {{"web": "run: me # now"}}\n',
        f'--- \n{KEY}:\n    web: "run: me # now"\n',
        f"'{KEY}':\n  \"web\": 'run: me # now'\n",
    ],
)
def test_every_way_to_write_it_says_the_same(printed):
    assert process_types(printed) == {"web": "run: me # now"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{KEY}:\n  web: |\n    run\n", 2),
        (f"{KEY}:\n  web: &a run\n", 2),
        (f'{KEY}:\n  web: "run\n', 2),
        (f"{KEY}:\n  - web\n", 2),
        (f"{KEY}: [web]\n", 1),
    ],
)
def test_forms_that_are_not_read_are_refused_by_their_line(text, line):
    with pytest.raises(InvalidInput) as refused:
        process_types(text)

    assert f"Line {line} of what bin/release prints" in refused.value.message


def test_what_was_read_can_be_read_as_a_procfile():
    targets = parse(as_procfile(process_types(YAML))).targets

    assert [target.name for target in targets] == ["web", "worker", "console"]


@given(st.text(max_size=200) | st.text("de:fault_process_types \n'\"{}#-|", max_size=200))
def test_nothing_else_is_ever_raised(printed):
    for text in (printed, f"{KEY}:\n  {printed}"):
        try:
            found = process_types(text)
        except InvalidInput:
            continue
        assert all(isinstance(word, str) for pair in found.items() for word in pair)


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("", ()),
        ("---\naddons: []\nconfig_vars: {}\ndefault_process_types:\n  web: x\n", ()),
        ("---\naddons:\nconfig_vars:\ndefault_process_types:\n  config_vars: x\n", ()),
        ("---\nconfig_vars:\n  PATH: a\naddons:\n- pg\n", ("config_vars", "addons")),
        ('--- "config_vars": { A: b }\naddons:\n\n  - pg', ("config_vars", "addons")),
        ('{"config_vars": {"A": "b"}, "addons": []}', ("config_vars",)),
        ('{"config_vars": 7, "default_process_types": {}}', ("config_vars",)),
    ],
)
def test_what_has_no_effect_is_known(printed, names):
    assert passed_over(printed) == names


names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(
    st.dictionaries(names, st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1))
)
def test_json_is_read_as_it_was_written(types):
    assert process_types(json.dumps({KEY: types})) == types
    lines = "".join(f"  {name}: {json.dumps(command)}\n" for name, command in types.items())
    assert process_types(f"---\n{KEY}:\n{lines}") == types


@pytest.mark.parametrize(
    "line", ["a{}", "a{}b", '"a"{}', "'a'{}x", "a: '{}", 'a: "{}', "a: b{}", "a:{}#", "{}a"]
)
@pytest.mark.parametrize("filling", [" ", "\t", "''", '\\"', "a ", "# "])
def test_a_line_takes_time_by_its_length_alone(line, filling):
    def took_s(count):
        printed = f"{KEY}:\n {line.format(filling * count)}\n"
        return min(timeit.repeat(lambda: _read(printed), number=1, repeat=3))

    assert took_s(32_000) < 500 * took_s(1_000)


def _read(printed):
    with suppress(InvalidInput):
        process_types(printed)
