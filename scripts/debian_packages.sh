#!/bin/sh
# Installs the named Debian packages where that is allowed; otherwise says what to do and fails.
#   scripts/debian_packages.sh WHY PACKAGE...
set -eu
why=$1
shift
if ! command -v apt-get >/dev/null; then
    echo "$why needs $* : install it with this system's package manager and run make again." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then as=""
elif sudo -n true 2>/dev/null; then as="sudo -n"
else
    echo "$why needs $*, and this user may not install it. Ask for: apt-get install $*" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing $* (for $why)"
$as apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
    $as apt-get update -qq
    $as apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
