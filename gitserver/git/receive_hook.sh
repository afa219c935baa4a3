#!/bin/sh
# Asks the web process what to do, over two pipes inherited through git (gitserver/git/hookpipe.py).
# Six builtins and no program started: a Python hook costs a push 30 % and more (docs/decisions.md).
# What pushes have mostly, one ref, is written at once: the web process wakes for each write.
[ -n "$STRATUM_ASK" ] || { echo "stratum: push over HTTP only" >&2; exit 1; }
{
    IFS= read -r line
    if IFS= read -r next; then
        printf '%s\0' "$GIT_QUARANTINE_PATH" "$line" "$next"
        while IFS= read -r line; do printf '%s\0' "$line"; done
        printf '\0'
    else
        printf '%s\0%s\0\0' "$GIT_QUARANTINE_PATH" "$line"
    fi
} >"/dev/fd/$STRATUM_ASK"
while IFS= read -r line; do
    case $line in
    o*) printf '%s\n' "${line#o}" ;;
    x*) exit "${line#x}" ;;
    esac
done <"/dev/fd/$STRATUM_ANSWER"
echo "stratum: the server went away" >&2
exit 1
