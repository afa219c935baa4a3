#!/bin/sh
# Installs what the tests need beyond .venv: Node.js with npm, curl, bubblewrap, and OpenSSH's server. As root, and with
# apt; whatever is there stays. An ordinary user is told instead, and the tests that need it are skipped.
set -eu

missing=
packages=
need() {
    command -v "$1" >/dev/null 2>&1 && return
    missing="$missing $1"
    packages="$packages $2"
}
need node nodejs
need npm npm
need curl curl
need bwrap bubblewrap
# With systemd its package starts it, to listen for everybody: whoever wants that installs it himself.
PATH=$PATH:/usr/sbin
[ -d /run/systemd/system ] || need sshd openssh-server
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "test needs: there is no$missing; tests that need it are skipped. On Debian: apt install$packages"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -qq --yes --no-install-recommends $packages >/dev/null
for program in $missing; do
    command -v "$program"
done
