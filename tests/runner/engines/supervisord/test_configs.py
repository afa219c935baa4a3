from types import SimpleNamespace
from typing import Any

from runner.engines.supervisord import configs
from runner.engines.supervisord.configs import Configs


def section(name: str) -> Any:
    return SimpleNamespace(name=name)


class Options:
    """As much of supervisord's as reads its sections."""

    def __init__(self) -> None:
        self.process_group_configs: Any = [section("_web")]
        self.calls: list[object] = []

    def process_config(self, **how: object) -> None:
        self.calls.append(how)
        self.process_group_configs = [section("_web"), section("E.a.v1.web.1")]


def test_sections_come_and_go_by_name_and_keep_their_order() -> None:
    first, second = section("a"), section("b")
    known = Configs([first, second])
    other = section("a")

    known.put(other)
    known.put(section("c"))
    known.drop("b")
    known.drop("unknown")

    assert [config.name for config in known] == ["a", "c"]
    assert next(iter(known)) is other


def test_before_supervisord_reads_its_file_that_is_up_to_date_and_after_it_sections_have_names() -> None:
    options = Options()
    configs.install(options, lambda: options.calls.append("caught up"))

    options.process_config(do_usage=False)

    assert options.calls == ["caught up", {"do_usage": False}]
    options.process_group_configs.drop("_web")
    assert [config.name for config in options.process_group_configs] == ["E.a.v1.web.1"]
