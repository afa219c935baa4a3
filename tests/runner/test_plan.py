"""The plan: which processes an app should have."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runner.plan import (
    Process,
    diff,
    known,
    plan,
    port_names,
    prefix,
    stops_late,
    wished_slots,
)
from stratum.model import (
    App,
    Contents,
    Environment,
    Formation,
    Release,
    ReleaseState,
    Slot,
    Strategy,
    Target,
    TargetSettings,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
APP = App(2, "app02", Environment(1, "MyProdEnv", "production", False, NOW), "master", None, False, NOW)
TARGETS = (
    Target("web", "python app.py"),
    Target("mailer", "mail -i {{UNIQUE_INT}}"),
    Target("clock", "sleep 1"),
)
SCALES = st.fixed_dictionaries({target.name: st.integers(0, 4) for target in TARGETS})


def release(version: int = 3, targets: tuple[Target, ...] = TARGETS) -> Release:
    state = ReleaseState.LIVE
    return Release(9, 2, version, None, "c" * 40, "s" * 64, 0, targets, "push", "me", state, NOW, "app02")


def numbers(slots: list[Slot]) -> dict[Slot, int]:
    return {slot: number for number, slot in enumerate(slots, start=1)}


def planned(
    scales: dict[str, int], of: Release | None = None, taken: dict[Slot, int] | None = None
) -> list[Process]:
    made, formation = of or release(), Formation(scales)
    ports = {name: 20001 + n for n, name in enumerate(port_names(APP, made, formation))}
    return plan(APP, made, formation, taken or numbers(wished_slots(made, formation)), ports)


def test_one_process_of_each_kind() -> None:
    assert planned({"web": 1, "mailer": 1, "gone": 3}) == [
        Process("MyProdEnv.app02.v3.web.1", "web", 1, 1, "python app.py", Strategy.OVERLAP, 20001),
        Process("MyProdEnv.app02.v3.mailer.1", "mailer", 1, 2, "mail -i 2", Strategy.REPLACE, 0),
    ]


def test_the_release_phase_is_none_of_them_whatever_is_wished() -> None:
    phased = release(targets=(Target("release", "migrate"), *TARGETS))
    assert wished_slots(phased, Formation({"release": 2, "clock": 1})) == [Slot("clock", 1)]


def test_web_that_asks_for_an_integer_is_replaced() -> None:
    (web,) = planned({"web": 1}, release(targets=(Target("web", "serve --id={{ UNIQUE_INT }}"),)))
    assert (web.strategy, web.command, web.port) == (Strategy.REPLACE, "serve --id=1", 20001)
    old = known("MyProdEnv.app02.v2.web.1")
    assert not stops_late(old, [web])
    assert stops_late(known("MyProdEnv.app02.v2.web.2"), [web])
    assert stops_late(old, [])


def test_only_web_that_its_integer_keeps_from_overlapping_is_replaced_by_turns() -> None:
    def turns(target: Target, strategy: Strategy | None = None) -> bool:
        told = Formation({target.name: 1}, told={target.name: TargetSettings(strategy=strategy)})
        made = release(targets=(target,))
        (one,) = plan(
            APP, made, told, {Slot(target.name, 1): 1}, dict.fromkeys(port_names(APP, made, told), 1)
        )
        return one.by_turns

    numbered = Target("web", "serve {{UNIQUE_INT}}")
    assert turns(numbered) and turns(numbered, Strategy.OVERLAP)
    assert not turns(numbered, Strategy.REPLACE)
    assert not turns(Target("web", "serve"), Strategy.REPLACE)
    assert not turns(Target("mailer", "mail -i {{UNIQUE_INT}}"))


@given(SCALES, SCALES)
def test_scale_up_leaves_earlier_processes_equal(first: dict[str, int], more: dict[str, int]) -> None:
    raised = {target: first[target] + more[target] for target in first}
    before = wished_slots(release(), Formation(first))
    taken = numbers(before)
    for slot in wished_slots(release(), Formation(raised)):
        taken.setdefault(slot, len(taken) + 1)
    ports = {name: 20000 + known(name).index for name in port_names(APP, release(), Formation(raised))}

    two = plan(APP, release(), Formation(first), taken, ports)
    three = plan(APP, release(), Formation(raised), taken, ports)

    assert set(two) <= set(three)
    change = diff(three, {process.name for process in two})
    assert (set(change.keep), set(change.start), change.stop) == (set(two), set(three) - set(two), ())


@given(SCALES)
def test_names_and_integers_are_unique_and_names_tell_what_they_name(scales: dict[str, int]) -> None:
    processes = planned(scales)
    assert len({process.name for process in processes}) == sum(scales.values())
    assert len({process.unique_int for process in processes}) == len(processes)
    for process in processes:
        told = known(process.name)
        assert (told.version, told.slot, told.label) == (3, process.slot, process.label)
        assert process.name.startswith(prefix(APP, release()))
        assert bool(process.port) == (process.target == "web")


@given(SCALES)
def test_a_new_release_starts_all_and_stops_all(scales: dict[str, int]) -> None:
    old, new = planned(scales), planned(scales, release(4))
    change = diff(new, {process.name for process in old})
    assert (change.keep, change.start) == ((), tuple(new))
    assert {one.name for one in change.stop} == {process.name for process in old}
    assert [process.unique_int for process in new] == [process.unique_int for process in old]


def test_scale_down_stops_the_highest_index_first() -> None:
    names = {process.name for process in planned({"clock": 4, "web": 2})}
    change = diff(planned({"clock": 1, "web": 1}), names)
    assert [one.label for one in change.stop] == ["clock.4", "clock.3", "clock.2", "web.2"]


def strategies(asked: dict[str, str], told: dict[str, str]) -> dict[str, Strategy]:
    def of(said: dict[str, str]) -> dict[str, TargetSettings]:
        return {name: TargetSettings(strategy=Strategy(strategy)) for name, strategy in said.items()}

    made = replace(release(), contents=Contents(settings=of(asked)))
    formation = Formation(dict.fromkeys(made.process_names(), 1), told=of(told))
    ports = {name: 20001 for name in port_names(APP, made, formation)}
    few = plan(APP, made, formation, numbers(wished_slots(made, formation)), ports)
    return {one.target: one.strategy for one in few}


def test_a_strategy_is_the_apis_else_app_jsons_and_never_overlap_where_an_integer_is_used() -> None:
    overlap, replaced = Strategy.OVERLAP, Strategy.REPLACE
    usual = {"web": overlap, "mailer": replaced, "clock": replaced}
    assert strategies({}, {}) == usual
    assert strategies({"web": "replace", "mailer": "overlap", "clock": "overlap"}, {}) == {
        "web": replaced,
        "mailer": replaced,
        "clock": overlap,
    }
    assert strategies({"web": "replace"}, {"web": "overlap", "mailer": "overlap"}) == usual


def test_what_overlaps_goes_on_until_the_router_has_switched() -> None:
    made = replace(
        release(), contents=Contents(settings={"clock": TargetSettings(strategy=Strategy.OVERLAP)})
    )
    few = planned({"web": 1, "clock": 1, "mailer": 1}, made)
    late = [target for target in ("web", "clock", "mailer") if stops_late(known(f"E.a.v2.{target}.1"), few)]
    assert late == ["web", "clock"]
