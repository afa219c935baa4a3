"""A hook script is run to its end, with all that it starts, and no longer than it may."""

from pathlib import Path

import pytest

from stratum.hookscripts import kept
from stratum.hookscripts.kept import keep
from stratum.hookscripts.running import MAX_OUTPUT_BYTES, Ended, run
from tests.hookscripts import write_script
from tests.waiting import wait_until


@pytest.fixture
def ran(tmp_path):
    def ran(*lines, limit_s=60, told="{}", look=bool, **environ):
        path = write_script(tmp_path / "hooks.d", "pre-build/a", *lines)
        return run(path, {"PATH": "/usr/bin:/bin", **environ}, told, limit_s, look)

    return ran


def is_gone(pid_file: Path) -> bool:
    try:
        return Path("/proc", pid_file.read_text().strip(), "stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_it_has_variables_and_all_of_it_on_its_input_and_nothing_of_ours(ran, monkeypatch):
    monkeypatch.setenv("SECRET", "ours")
    told = '{"a": "%s"}' % ("x" * 200_000)

    ended = ran('echo "$A$SECRET"; wc -c; pwd; echo oops >&2', told=told, A="it's $(b)")

    assert ended.trouble == ""
    assert ended.output.decode().split("\n") == ["it's $(b)", str(len(told)), "/", "oops", ""]


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("exit 3", "ended with exit code 3 after"),
        ("kill -TERM $$", "was ended by SIGTERM after"),
        ("kill -40 $$", "was ended by signal 40 after"),
    ],
)
def test_how_it_ended_is_told_with_what_it_printed(ran, line, trouble):
    ended = ran("echo why", line)

    assert ended.trouble.startswith(trouble)
    assert ended.output == b"why\n"


def test_it_is_ended_in_time_with_what_it_has_started(ran, tmp_path):
    line = f"sleep 1000 & echo $! > {tmp_path}/pid; echo begun; wait"
    tries = (ran(line, limit_s=limit_s) for limit_s in (1, 10, 60))  # it may be slow to start
    ended = next(one for one in tries if one.output)

    assert ended.trouble.startswith("was ended after ")
    assert ended.output == b"begun\n"
    wait_until(lambda: is_gone(tmp_path / "pid"))


def test_what_it_leaves_running_ends_with_it_and_holds_nothing_up(ran, tmp_path):
    ended = ran(f"sleep 1000 & echo $! > {tmp_path}/pid")

    assert ended.trouble == ""
    wait_until(lambda: is_gone(tmp_path / "pid"))


def test_one_that_closes_its_output_is_awaited(ran, tmp_path):
    assert ran(f"exec >&- 2>&-; sleep 0.3; touch {tmp_path}/done").trouble == ""
    assert (tmp_path / "done").exists()


def test_who_looks_on_can_end_it(ran, tmp_path):
    class Enough(Exception):
        pass

    def look():
        if (tmp_path / "pid").exists():
            raise Enough

    with pytest.raises(Enough):
        ran(f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 1000", look=look)

    wait_until(lambda: is_gone(tmp_path / "pid"))


def test_much_output_is_read_and_the_beginning_kept(ran):
    ended = ran("head -c 3000000 /dev/zero; echo end")

    assert ended.trouble == ""
    assert len(ended.output) == MAX_OUTPUT_BYTES


def test_what_is_no_program_is_told(tmp_path):
    path = tmp_path / "a"
    path.write_text("#!/nowhere\n")
    path.chmod(0o755)

    assert "ended with exit code" in run(path, {"PATH": "/usr/bin:/bin"}, "", 60, bool).trouble


def test_what_it_printed_is_kept_harmless_and_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MAX_BYTES", 10)
    keep(tmp_path, "pre-build/a", "E/app", Ended("", 0.25, b"one\x1b[2J\n"))
    keep(tmp_path, "pre-build/b", "E/app", Ended("ended with exit code 1 after 0.1 s", 0.1, b"two"))

    first, second = ((tmp_path / name).read_text() for name in ("pre-build.log.1", "pre-build.log"))
    assert first.splitlines()[0].endswith("UTC pre-build/a for E/app: succeeded after 0.2 s")
    assert first.splitlines()[1].startswith("one") and "\x1b" not in first
    assert second.splitlines()[0].endswith("pre-build/b for E/app: ended with exit code 1 after 0.1 s")
    assert second.splitlines()[1] == "two"


def test_a_folder_that_takes_nothing_is_no_trouble(tmp_path, caplog):
    keep(tmp_path / "gone", "pre-build/a", "E/app", Ended("", 0.1, b""))

    assert "the output of pre-build/a cannot be kept" in caplog.text
