import re
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum.errors import ProcfileInvalid
from stratum.model import Target
from stratum.procfile import (
    MAX_BYTES,
    MAX_PROBLEMS,
    parse,
    read,
    render,
    stage_file,
    uses_unique_int,
)

TEN_MB = 10 * 1024 * 1024


def targets(data: bytes) -> dict[str, str]:
    return {target.name: target.command for target in parse(data).targets}


def problems(data: bytes) -> list[str]:
    with pytest.raises(ProcfileInvalid) as refused:
        parse(data)
    return [str(problem) for problem in refused.value.problems]


def warnings(data: bytes) -> list[str]:
    return [str(warning) for warning in parse(data).warnings]


def test_targets_keep_the_order_of_the_file():
    procfile = parse(b"web: python app.py\nworker: rq worker\nclock: ./clock\n")

    assert procfile.targets == (
        Target("web", "python app.py"),
        Target("worker", "rq worker"),
        Target("clock", "./clock"),
    )
    assert procfile.warnings == ()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_accepted(end: bytes):
    assert targets(end.join([b"web: a", b"", b"worker: b"])) == {"web": "a", "worker": "b"}


def test_a_byte_order_mark_is_no_part_of_the_name():
    assert targets(b"\xef\xbb\xbfweb: a") == {"web": "a"}


def test_blanks_after_the_colon_are_optional():
    assert targets(b"web:a b\nworker:\t c \t\n") == {"web": "a b", "worker": "c"}


def test_comments_are_whole_lines():
    assert targets(b"# web: old\n   # indented\nweb: a\n") == {"web": "a"}


@pytest.mark.parametrize(
    "command",
    [
        "echo 'a;b' ; echo \"c\"",
        "FOO=1 exec ./run --rate=50%",
        "cd x && y | tee $(date +%s).log &",
        "echo http://host:80//path",
        "echo a\tb  c",
        "grep -c 'ä€😀' {} \\;",
        "echo C:\\\\",
    ],
)
def test_a_command_stays_as_written(command: str):
    assert targets(f"web: {command}\n".encode()) == {"web": command}


def test_a_hash_within_a_command_is_kept_and_warned_of():
    assert targets(b"web: echo 'a #1'\n") == {"web": "echo 'a #1'"}
    assert warnings(b"web: run # now\n") == [
        'Procfile:1:9: " #" within a command is passed on, not cut. '
        "Put comments on lines of their own, beginning with #."
    ]


def test_leading_blanks_are_accepted_with_a_warning():
    assert targets(b"  web: a\n") == {"web": "a"}
    assert warnings(b"  web: a\n") == ["Procfile:1:1: blanks before the target name. Remove them."]


def test_a_name_that_ends_in_a_hyphen_is_accepted_with_a_warning():
    assert warnings(b"web-: a\n") == [
        'Procfile:1:4: target name "web-" ends in "-". Other tools refuse such a name.'
    ]


def test_a_line_without_colon_is_refused():
    assert problems(b"web: a\n\nworker python app.py\n") == [
        'Procfile:3:7: expected "target: command", got "worker python app.py". '
        "Put a colon after the target name."
    ]


def test_a_colon_further_on_does_not_hide_the_missing_one():
    for line in (b"web curl http://x", b"web gunicorn app:app"):
        assert problems(line)[0].startswith('Procfile:1:4: expected "target: command"')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"a.b: x", '1:2: target name "a.b" has "."'),
        (b"-x: y", '1:1: target name "-x" has "-"'),
        (b"web : y", '1:4: "web " is no target name, as it has a blank'),
        (b"wo rker: y", '1:3: "wo rker" is no target name, as it has a blank'),
        ("wéb: y".encode(), '1:2: target name "wéb" has "é"'),
        (b": y", "1:1: no target name before the colon"),
        (b"n" * 64 + b": y", f'1:63: target name "{"n" * 39}…" has 64 characters'),
    ],
)
def test_a_bad_target_name_is_refused(line: bytes, message: str):
    assert problems(line) == [
        f'Procfile:{message}. Use 1 to 63 letters, digits, "-" or "_", beginning with a letter or digit.'
    ]


def test_a_name_of_63_characters_is_accepted():
    assert targets(b"n" * 63 + b": y") == {"n" * 63: "y"}


@pytest.mark.parametrize("line", [b"web:", b"web:  \t ", "web: \u00a0".encode()])
def test_a_target_without_command_is_refused(line: bytes):
    [problem] = problems(line)

    assert "no command after the colon. Write the command to run." in problem


def test_a_target_given_twice_is_refused_naming_both_lines():
    assert problems(b"web: a\nworker: b\nweb: c\n") == [
        'Procfile:3:1: target "web" is on line 1 already. Keep one of lines 1 and 3.'
    ]


@pytest.mark.parametrize("tail", [b"\\", b"\\  ", b"\\\\\\"])
def test_a_line_that_ends_in_a_backslash_is_refused(tail: bytes):
    [problem] = problems(b"web: run " + tail + b"\n")

    assert problem.endswith(
        'the line ends in "\\". A command ends with its line: write it on one line or call a script.'
    )


@pytest.mark.parametrize("marker", [b"<<<<<<< HEAD", b"=======", b">>>>>>> topic", b"||||||| base"])
def test_a_conflict_marker_is_refused_as_such(marker: bytes):
    assert problems(b"web: a\n" + marker + b"\n") == [
        f'Procfile:2:1: merge conflict marker "{marker.decode()}". '
        "Resolve the conflict and commit the file again."
    ]


@pytest.mark.parametrize(("byte", "name"), [(b"\0", "U+0000"), (b"\x1b", "U+001B"), (b"\xc2\x85", "U+0085")])
def test_control_characters_are_refused_even_in_comments(byte: bytes, name: str):
    assert problems(b"web: a\n#" + byte) == [f"Procfile:2:2: control character {name}. Remove it."]


def test_invalid_utf8_is_refused_with_its_column_in_characters():
    assert problems("web: ä".encode() + b"\xff\xfe") == [
        "Procfile:1:7: byte 0xff is not UTF-8. Save the file as UTF-8."
    ]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n \r\n", b"# nothing\n"])
def test_a_file_without_targets_is_refused(data: bytes):
    assert problems(data) == [
        'Procfile:1:1: the file names no target. Write one target a line, such as "web: python app.py".'
    ]


def test_a_file_of_1_mb_is_refused():
    assert problems(b"web: " + b"a" * (1 << 20)) == [
        "Procfile:1:1: the file has 1048581 bytes; 65536 are allowed. "
        "Move long commands into scripts and call those."
    ]


def test_a_file_at_the_limit_is_accepted():
    command = "a" * (MAX_BYTES - 5)

    assert targets(b"web: " + command.encode()) == {"web": command}


def test_all_problems_come_at_once_under_the_name_of_the_file():
    with pytest.raises(ProcfileInvalid) as refused:
        parse(b"web python app.py\n-a: \\\nok: b\nok: \n", "Procfile_staging")

    assert str(refused.value) == (
        'Procfile_staging:1:4: expected "target: command", got "web python app.py". '
        "Put a colon after the target name.\n"
        'Procfile_staging:2:1: target name "-a" has "-". '
        'Use 1 to 63 letters, digits, "-" or "_", beginning with a letter or digit.\n'
        'Procfile_staging:2:5: the line ends in "\\". '
        "A command ends with its line: write it on one line or call a script.\n"
        'Procfile_staging:4:1: target "ok" is on line 3 already. Keep one of lines 3 and 4.\n'
        "Procfile_staging:4:5: no command after the colon. Write the command to run."
    )


def test_more_problems_than_a_person_reads_are_counted():
    found = problems(b"nonsense\n" * 1000)

    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "Procfile:51:1: and 950 more. Mend those above first."


def test_a_line_of_nothing_but_strange_blanks_is_refused():
    assert problems("\u00a0\n".encode())[0].startswith(
        'Procfile:1:1: expected "target: command", got "\\u00a0"'
    )


def test_users_text_cannot_steer_the_terminal():
    assert '"web\\u202egpj"' in problems("web\u202egpj\n".encode())[0]


def test_a_stage_picks_its_own_file():
    assert stage_file("production") == "Procfile_production"


UNITS = (
    *(b"{{ ", b" ", b"\\", b"a:b\n", b"\r", b"<<<<<<< \n", b"\0\n", b"#", b" # ", b"'", b'"', b"&", b"; "),
    *(
        b"{{unique_int}}",
        b"{{UNIQ_IN}} ",
        b"gunicorn ",
        b"sidekiq -d",
        b"rake db:x ",
        b"web: -p 8 -p ",
        b"\xff",
    ),
    *(b"\xe6\x97\xa5 ", b"TTIN", b"w: {{\t\t", b"_:\n"),
)


def spent(work) -> float:
    """Processor time of this thread, so that nobody else's work counts."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


@pytest.mark.parametrize("unit", UNITS)
def test_files_of_any_size_are_read_without_delay(unit: bytes):
    """A full file takes about as long as a peer's parser, which looks at each line once, for 10 MB.

    A step whose time grows with the square of the length takes a hundred times as long.
    """
    full = (b"web: " + unit * MAX_BYTES)[:MAX_BYTES]
    large = unit * (TEN_MB // len(unit))
    peer = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")

    def read_and_show():
        found = read(full)
        for problem in (*found.problems, *found.warnings):
            problem.lines()
        uses_unique_int(full.decode("utf-8", "replace"))

    plain = spent(
        lambda: [peer.match(line) for line in ((b"a: b" * 15 + b"\n") * (TEN_MB // 61)).decode().splitlines()]
    )

    assert spent(read_and_show) < 5 * plain
    assert spent(lambda: read(large)) < plain


LINES = st.one_of(
    st.binary(max_size=20),
    st.text(max_size=20).map(str.encode),
    st.from_regex(r"[ \t]?[a-c_-]{1,2}[ ]?:[ \t]?[a-z\\#' \t]{0,8}", fullmatch=True).map(str.encode),
)


@given(
    st.lists(LINES).flatmap(
        lambda lines: st.sampled_from([b"\n", b"\r\n", b"\r"]).map(lambda end: end.join(lines))
    )
)
def test_anything_is_parsed_or_refused_with_places_and_survives_writing_out(data: bytes):
    try:
        procfile = parse(data)
    except ProcfileInvalid as refused:
        assert refused.problems
        assert all(str(problem).startswith("Procfile:") for problem in refused.problems)
        assert all(line.isprintable() for line in refused.lines())
        return
    assert procfile.targets
    for warning in procfile.warnings:
        assert all(line.isprintable() for line in warning.lines())
    assert parse(render(procfile.targets)).targets == procfile.targets


@settings(deadline=None)
@given(st.from_regex(r"[ -~]{1,40}", fullmatch=True))
def test_any_printable_command_arrives_whole(command: str):
    try:
        [target] = parse(b"web: " + command.encode()).targets
    except ProcfileInvalid:
        assert not command.strip() or command.rstrip().endswith("\\")
    else:
        assert target.command == command.strip()


def test_bash_gets_a_command_as_written():
    [target] = parse(b"web: A='x # y'; echo \"$A;\" $(echo 5%) # tail\n").targets

    assert subprocess.check_output(["bash", "-c", target.command], text=True) == "x # y; 5%\n"


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
commands = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip()) and text == text.strip(" \t") and not text.endswith("\\")
)


@given(st.dictionaries(names, commands, min_size=1))
def test_what_is_written_out_is_read_as_it_was(said: dict[str, str]):
    wished = tuple(Target(name, command) for name, command in said.items())

    assert parse(render(wished)).targets == wished
    assert render(parse(render(wished)).targets) == render(wished)


def test_problems_and_warnings_of_one_file_are_found_together():
    found = read(b" web: a\nworker\nclock: b\n")

    assert [target.name for target in found.targets] == ["web", "clock"]
    assert [problem.line for problem in found.problems] == [2]
    assert [warning.line for warning in found.warnings] == [1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"web: a\nWEB: b\n", 'Procfile:2:1: target name "WEB" differs from "web" by case only.'),
        (b"Web: a\n", 'Procfile:1:1: "Web" is a worker like any other: "web" alone is told a port.'),
    ],
)
def test_a_name_that_reads_like_another_is_warned_of(data: bytes, said: str):
    (warning,) = warnings(data)

    assert warning.startswith(said)
