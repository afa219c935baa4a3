"""Upkeep with real gits: few packs, nothing lost, never in the way."""

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress

import pytest

from gitserver.git.repos import ensure_repo
from hooks.care import processes, upkeep
from hooks.care.processes import MARK
from hooks.care.tender import Tender
from hooks.care.turns import BUSY_AFTER, Turns
from hooks.care.upkeep import Due
from hooks.refs import keep, kept
from stratum.model import BuildState
from stratum.ownership import process_name
from stratum.store import builds
from stratum.store.kept import NEWEST
from tests.repos import commit, git
from tests.waiting import wait_until

LONG_AGO = time.time() - 60 * 24 * 3600


@pytest.fixture
def source(web, repo):
    made = web.source("source")
    git(repo, "config", "receive.unpackLimit", "1")
    git(repo, "config", "core.logAllRefUpdates", "always")
    git(made, "remote", "add", "origin", str(repo))
    return made


@pytest.fixture
def tender(web):
    return Tender(web.instance.layout, web.db, Turns())


def push(source, number, *options):
    made = commit(source, {"file": f"{number}\n", f"big{number % 7}": f"{number}" * 2000})
    git(source, "push", "-q", *options, "origin", "master")
    return made


def queue(web, app, made):
    with web.db.write() as tx:
        return builds.add_build(tx, app.id, made, source="push", who="admin").number


def end_all_builds(web, app):
    with web.db.write() as tx:
        while build := builds.claim_next(tx, app.id, "a"):
            builds.finish(tx, build, BuildState.FAILED)


def packs(repo):
    return list((repo / "objects/pack").glob("*.pack"))


def weeks_pass(monkeypatch):
    """Have upkeep take all that there is for old."""
    steps = [[word.replace(upkeep.EXPIRE, "now") for word in step] for step in upkeep.STEPS[Due.WHOLE]]
    monkeypatch.setitem(upkeep.STEPS, Due.WHOLE, steps)


def has(repo, made):
    return (
        subprocess.run(["git", "cat-file", "-e", made], cwd=repo, check=False, capture_output=True).returncode
        == 0
    )


def has_all(repo, made):
    """Ask one git about all of them: as many processes would take longer than the rest of a test."""
    said = git(repo, "cat-file", "--batch-check", stdin="\n".join(made).encode())
    return len(said.splitlines()) == len(made) and "missing" not in said


def sound(repo):
    git(repo, "fsck", "--strict", "--connectivity-only")
    return True


def test_many_pushes_leave_few_packs_and_lose_nothing(web, app, repo, source, tender, monkeypatch):
    """With a forced push in the middle, whose old commits are still to be built."""
    made = []
    for number in range(120):
        if number == 60:
            git(source, "reset", "-q", "--hard", "HEAD~30")
        made.append(push(source, number, "--force"))
        queue(web, app, made[-1])
        tender.look()
    tender.look()

    assert len(packs(repo)) <= upkeep.MANY_PACKS
    assert tender.tend(repo, Due.JOIN)
    assert len(packs(repo)) < 10
    weeks_pass(monkeypatch)
    assert tender.tend(repo, Due.WHOLE)
    assert len(packs(repo)) <= 2
    assert has_all(repo, made)
    assert sound(repo)
    assert git(repo, "rev-list", "--count", "master") == git(source, "rev-list", "--count", "HEAD")
    git(source, "clone", "-q", str(repo), "clone")


def test_what_nothing_needs_is_gone_after_two_weeks(web, app, repo, source, tender, monkeypatch):
    dropped = push(source, 1)
    wanted = queue(web, app, push(source, 2))
    git(source, "reset", "-q", "--hard", "HEAD~2")
    push(source, 3, "--force")
    git(source, "push", "-q", "origin", f"{dropped}:refs/heads/a")
    git(source, "push", "-q", "origin", "--delete", "a")
    git(source, "checkout", "-q", "--orphan", "other")
    other = commit(source, {"other": "x"})
    git(source, "push", "-q", "origin", "other")
    git(source, "push", "-q", "origin", "--delete", "other")

    assert tender.tend(repo, Due.WHOLE)
    assert has(repo, other)
    assert len(list((repo / "objects/pack").glob("*.mtimes"))) == 1
    assert tender.tend(repo, Due.JOIN)
    assert len(list((repo / "objects/pack").glob("*.mtimes"))) == 1
    weeks_pass(monkeypatch)
    assert tender.tend(repo, Due.WHOLE)
    assert not has(repo, other)
    assert has(repo, dropped)
    assert list(kept(repo)) == [wanted]
    assert sound(repo)


def test_refs_of_builds_are_made_and_removed_as_the_database_says(web, app, repo, source, tender):
    made = push(source, 1)
    for _ in range(NEWEST + 3):
        queue(web, app, made)
    lost = "1" * 40
    queue(web, app, lost)  # its repository was restored from an old backup, say
    keep(repo, 1000, made)
    assert tender.tend(repo, Due.WHOLE)
    assert sorted(kept(repo)) == list(range(1, NEWEST + 4))

    end_all_builds(web, app)
    assert tender.tend(repo, Due.WHOLE)
    assert sorted(kept(repo)) == list(range(5, NEWEST + 4))


def test_a_push_ends_an_upkeep_at_work(web, app, repo, source, tender, monkeypatch):
    push(source, 1)
    turns = tender._turns
    outcome: list[bool] = []
    hold_open(monkeypatch)
    thread = threading.Thread(target=lambda: outcome.append(tender.tend(repo, Due.JOIN)))
    thread.start()
    wait_until(lambda: tending_pids(web))
    with turns.receiving(repo):
        assert tending_pids(web) == []
        push(source, 2)
        assert not tender.tend(repo, Due.JOIN)
    thread.join()

    assert outcome == [False]
    assert sound(repo)


def hold_open(monkeypatch):
    """Have upkeep be a git that works for a long time."""
    long = ["sh", "-c", "git rev-parse --git-dir >/dev/null; sleep 60"]
    monkeypatch.setattr(upkeep, "program", lambda *_, **__: long)


def tending_pids(web):
    repos = web.instance.layout.repos.resolve()
    return [worker.pid for worker in processes.at_work(repos) if worker.tends]


@pytest.mark.parametrize("what", list(Due))
def test_kill_9_at_any_moment_of_an_upkeep_loses_nothing(web, app, repo, source, tender, what):
    """Killed a little later each time, and cleared as a new web process does, until one comes to its end."""
    made: list[str] = []
    delay_s, kills, tries = 0.0, 0, 0
    while not kills and tries < 10:  # one may end before a busy machine has looked for what to kill
        tries += 1
        for number in range(12):
            made.append(push(source, 1000 * tries + number))
            queue(web, app, made[-1])
        while not killed_after(delay_s, web, repo, tender, what):
            kills += 1
            delay_s += 0.01
            tender.clear()
            assert has_all(repo, made)
            made.append(push(source, 100 + kills))
            queue(web, app, made[-1])

    assert kills
    assert has_all(repo, made)
    assert sound(repo)
    assert tender.tend(repo, Due.WHOLE)
    assert [path.name for path in (repo / "objects").rglob("*tmp*")] == []


@pytest.mark.parametrize("what", list(Due))
def test_a_pack_that_a_kill_left_without_its_index_is_taken_up_again(web, app, repo, source, tender, what):
    """Nothing is removed for being without one: here, all that there is."""
    made = [push(source, number) for number in range(3)]
    for index in (repo / "objects/pack").glob("*.idx"):
        index.unlink()
    assert not has_all(repo, made)

    assert tender.tend(repo, what)
    assert has_all(repo, made)
    assert sound(repo)
    assert tender.tend(repo, Due.WHOLE)
    assert len(packs(repo)) == 1


def test_a_damaged_pack_without_an_index_is_named_and_keeps_no_others_from_being_joined(
    web, app, repo, source, tender, caplog
):
    push(source, 1)
    pack = packs(repo)[0]
    for number in range(2, 4):
        push(source, number)
    pack.with_suffix(".idx").unlink()
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:100])

    assert not tender.tend(repo, Due.JOIN)
    assert len(packs(repo)) == 2  # the others have been joined
    assert pack.name in caplog.text
    assert "early EOF" in caplog.text
    assert pack.exists()
    assert list((repo / "objects/pack").glob("tmp_*")) == []


def killed_after(delay_s, web, repo, tender, what):
    """Tend, and kill all of it after a while; whether it came to its end before."""
    outcome: list[bool] = []
    thread = threading.Thread(target=lambda: outcome.append(tender.tend(repo, what)))
    thread.start()
    deadline = time.monotonic() + delay_s
    while thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.001)
    while thread.is_alive():
        for pid in tending_pids(web):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    thread.join()
    return outcome == [True]


def test_a_new_web_process_ends_the_upkeep_that_was_left_and_waits_for_the_push(web, app, repo, tender):
    left = subprocess.Popen(
        ["sleep", "60"], cwd=repo / "objects", env={"PATH": os.environ["PATH"], MARK: "1"}
    )
    receive = subprocess.Popen(["sleep", "60"], cwd=repo)
    try:
        tender.clear()
        assert left.wait() == -signal.SIGKILL
        assert receive.poll() is None
        assert tender._orphans == {repo: [process_name(receive.pid)]}
        stamp(repo)
        tender.look()
        assert upkeep.due(repo) is Due.WHOLE
    finally:
        left.kill()
        receive.kill()
        receive.wait()
    tender.look()

    assert upkeep.due(repo) is None


def stamp(repo, then=LONG_AGO):
    (repo / upkeep.STAMP).touch()
    os.utime(repo / upkeep.STAMP, (then, then))


def test_upkeep_is_due_by_packs_and_once_a_week(repo, source, monkeypatch):
    assert upkeep.due(repo) is None
    assert (repo / upkeep.STAMP).exists()
    monkeypatch.setattr(upkeep, "MANY_PACKS", 2)
    for number in range(3):
        assert upkeep.due(repo) is None
        push(source, number)
    assert upkeep.due(repo) is Due.JOIN

    stamp(repo)
    assert upkeep.due(repo) is Due.WHOLE
    upkeep.done(repo, Due.WHOLE)
    assert upkeep.due(repo) is Due.JOIN


def test_packs_that_somebody_keeps_are_not_counted(repo, source, monkeypatch):
    """None of them would be joined, so that it would be due again at once."""
    monkeypatch.setattr(upkeep, "MANY_PACKS", 2)
    for number in range(3):
        push(source, number)
    assert upkeep.due(repo) is Due.JOIN

    for pack in packs(repo):
        pack.with_suffix(".keep").write_text("by me\n")
    assert upkeep.due(repo) is None


def test_packs_that_killed_pushes_left_kept_are_joined(web, repo, source, tender):
    for number in range(3):
        push(source, number)
    for pack in packs(repo):
        pack.with_suffix(".keep").write_text("receive-pack 4711 on here\n")
    tender.clear()

    assert tender.tend(repo, Due.JOIN)
    assert (len(packs(repo)), list((repo / "objects/pack").glob("*.keep"))) == (1, [])


def test_a_row_of_pushes_without_a_gap_leaves_few_packs(repo, source, tender, monkeypatch):
    """Each upkeep that is not urgent meets a push; what is urgent meets none, the receives wait for it."""
    monkeypatch.setattr(upkeep, "MANY_PACKS", 2)
    monkeypatch.setattr(upkeep, "TOO_MANY_PACKS", 5)
    most = 0
    for number in range(20):
        push(source, number)
        most = max(most, len(packs(repo)))
        if upkeep.due(repo) is Due.JOIN:
            with tender._turns.receiving(repo):
                tender.look()
        else:
            tender.look()

    assert most == 6
    assert sound(repo)


def test_too_many_packs_are_urgent_even_when_all_is_due(repo, source, monkeypatch):
    monkeypatch.setattr(upkeep, "TOO_MANY_PACKS", 2)
    stamp(repo)
    for number in range(3):
        assert upkeep.due(repo) is Due.WHOLE
        push(source, number)

    assert upkeep.due(repo) is Due.URGENT


def test_who_is_waited_for_works_at_usual_priority():
    assert "nice" in upkeep.program("repack")
    assert not {"nice", "ionice"} & set(upkeep.program("repack", idly=False))


def test_a_repository_that_is_pushed_to_much_is_looked_at_sooner(repo, source, tender, monkeypatch):
    stamp(repo)
    for _ in range(BUSY_AFTER):
        with tender._turns.receiving(repo):
            pass
    tender.look_at_busy(60)

    assert upkeep.due(repo) is None


def test_a_busy_repository_is_let_be_for_a_while(web, repo, tender, monkeypatch):
    stamp(repo)
    with tender._turns.receiving(repo):
        tender.look()
    tender.look()
    assert upkeep.due(repo) is Due.WHOLE

    tender._not_before.clear()
    tender.look()
    assert upkeep.due(repo) is None


@pytest.mark.parametrize("name", ["HEAD", "packed-refs"])
def test_a_broken_repository_does_not_keep_the_others_waiting(web, app, repo, tender, name):
    other = ensure_repo(web.instance, web.new_app())
    stamp(repo)
    stamp(other)
    (repo / name).write_text("nonsense\n")
    tender.look()

    assert upkeep.due(repo) is Due.WHOLE
    assert upkeep.due(other) is None
