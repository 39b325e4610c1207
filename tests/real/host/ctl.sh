#!/usr/bin/env bash
# Causes faults on the bench, takes them away again, and looks. `ctl.sh help` lists the verbs.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
fw() { ip netns exec "$NS_WEB" iptables "$@"; }
block() { # target and its arguments, then ports: what comes in over the network; the host itself is not concerned
  local port target=$1
  shift
  # shellcheck disable=SC2086
  for port in "$@"; do fw -I INPUT -i eth0 -p tcp --dport "$port" -j $target; done
}
cpu() { # per cent of one core, 0 for no limit
  local v1=/sys/fs/cgroup/cpu/$RH_NAME-bench v2=/sys/fs/cgroup/$RH_NAME-bench/cpu.max quota=$(($1 * 1000))
  if [ -d "$v1" ]; then
    echo 100000 >"$v1/cpu.cfs_period_us"
    [ "$quota" != 0 ] || quota=-1
    echo "$quota" >"$v1/cpu.cfs_quota_us"
  else
    [ "$quota" != 0 ] || quota=max
    echo "$quota 100000" >"$v2"
  fi
}
# As it was after up.sh, whatever was done to it.
heal() {
  fw -F
  ip netns exec "$NS_WEB" ip6tables -F
  for p in p-web p-mon; do ip -n "$NS_SW" link set $p up; done
  cpu 0
  for _ in {1..100}; do web_pid1 >/dev/null && break; sleep 0.2; done
  web systemctl stop bench-forks bench-memhog 2>/dev/null || true
  web bash -c '
    rm -f /var/fill /etc/nginx/conf.d/zz-*.conf /run/bench/*
    kill -CONT $(pgrep -x nginx; pgrep -x sshd) 2>/dev/null
    for _ in {1..50}; do case $(systemctl is-system-running) in running|degraded) break;; esac; sleep 0.2; done
    rm -f /etc/probe-agent.conf
    if [ -e /usr/bin/curl.away ]; then mv /usr/bin/curl.away /usr/bin/curl; fi
    if [ -e /root/host-key ]; then mv /root/host-key /etc/ssh/ssh_host_ed25519_key; mv /root/host-key.pub /etc/ssh/ssh_host_ed25519_key.pub; systemctl restart ssh; fi
    systemctl unmask -q nginx; systemctl enable -q nginx
    systemctl reset-failed
    systemctl is-active -q nginx || systemctl start nginx
    systemctl start ssh monit
    truncate -s 0 /var/log/monit.log
    rm -rf /home/probe/.probe-agent /home/probe/.local
    : >/var/log/kusanagi-standin.log'
  for _ in {1..50}; do
    if answers && mon bash -c "exec 3<>/dev/tcp/$WEB4/22" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  die "the host does not come back: $(web systemctl --no-pager --lines=5 status nginx ssh 2>&1 | tail -n 20)"
}
verb=${1:-help}
shift || true
[ "$verb" = help ] || load_state
case $verb in
  # -- look ----------------------------------------------------------------
  restarts) web awk '/ begin$/{n++} END{print n+0}' /var/log/kusanagi-standin.log ;;
  began) web awk '/ begin$/{print $1, $3}' /var/log/kusanagi-standin.log ;;
  monitlog) web cat /var/log/monit.log ;;
  answers) answers ;;
  in) web "$@" ;;
  ssh)
    user=${1:?user}
    shift
    mon ssh -n -o BatchMode=yes -o UserKnownHostsFile="$RH_WORK/known_hosts" -o ConnectTimeout=5 -o IdentitiesOnly=yes \
      -i "$RH_WORK/keys/$user" "$user@$WEB4" "$@" ;;
  ssh-elsewhere)
    user=${1:?user}
    shift
    aux ssh -n -o BatchMode=yes -o UserKnownHostsFile="$RH_WORK/known_hosts" -o ConnectTimeout=5 -o IdentitiesOnly=yes \
      -i "$RH_WORK/keys/$user" "$user@$WEB4" "$@" ;;
  # -- web server -----------------------------------------------------------
  stop) web systemctl stop nginx ;;
  start) web systemctl start nginx ;;
  crash) web bash -c 'kill -KILL $(pgrep -x nginx)' ;;
  freeze) web bash -c 'kill -STOP $(pgrep -x nginx)' ;;
  thaw) web bash -c 'kill -CONT $(pgrep -x nginx)' ;;
  breakconf) web bash -c 'echo "this is not nginx;" >/etc/nginx/conf.d/zz-broken.conf' ;;
  fixconf) web rm -f /etc/nginx/conf.d/zz-broken.conf ;;
  disable) web systemctl disable -q --now nginx ;;
  mask) web systemctl mask -q --now nginx ;;
  unmask) web bash -c 'systemctl unmask -q nginx; systemctl enable -q nginx' ;;
  err500) mon curl -s -o /dev/null "http://site-a.test/__500?[1-${1:-10}]" ;;
  app500) web touch /run/bench/app500 ;;
  unapp500) web rm -f /run/bench/app500 ;;
  maint) web touch /run/bench/maintenance ;;
  unmaint) web rm -f /run/bench/maintenance ;;
  restart-delay) web bash -c "echo ${1:?seconds} >/run/bench/restart-delay" ;;
  restart-fail) web bash -c "echo ${1:?exit code} >/run/bench/restart-fail" ;;
  restart-ok) web rm -f /run/bench/restart-fail /run/bench/restart-delay ;;
  startlimit) for _ in {1..7}; do web systemctl restart nginx 2>/dev/null || true; done ;;
  resetfailed) web systemctl reset-failed nginx ;;
  monitstop) web systemctl stop monit ;;
  # -- host -----------------------------------------------------------------
  diskfull) web bash -c 'dd if=/dev/zero of=/var/fill bs=1M 2>/dev/null; df -Pm / | tail -n1' || true ;;
  diskfree) web rm -f /var/fill ;;
  # Leaves some 40 MB of the host's memory; the hog itself is the last to be killed.
  memhog)
    web rm -f /run/bench/hog
    web systemd-run -q --unit=bench-memhog -p OOMScoreAdjust=-900 \
      perl -e 'my @a; my $n=shift; for(1..$n){push @a, "x" x 1048576} open F, ">/run/bench/hog"; close F; sleep 86400' "${1:-$((RH_MEM_MB - 60))}"
    for _ in {1..100}; do web test -e /run/bench/hog && exit 0; sleep 0.1; done
    die "the hog did not get its memory" ;;
  memfree) web systemctl stop bench-memhog ;;
  # Leaves so many of the host's processes free; what ends elsewhere is used up again.
  forkbomb)
    # shellcheck disable=SC2016 # perl's own
    web systemd-run -q --unit=bench-forks --property=TasksMax=infinity perl -e '
      my ($most) = grep { -r } "/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max";
      sub number { open my $file, "<", $_[0]; my $line = <$file>; $line + 0 }
      (my $now = $most) =~ s/max$/current/;
      while (1) {
        if (number($now) + $ARGV[0] >= number($most)) { open F, ">/run/bench/forked"; close F; select undef, undef, undef, 0.05 }
        elsif (!defined(my $child = fork)) { select undef, undef, undef, 0.05 }
        elsif (!$child) { exec "sleep", "86400" }
      }' "${1:?how many stay free}"
    for _ in {1..100}; do web test -e /run/bench/forked && exit 0; sleep 0.1; done
    die "the process table does not fill up" ;;
  forkfree) web systemctl stop bench-forks ;;
  cpu) cpu "${1:?percent}" ;;
  nocurl) web mv /usr/bin/curl /usr/bin/curl.away ;;
  # Ends when the old host is gone; the new one boots by itself.
  reboot)
    old=$(web_pid1)
    web systemctl reboot
    for _ in {1..300}; do [ -d "/proc/$old" ] || exit 0; sleep 0.1; done
    die "the host does not go down" ;;
  # Boots, and is not done with it: a unit of the boot takes its time.
  slowboot)
    web bash -c 'printf "[Unit]\nBefore=nginx.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c \"while [ ! -e /run/bench/booted ]; do sleep 0.2; done\"\n[Install]\nWantedBy=multi-user.target\n" >/etc/systemd/system/bench-slow.service; systemctl daemon-reload; systemctl enable -q bench-slow' ;;
  sshwait)
    for _ in {1..100}; do mon bash -c "exec 3<>/dev/tcp/$WEB4/22" 2>/dev/null && exit 0; sleep 0.1; done
    die "no sshd after the boot" ;;
  booted) web bash -c 'touch /run/bench/booted; systemctl disable -q bench-slow' ;;
  # -- network between the prober and the host ---------------------------------
  drop) block DROP "$@" ;;
  reject) block 'REJECT --reject-with tcp-reset' "$@" ;;
  unreach) block 'REJECT --reject-with icmp-host-unreachable' "$@" ;;
  loss) fw -I INPUT -i eth0 -m statistic --mode random --probability "${1:?share}" -j DROP ;;
  mute) for p in "$@"; do fw -I OUTPUT -o eth0 -p tcp --sport "$p" --tcp-flags PSH PSH -j DROP; done ;; # connects; answers never leave
  nofw) fw -F ;;
  webdown) ip -n "$NS_SW" link set p-web down ;;
  webup) ip -n "$NS_SW" link set p-web up ;;
  mondown) ip -n "$NS_SW" link set p-mon down ;; # the prober's box loses its own network
  monup) ip -n "$NS_SW" link set p-mon up ;;
  v6break) ip netns exec "$NS_WEB" ip6tables -I INPUT -p tcp -j DROP ;;
  v6fix) ip netns exec "$NS_WEB" ip6tables -F ;;
  # -- SSH ------------------------------------------------------------------
  newhostkey)
    web bash -c 'mv /etc/ssh/ssh_host_ed25519_key /root/host-key; mv /etc/ssh/ssh_host_ed25519_key.pub /root/host-key.pub
      ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh' ;;
  sshstop) web systemctl stop ssh ;;
  sshstart) web systemctl start ssh ;;
  sshfreeze) web bash -c 'kill -STOP $(pgrep -o -x sshd)' ;; # connects, and nobody speaks
  sshthaw) web bash -c 'kill -CONT $(pgrep -o -x sshd)' ;;
  heal) heal ;;
  help) sed -n 's/^  \([a-z][a-z0-9-]*\)).*/\1/p' "$0" | tr '\n' ' '; echo ;;
  *) die "no such verb: $verb" ;;
esac
