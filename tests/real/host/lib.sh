# shellcheck shell=bash disable=SC2034,SC2154
# Settings and words that all scripts of the bench share. Sourced, not run.
#
# Everything the bench makes carries RH_NAME, so benches live side by side, and none takes away what it did not make.
set -euo pipefail
RH_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

RH_NAME=${RH_NAME:-rh}
case $RH_NAME in *[!a-z0-9]* | '') echo "RH_NAME: lower-case letters and digits only" >&2; exit 2 ;; esac
[ ${#RH_NAME} -le 8 ] || { echo "RH_NAME: at most 8 characters" >&2; exit 2; }

RH_TMP=${RH_TMP:-${TMPDIR:-/tmp}/probe-host}
RH_STATE=$RH_TMP/$RH_NAME.env      # written by up.sh, read by the others
RH_BASE=$RH_TMP/base-bookworm      # what debootstrap made; stays
RH_NET=10.77.0                     # a /24 that exists inside the bench's namespaces only
RH_NET6=fd77
RH_MONIT_CYCLE=${RH_MONIT_CYCLE:-2} # seconds
RH_DISK_MB=256                     # the host's writable disk
RH_MEM_MB=512                      # its memory
RH_PIDS=300                        # its processes

NS_SW=$RH_NAME-sw NS_MON=$RH_NAME-mon NS_WEB=$RH_NAME-web NS_AUX=$RH_NAME-aux
MON4=$RH_NET.1 WEB4=$RH_NET.2 AUX4=$RH_NET.3
MON6=$RH_NET6::1 WEB6=$RH_NET6::2 AUX6=$RH_NET6::3

say() { printf '%s %s: %s\n' "$(date -u +%T)" "$RH_NAME" "$*"; }
die() { echo "bench $RH_NAME: $*" >&2; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "must run as root"; }
load_state() {
  [ -r "$RH_STATE" ] || die "not up (no $RH_STATE)"
  # shellcheck disable=SC1090
  . "$RH_STATE"
}
mon() { ip netns exec "$NS_MON" "$@"; }
aux() { ip netns exec "$NS_AUX" "$@"; }

# When a process began, which with its id is a name that nobody else will ever have; nothing for one that has ended.
life() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# The container manager is ours only if it still is a systemd-nspawn of this machine's name; its id changes when the
# host reboots.
nspawn_pid() {
  local p
  p=$(cat "$RH_WORK/nspawn.pid" 2>/dev/null) && [ -n "$p" ] && [ -r "/proc/$p/cmdline" ] &&
    tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -q -- "systemd-nspawn .*--machine=$RH_NAME-web" && echo "$p"
}
nspawn_alive() { nspawn_pid >/dev/null; }
# PID 1 of the host as seen from outside; changes when the host reboots.
web_pid1() {
  local s
  s=$(nspawn_pid) || return 1
  pgrep -P "$s" | head -n1 | grep .
}
# Runs a command on the host as its console would, not through SSH.
web() {
  local p
  p=$(web_pid1) || die "the host is not running"
  nsenter -t "$p" -m -u -i -n -p -C -- "$@"
}
answers() { # both sites, over both schemes
  mon curl -sf -m 2 --cacert "$RH_WORK/ca.pem" -o /dev/null -o /dev/null https://site-a.test/ http://site-b.test/ 2>/dev/null
}
cg_dirs() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo "/sys/fs/cgroup/$RH_NAME-bench"
  else
    local c
    for c in systemd unified memory pids cpu; do
      if [ -d "/sys/fs/cgroup/$c" ]; then echo "/sys/fs/cgroup/$c/$RH_NAME-bench"; fi
    done
  fi
}
