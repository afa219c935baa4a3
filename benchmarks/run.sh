#!/bin/sh
# Runs the benchmarks named on the command line, or all of them; prints Markdown. See docs/performance.md.
#   benchmarks/run.sh [--rounds N] [git_transport] [first_line] [live_pushes] [deploy] [scale] [first_push_flask] [idle_memory]
#   [checkout] [rebuild] [cold_install] [many_apps] [router] [circus] [programs] [switches] [supervisord_memory]
#   [slow_rollout] [deliveries]
set -eu
cd "$(dirname "$0")/.."
# `make bench` has put the environment's programs first; called by hand, they are beside us.
if [ -x .venv/bin/python ]; then PATH=$PWD/.venv/bin:$PATH; fi
command -v stratum >/dev/null || { echo "bench: run make dev-install first" >&2; exit 2; }
exec python -m benchmarks "$@"
