#!/usr/bin/env bash
# Takes down what up.sh made, and nothing else; the base system stays.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
RH_WORK=
[ ! -r "$RH_STATE" ] || load_state
if [ -n "$RH_WORK" ] && sup=$(nspawn_pid); then
  # Its disk is thrown away: there is nothing a shutdown would save.
  if p1=$(web_pid1); then kill -KILL "$p1" || true; fi
  for _ in {1..50}; do
    nspawn_alive || break
    sleep 0.1
  done
  ! nspawn_alive || kill -KILL "$sup" || true
fi
for n in "$NS_MON" "$NS_WEB" "$NS_AUX" "$NS_SW"; do
  [ -e "/run/netns/$n" ] || continue
  for p in $(ip netns pids "$n" 2>/dev/null); do kill -KILL "$p" 2>/dev/null || true; done # in our own namespaces only
  ip netns del "$n" || true
  rm -rf "/etc/netns/$n"
done
rmdir /etc/netns 2>/dev/null || true
if [ -n "$RH_WORK" ] && [ -d "$RH_WORK" ]; then
  case $RH_WORK in "$RH_TMP/$RH_NAME".??????) ;; *) die "odd folder $RH_WORK, left alone" ;; esac
  for m in root disk; do
    ! mountpoint -q "$RH_WORK/$m" || umount "$RH_WORK/$m" 2>/dev/null || umount -l "$RH_WORK/$m"
    ! mountpoint -q "$RH_WORK/$m" || die "$RH_WORK/$m is still mounted"
  done
  rm -rf --one-file-system "$RH_WORK"
fi
for d in $(cg_dirs); do
  for _ in {1..20}; do
    [ -d "$d" ] || break
    find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
  done
done
rm -f "$RH_STATE"
say "down"
