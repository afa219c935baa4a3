"""Hook scripts for what has happened: run for each piece of news, once, whatever becomes of them."""

import json

from hooks.outgoing.scripts import HookScripts
from stratum.hookscripts import running
from stratum.store import environments, news
from tests.hookscripts import write_script
from tests.news import end_build


def look(telling):
    scripts = HookScripts(telling.side.instance, telling.side.db)
    scripts.look()
    scripts.wait()


def test_each_piece_of_news_runs_the_scripts_of_its_kind_once(telling, tmp_path):
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-fails", "echo first; exit 1")
    write_script(
        folder,
        "build.failed/20-tells",
        f'echo "$STRATUM_APP $STRATUM_BUILD $STRATUM_ERROR" >> {tmp_path}/told',
    )
    write_script(folder, "release.live/10-keeps", f"cat > {tmp_path}/release")
    end_build(telling.side, telling.app, error="It's $(touch /tmp/pwned)")
    telling.side.release(telling.app)

    look(telling)
    look(telling)

    assert (tmp_path / "told").read_text() == "app02 1 It's $(touch /tmp/pwned)\n"
    said = json.loads((tmp_path / "release").read_text())
    assert (said["type"], said["data"]["release"]["version"]) == ("release.live", 1)
    log = (telling.side.instance.layout.hook_logs / "build.failed.log").read_text().splitlines()
    assert "build.failed/10-fails for MyProdEnv/app02: ended with exit code 1" in log[0]
    assert log[1] == "first"
    assert "build.failed/20-tells for MyProdEnv/app02: succeeded" in log[2]


def test_news_is_read_where_there_is_no_script_so_that_a_new_one_meets_no_old_news(telling, tmp_path):
    end_build(telling.side, telling.app)
    look(telling)
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-tells", f"echo $STRATUM_BUILD >> {tmp_path}/told")
    end_build(telling.side, telling.app)

    look(telling)

    assert (tmp_path / "told").read_text() == "2\n"


def test_a_script_that_was_cut_off_is_run_once_more(telling, tmp_path):
    """The news is marked as read when its scripts have ended; nothing of that was recorded here."""
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-tells", f"echo $STRATUM_BUILD >> {tmp_path}/told")
    end_build(telling.side, telling.app)
    look(telling)
    with telling.side.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM news_readers")
    look(telling)

    assert (tmp_path / "told").read_text() == "1\n1\n"


def test_a_slow_one_is_ended_and_the_next_runs(telling, tmp_path):
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-slow", "sleep 1000")
    write_script(folder, "build.failed/20-tells", f"echo $STRATUM_BUILD >> {tmp_path}/told")
    for limit_s in (1, 10, 60):  # the second has the same, and may be slow to start
        telling.set(hook_timeout_s=limit_s)
        end_build(telling.side, telling.app)
        look(telling)
        if (tmp_path / "told").exists():
            break

    assert (tmp_path / "told").exists()
    log = (telling.side.instance.layout.hook_logs / "build.failed.log").read_text()
    assert f"10-slow for MyProdEnv/app02: was ended after {limit_s} s" in log


def test_an_app_that_is_gone_runs_none(telling, tmp_path):
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-tells", f"touch {tmp_path}/told")
    end_build(telling.side, telling.app)
    with telling.side.db.write() as tx:
        environments.remove_app(tx, telling.app.id)

    look(telling)

    assert not (tmp_path / "told").exists()
    with telling.side.db.read() as tx:
        assert not news.is_unread(tx, "hook scripts")


def test_one_that_ends_in_a_way_nobody_foresaw_holds_up_no_other(telling, tmp_path, monkeypatch):
    folder = telling.side.instance.layout.hook_scripts
    write_script(folder, "build.failed/10-tells", f"echo $STRATUM_BUILD >> {tmp_path}/told")
    end_build(telling.side, telling.app, error="first")
    end_build(telling.side, telling.app)

    def run(path, variables, *others):
        if variables["STRATUM_ERROR"] == "first":
            raise ValueError
        return running.run(path, variables, *others)

    monkeypatch.setattr("stratum.hookscripts.runner.run", run)
    look(telling)

    assert (tmp_path / "told").read_text() == "2\n"
