#!/usr/bin/env bash
# Boots a Debian 12 host with systemd as PID 1 in namespaces of its own, a namespace for the prober and a spare one:
#
#   NAME-mon (.1, the prober)   NAME-web (.2, the host)   NAME-aux (.3, canary and mail)
#            \__________________ NAME-sw: br0 ________________/
#
# Nothing is added to the machine's own network, and nothing is forwarded.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
[ ! -e "$RH_STATE" ] || die "already up ($RH_STATE); down.sh takes it down"
[ -e "$RH_BASE/.complete" ] || die "there is no base system; base.sh makes it"
t0=$(date +%s)

# ---- a fresh writable layer of limited size over the base ----------------------------------------------------------
RH_WORK=$(mktemp -d "$RH_TMP/$RH_NAME.XXXXXX")
chmod 755 "$RH_WORK"
printf 'RH_WORK=%s\nRH_OWNER=%s\nRH_BORN=%s\n' "$RH_WORK" "${RH_OWNER-}" "${RH_BORN-}" >"$RH_STATE"
mkdir -p "$RH_WORK"/{disk,root,keys}
mount -t tmpfs -o "size=${RH_DISK_MB}m,mode=755" "$RH_NAME-disk" "$RH_WORK/disk"
mkdir "$RH_WORK"/disk/{upper,work}
mount -t overlay -o "lowerdir=$RH_BASE,upperdir=$RH_WORK/disk/upper,workdir=$RH_WORK/disk/work" "$RH_NAME-root" "$RH_WORK/root"
R=$RH_WORK/root

# ---- network -------------------------------------------------------------------------------------------------------
for n in "$NS_SW" "$NS_MON" "$NS_WEB" "$NS_AUX"; do
  ip netns add "$n"
  ip -n "$n" link set lo up
done
ip -n "$NS_SW" link add br0 type bridge forward_delay 0
ip -n "$NS_SW" link set br0 up
wire() { # namespace, port on the bridge, IPv4, IPv6
  ip -n "$NS_SW" link add "$2" type veth peer name eth0 netns "$1"
  ip -n "$NS_SW" link set "$2" master br0 up
  ip -n "$1" addr add "$3/24" dev eth0
  ip -n "$1" -6 addr add "$4/64" dev eth0 nodad
  ip -n "$1" link set eth0 up
}
wire "$NS_MON" p-mon "$MON4" "$MON6"
wire "$NS_WEB" p-web "$WEB4" "$WEB6"
wire "$NS_AUX" p-aux "$AUX4" "$AUX6"
# `ip netns exec` shows these in place of /etc/hosts and /etc/resolv.conf, inside the namespace only.
for n in "$NS_MON" "$NS_AUX"; do
  mkdir -p "/etc/netns/$n"
  {
    printf '127.0.0.1 localhost\n::1 localhost\n'
    printf '%s site-a.test site-b.test webhost1\n%s site-a.test site-b.test\n%s aux.test\n' "$WEB4" "$WEB6" "$AUX4"
  } >"/etc/netns/$n/hosts"
  printf 'nameserver %s\noptions timeout:1 attempts:1\n' "$AUX4" >"/etc/netns/$n/resolv.conf"
done

# ---- what is on the host -------------------------------------------------------------------------------------------
R=$R RH_WORK=$RH_WORK "$RH_HERE/furnish.sh"

# ---- limits, then boot ---------------------------------------------------------------------------------------------
mapfile -t groups < <(cg_dirs)
mkdir -p "${groups[@]}"
limit() { if [ -e "$1" ]; then echo "$2" >"$1"; fi; }
for m in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/pids; do
  limit "$m/$RH_NAME-bench/memory.limit_in_bytes" $((RH_MEM_MB * 1048576))
  limit "$m/$RH_NAME-bench/memory.max" $((RH_MEM_MB * 1048576))
  limit "$m/$RH_NAME-bench/pids.max" "$RH_PIDS"
done
cat >"$RH_WORK/boot.sh" <<N
#!/bin/bash
# With --keep-unit systemd-nspawn ends with 133 when the host reboots: then it is booted again.
for d in ${groups[*]}; do echo \$\$ >"\$d/cgroup.procs"; done
cd /
while :; do
  systemd-nspawn --quiet --directory="$R" --boot --register=no --keep-unit --network-namespace-path=/run/netns/$NS_WEB \
    --machine=$RH_NAME-web --resolv-conf=off --timezone=off --link-journal=no --console=pipe &
  echo \$! >"$RH_WORK/nspawn.pid"
  wait \$!; rc=\$?
  rmdir /run/systemd/nspawn/propagate/$RH_NAME-web 2>/dev/null
  echo "systemd-nspawn ended with \$rc"
  [ \$rc = 133 ] || exit \$rc
done
N
setsid bash "$RH_WORK/boot.sh" </dev/null >"$RH_WORK/console.log" 2>&1 &
for _ in {1..50}; do
  [ ! -s "$RH_WORK/nspawn.pid" ] || break
  sleep 0.1
done
for _ in {1..300}; do
  nspawn_alive || { cat "$RH_WORK/console.log" >&2; die "systemd-nspawn ended"; }
  if answers && mon bash -c "exec 3<>/dev/tcp/$WEB4/22" 2>/dev/null; then
    say "up in $(($(date +%s) - t0)) s"
    exit 0
  fi
  sleep 0.2
done
tail -n 20 "$RH_WORK/console.log" >&2
die "the host did not answer within 60 s"
