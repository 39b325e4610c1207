#!/usr/bin/env bash
# The base system of the host, made by debootstrap once (one to three minutes) and kept.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
for tool in debootstrap:debootstrap systemd-nspawn:systemd-container ip:iproute2 iptables:iptables nsenter:util-linux \
  openssl:openssl ssh-keygen:openssh-client curl:curl pgrep:procps; do
  command -v "${tool%:*}" >/dev/null || die "\`${tool%:*}\` is not installed: apt-get install ${tool#*:}"
done
[ ! -e "$RH_BASE/.complete" ] || exit 0
say "debootstrap into $RH_BASE"
rm -rf --one-file-system "$RH_BASE"
mkdir -p "$RH_BASE"
# From wherever this machine has its own packages.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n1)
[ -n "$mirror" ] || die "no source of Debian packages is known: apt-get update"
debootstrap --variant=minbase \
  --include=systemd,systemd-sysv,dbus,iproute2,iptables,nginx-light,openssh-server,monit,apache2,ca-certificates,curl,openssl,sudo,procps,less \
  bookworm "$RH_BASE" "$mirror" >"$RH_BASE.log" 2>&1 || { tail -n5 "$RH_BASE.log" >&2; die "debootstrap failed"; }
rm -rf "$RH_BASE"/var/cache/apt/archives/*.deb "$RH_BASE"/var/lib/apt/lists/* "$RH_BASE"/etc/ssh/ssh_host_*
: >"$RH_BASE/etc/machine-id"
touch "$RH_BASE/.complete"
