"""`stratum lint`, in a folder of its own; no server is there to ask."""

import json

import pytest
from click.testing import CliRunner

from stratum.cli.commands import stratum


@pytest.fixture
def lint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STRATUM_URL", raising=False)

    def run(*arguments: str, stdin: bytes = b""):
        return CliRunner().invoke(stratum, ["lint", *arguments], input=stdin, catch_exceptions=False)

    return run


def test_a_sound_procfile_is_told_with_its_targets(lint, tmp_path):
    (tmp_path / "Procfile").write_text("web: a\nclock: b\n")

    done = lint()

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Procfile: web, clock\n")


def test_problems_and_warnings_come_in_the_order_of_the_lines_and_only_problems_fail(lint):
    done = lint("-", stdin=b"web: a # b\nworker\n")
    warned = lint("-", stdin=b"web: a # b\n")

    assert done.exit_code == 1
    assert done.stdout == (
        'Procfile:1:7: warning: " #" within a command is passed on, not cut. '
        "Put comments on lines of their own, beginning with #.\n"
        "   1 | web: a # b\n"
        "     |       ^\n"
        'Procfile:2:7: error: expected "target: command", got "worker". Put a colon after the target name.\n'
        "   2 | worker\n"
        "     |       ^\n"
    )
    assert done.stderr == "A push would be rejected.\n"
    assert warned.exit_code == 0
    assert warned.stderr == "Procfile: web\n"


def test_json_has_each_place(lint):
    done = lint("-", "--json", stdin=b"web\n")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {
            "severity": "error",
            "file": "Procfile",
            "line": 1,
            "column": 4,
            "message": 'expected "target: command", got "web"',
            "mend": "Put a colon after the target name",
        }
    ]


def test_the_file_of_a_stage_goes_before_the_other(lint, tmp_path):
    (tmp_path / "Procfile").write_text("web: a\n")
    (tmp_path / "Procfile_staging").write_text("clock: b\n")

    assert lint("--stage", "staging").stderr == "Procfile_staging: clock\n"
    assert lint("--stage", "production").stderr == "Procfile: web\n"
    assert lint("Procfile_staging").stderr == "Procfile_staging: clock\n"
    assert lint("Procfile", "--stage", "staging").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is no Procfile in this folder."),
        (("--stage", "x"), "There is no Procfile_x and no Procfile in this folder."),
        (("nope",), "nope cannot be read: No such file or directory."),
        (("/",), "/ cannot be read: Is a directory."),
        (("a\0b",), "cannot be read"),
        (("--stage", "a\0b"), "cannot name a stage"),
        (("--stage", "a" * 300), "cannot name a stage"),
    ],
)
def test_what_is_not_there_is_said(lint, arguments, said):
    done = lint(*arguments)

    assert done.exit_code == 1
    assert said in done.stderr


def test_a_file_that_is_no_procfile_at_all_is_refused(lint, tmp_path):
    (tmp_path / "Procfile").write_bytes(bytes(range(256)) * 100)

    assert lint().exit_code == 1
    assert "\x1b" not in lint().stdout


@pytest.mark.timeout(30)
def test_a_file_without_end_is_read_no_further_than_needed(lint):
    result = lint("/dev/zero")

    assert result.exit_code != 0
    assert "65536 are allowed" in result.output


def test_app_json_is_checked_with_the_procfile(lint, tmp_path):
    (tmp_path / "Procfile").write_text("web: a\n")
    (tmp_path / "app.json").write_text('{"healthchecks": {"web": [{}], "wroker": [{"uptime": 1}]}}')

    done = lint()

    said = '"wroker" is a target of which no process is made. There are: web.'
    assert (done.exit_code, done.stdout) == (0, f"app.json: warning: {said}\n")
    assert done.stderr == "Procfile: web\napp.json: web, wroker\n"


def test_problems_of_app_json_are_shown_where_they_stand(lint, tmp_path):
    (tmp_path / "app.json").write_text('{"formation": {\n "web": {"strategy": "both"}}}')
    wrong = 'formation.web.strategy: "both" is no strategy'
    said = f"app.json:2:22: error: {wrong}. There are: overlap, replace.\n"

    for done in (lint(), lint("app.json"), lint(str(tmp_path / "app.json"))):
        assert done.exit_code == 1
        assert done.stdout == said + '   2 |  "web": {"strategy": "both"}}}\n     |                      ^\n'
        assert done.stderr == "A push would be rejected.\n"
    (row,) = json.loads(lint("--json").stdout)
    assert row == {
        "severity": "error",
        "file": "app.json",
        "line": 2,
        "column": 22,
        "message": wrong,
        "mend": "There are: overlap, replace",
    }


def test_what_is_wrong_with_all_of_app_json_has_no_place(lint, tmp_path):
    (tmp_path / "app.json").write_text("[]")

    assert lint().stdout == 'app.json: error: it is no object. Write it as {"healthchecks": {…}}.\n'
    (row,) = json.loads(lint("--json").stdout)
    assert (row["line"], row["column"]) == (None, None)


def test_an_app_json_that_leads_to_nothing_is_told(lint, tmp_path):
    (tmp_path / "Procfile").write_text("web: a\n")
    (tmp_path / "app.json").symlink_to("nothing")

    done = lint()

    assert (done.exit_code, done.stdout) == (1, "")
    assert "app.json cannot be read: No such file or directory." in done.stderr


def test_an_app_json_of_other_tools_is_sound(lint, tmp_path):
    (tmp_path / "app.json").write_text('{"name": "shop", "env": {}}')

    assert lint().stderr == "app.json: nothing of targets\n"
