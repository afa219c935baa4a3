# Where this checkout's environment, importable sources and data live. Sourced from the checkout's folder.
#
# As root the services run under other accounts, which must be able to reach the interpreter and the code.
# A checkout that they can reach holds everything itself; otherwise its place is a folder below /var/lib/stratum.
#
# Sets PLACE_CHECKOUT, PLACE_HOME, PLACE_SOURCE (what is imported and tested) and PLACE_VENV.

# Whether any account can reach a path: o+x on each ancestor, o+rx or o+r on itself.
reachable() (
    path=$(realpath -- "$1") || return 1
    want=-005
    [ -d "$path" ] || want=-004
    while [ -n "$(find "$path" -maxdepth 0 -perm "$want")" ]; do
        [ "$path" != / ] || return 0
        path=$(dirname -- "$path")
        want=-001
    done
    return 1
)

place_elsewhere() {
    [ "$(id -u)" = 0 ] || return 1
    ! { reachable pyproject.toml && reachable stratum; }
}

# The data folder: $DATA, or .stratum here (as a link when the place is elsewhere). Prints its path.
place_data() {
    if [ -n "${DATA:-}" ]; then
        realpath -m -- "$DATA"
        return
    fi
    data=$PLACE_CHECKOUT/.stratum
    if [ "$PLACE_HOME" != "$PLACE_CHECKOUT" ] && ! [ -e "$data" ]; then
        mkdir -p "$PLACE_HOME/data"
        ln -sfn "$PLACE_HOME/data" "$data"
    fi
    if [ -L "$data" ]; then
        realpath -- "$data"
    else
        printf '%s\n' "$data"
    fi
}

PLACE_CHECKOUT=$(pwd -P)
if place_elsewhere; then
    PLACE_HOME=/var/lib/stratum/$(basename "$PLACE_CHECKOUT")-$(printf %s "$PLACE_CHECKOUT" | sha256sum | cut -c1-8)
    PLACE_SOURCE=$PLACE_HOME/source
    PLACE_VENV=$PLACE_HOME/venv
else
    PLACE_HOME=$PLACE_CHECKOUT
    PLACE_SOURCE=$PLACE_CHECKOUT
    PLACE_VENV=$PLACE_CHECKOUT/.venv
fi
