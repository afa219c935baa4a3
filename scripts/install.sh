#!/bin/sh
# Makes .venv with what requirements.lock (with --dev: requirements-dev.lock) names, and the project itself.
# Does nothing, quickly, when nothing has changed. PYTHON names the interpreter to use.
set -eu
umask 022
cd "$(dirname "$0")/.."
. scripts/place.sh

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

say() {
    printf 'install: %s\n' "$*"
}

# Prints nothing when $1 will do, else why it will not.
refuse_python() {
    command -v "$1" >/dev/null 2>&1 || { echo "not found"; return; }
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || { echo "does not run"; return; }
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "is Python $version, Stratum needs 3.11 or later: apt install python3.11 python3.11-venv"; return; }
    "$1" -c 'import ensurepip, venv' 2>/dev/null || { echo "has no venv: apt install python3-venv"; return; }
    [ "$(id -u)" != 0 ] || base_reachable "$1" ||
        echo "lies in a folder that only root can enter, and services run under other accounts: apt install python3 python3-venv"
}

base_reachable() {
    base=$("$1" -c 'import sys, os; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))')
    library=$("$1" -c 'import os; print(os.path.dirname(os.__file__))')
    reachable "$base" && reachable "$library"
}

choose_python() {
    refusals=
    for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14}; do
        refusal=$(refuse_python "$candidate")
        if [ -z "$refusal" ]; then
            "$candidate" -c 'import os, sys; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))'
            return
        fi
        [ "$refusal" = "not found" ] && [ -z "${PYTHON:-}" ] && [ "$candidate" != python3 ] ||
            refusals="$refusals
  $candidate $refusal"
    done
    fail "no usable Python.$refusals"
}

# The interpreter of an environment that still runs, unless another is asked for.
current_python() {
    [ -z "${PYTHON:-}" ] || return 0
    "$PLACE_VENV/bin/python" -c '' 2>/dev/null && cat "$PLACE_VENV/stamp-python" 2>/dev/null || :
}

# What no copy of the sources needs, for find.
PRUNE='( -name .git -o -name .venv -o -name .stratum -o -name __pycache__ -o -name .*_cache -o -name *.egg-info -o -name .hypothesis ) -prune -o ( -type f -o -type d )'

# Copies the sources to a place that other accounts can reach. A removed file changes its folder's time.
copy_source() {
    stamp=$PLACE_HOME/copied
    if [ -e "$stamp" ] && [ -z "$(find . -mindepth 1 $PRUNE -newer "$stamp" -print -quit)" ]; then
        return
    fi
    touch "$stamp.new"
    rm -rf "$PLACE_SOURCE.new"
    mkdir -p "$PLACE_SOURCE.new"
    tar -c --exclude-vcs --exclude=./.venv --exclude=./.stratum --exclude=__pycache__ --exclude='./.*_cache' \
        --exclude='./*.egg-info' --exclude=./.hypothesis . |
        tar -x -C "$PLACE_SOURCE.new" --no-same-owner
    chmod -R go=rX "$PLACE_SOURCE.new"
    rm -rf "$PLACE_SOURCE"
    mv "$PLACE_SOURCE.new" "$PLACE_SOURCE"
    mv "$stamp.new" "$stamp"
    say "copied the sources to $PLACE_SOURCE, since other accounts cannot enter $PLACE_CHECKOUT"
}

# Frees what checkouts that are gone have left, but never data.
forget_gone_checkouts() {
    for origin in /var/lib/stratum/*/origin; do
        [ -e "$origin" ] || continue
        home=${origin%/origin}
        if [ ! -e "$(cat "$origin")" ] && [ ! -e "$home/data/run/supervisord.pid" ]; then
            rm -rf "$home/venv" "$home/source" "$home/copied" "$origin"
            rmdir "$home/data" "$home" 2>/dev/null || :
        fi
    done
}

prepare_place() {
    [ "$PLACE_HOME" != "$PLACE_CHECKOUT" ] || return 0
    forget_gone_checkouts
    mkdir -p "$PLACE_HOME"
    printf '%s\n' "$PLACE_CHECKOUT" >"$PLACE_HOME/origin"
    copy_source
    [ -L .venv ] || rm -rf .venv
    ln -sfn "$PLACE_VENV" .venv
    place_data >/dev/null
}

# Runs the rest unless the stamp $1 already says $2.
unless_stamped() {
    stamp=$PLACE_VENV/$1
    wanted=$2
    shift 2
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    rm -f "$stamp"
    "$@"
    printf '%s\n' "$wanted" >"$stamp"
}

make_venv() {
    [ ! -L "$PLACE_VENV" ] || rm -f "$PLACE_VENV"
    say "making $PLACE_VENV with $python"
    "$python" -m venv --clear "$PLACE_VENV" || fail "could not make the environment: apt install python3-venv"
}

pip() {
    "$PLACE_VENV/bin/python" -m pip --disable-pip-version-check install -qq --no-input "$@"
}

install_lock() {
    say "installing $1"
    pip --require-hashes -r "$1"
}

# compat: a plain path, so that a package added later is found and starting costs no import hook
install_project() {
    pip --no-deps --no-build-isolation --config-settings editable_mode=compat -e "$PLACE_SOURCE"
}

# The services' account cannot write beside the sources: without this each start would compile them anew.
compile_sources() (
    cd "$PLACE_SOURCE"
    "$PLACE_VENV/bin/python" -m compileall -q stratum gitserver hooks builder runner
)

digest() {
    cat "$@" | sha256sum | cut -c1-64
}

lock=requirements.lock
[ "${1:-}" != --dev ] || lock=requirements-dev.lock

exec 9<pyproject.toml
flock 9
prepare_place
python=$(current_python)
[ -n "$python" ] || python=$(choose_python)
unless_stamped stamp-python "$python" make_venv
unless_stamped "stamp-$lock" "$(digest "$lock")" install_lock "$lock"
unless_stamped stamp-project "$PLACE_SOURCE $(digest pyproject.toml)" install_project
compile_sources
