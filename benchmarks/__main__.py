"""Runs the benchmarks that are named, or all, and prints their sections as Markdown."""

import argparse
import importlib
import sys

from benchmarks import machine, peer

NAMES = (
    *("git_transport", "first_line", "live_pushes", "deploy", "scale", "first_push_flask", "idle_memory"),
    *("checkout", "rebuild", "cold_install", "many_apps", "router"),
    *("circus", "programs", "switches", "supervisord_memory", "slow_rollout", "deliveries"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/run.sh", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--rounds", type=int, help="rounds of each, instead of its own number")
    given = parser.parse_args()
    names = given.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if "git_transport" in names and (missing := peer.missing()):
        sys.exit(f"bench: git_transport is compared with nginx, and there is no {missing}.\n{peer.INSTALL}")
    print(machine.described(), flush=True)
    for name in names:
        section = importlib.import_module(f"benchmarks.{name}").run(given.rounds)
        print(f"\n## {name}\n\n{section}\n\n{machine.load()}", flush=True)


if __name__ == "__main__":
    main()
