# shellcheck shell=bash disable=SC2034,SC2154
# The stage of examples/outage: real servers in one temporary directory, and the words people watch.

# ---- words ------------------------------------------------------------------------------------------------------
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' off=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' off=''
fi
stopped=''

title() { printf '\n%s%s%s  %s%s%s\n' "$bold" "$1" "$off" "$dim" "$2" "$off"; }
note() { printf '  %s%-16s%s %s\n' "$dim" "$1" "$off" "$2"; }

# say WHO WHAT TONE [WHEN]: one line of the timeline, with the clock and the seconds since nginx stopped.
say() {
  local when=${4:-$EPOCHREALTIME} since='' tone=''
  [ -z "$stopped" ] || since=$(printf '%+.1fs' "$(seconds "$stopped" "$when")")
  case $3 in good) tone=$green ;; bad) tone=$red ;; act) tone=$yellow ;; esac
  printf '  %s%(%H:%M:%S)T %7s%s  %-8s %s%s%s\n' "$dim" "${when%.*}" "$since" "$off" "$1" "$tone" "$2" "$off"
}

verdict() {
  local tone=$red
  [ "$1" = bad ] || tone=$green
  printf '\n%s%s%s%s\n' "$bold" "$tone" "$2" "$off"
}

# seconds FROM TO: the difference of two instants of $EPOCHREALTIME, with one decimal.
seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'; }
within() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

# ---- servers ----------------------------------------------------------------------------------------------------
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/$1/$port") 2>/dev/null || { echo $port; return; }
  done
}

answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

wait_until() {
  local what=$1
  shift
  for _ in {1..100}; do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  echo "$what did not start within 10 s; its files are in $stage" >&2
  keep=1
  return 1
}

set_stage() {
  keep='' pids=()
  stage=$(mktemp -d "${TMPDIR:-/tmp}/probe-outage.XXXXXX")
  mails=$(mktemp -d "${TMPDIR:-/tmp}/probe-mails.XXXXXX")
  chmod 755 "$stage"
  mkdir -p "$stage"/{bin,shop,blog,tmp,state}
  chmod 700 "$stage/state"
  web_port=$(free_port 127.0.0.2) ssh_port=$(free_port 127.0.0.2)
  write_scripts
  start_nginx
  start_sshd
  start_monit
}

# Ends what was started, by the ids it was started with.
clear_stage() {
  local status=$? pid file
  trap '' INT TERM
  # A restart that is under way ends first, and starts nothing any more.
  : >"$stage/over"
  flock -w 10 "$stage/restart.lock" true || true
  [ -z "${probe_pid-}" ] || pids=("$probe_pid" "${pids[@]}")
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for file in "${stage-}"/*.pid; do
    if [ -s "$file" ]; then kill "$(<"$file")" 2>/dev/null || true; fi
  done
  for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
  for file in "${stage-}"/*.pid; do
    for _ in {1..50}; do { [ -s "$file" ] && kill -0 "$(<"$file")"; } 2>/dev/null || break; sleep 0.1; done
  done
  [ -n "${keep-}" ] || rm -rf "${stage:?}"
  rmdir "${mails-}" 2>/dev/null || true
  exit "$status"
}

# Stand-ins for the two commands of the web host that cannot be run here: `kusanagi`, and `systemctl is-enabled`, which
# says "enabled" of a server that is dead, as systemd does.
write_scripts() {
  cat >"$stage/bin/kusanagi" <<N
#!/usr/bin/env bash
PATH=\$PATH:/usr/sbin:/sbin
exec 9>$stage/restart.lock
flock 9
case \${1-} in restart) echo "\$EPOCHREALTIME restart" >>$stage/restarts ;; by-hand) ;; *) echo 'Try kusanagi -h'; exit 0 ;; esac
[ ! -s $stage/nginx.pid ] || nginx -c $stage/nginx.conf -s stop 2>/dev/null
for _ in {1..50}; do [ -s $stage/nginx.pid ] || break; sleep 0.1; done
[ -e $stage/over ] || nginx -c $stage/nginx.conf 2>/dev/null 9>&-
echo "restart completed."
N
  cat >"$stage/bin/is-enabled" <<N
#!/usr/bin/env bash
echo cycle >>$stage/cycles
echo enabled
N
  cat >"$stage/bin/gate" <<N
#!/usr/bin/env bash
[ "\$SSH_ORIGINAL_COMMAND" = "kusanagi restart" ] || { echo "refused: \$SSH_ORIGINAL_COMMAND" >&2; exit 64; }
exec $stage/bin/kusanagi restart
N
  # Takes mail as sendmail does, and keeps each as a file named after its subject: 03-UP-shop-back-after-7s.eml.
  cat >"$stage/bin/mailbox" <<N
#!/usr/bin/env bash
exec 9>$stage/mailbox.lock
flock 9
cat >$stage/mail || exit 75
name=\$(sed -n '/^\r*\$/q; s/^Subject: //p' $stage/mail | tr -cs '[:alnum:]\n' '-' | head -n 1)
kept=("$mails"/*.eml)
[ -e "\${kept[0]}" ] || kept=()
printf -v file '%s/%02d-%.60s.eml' "$mails" \$((\${#kept[@]} + 1)) "\$(sed 's/^-*//; s/-*\$//' <<<"\$name")"
mv $stage/mail "\$file" || exit 75
N
  chmod 755 "$stage"/bin/*
  : >"$stage/restarts"
}

start_nginx() {
  {
    printf 'worker_processes 1;\npid %s/nginx.pid;\nerror_log %s/nginx.log;\nevents {}\nhttp {\n' "$stage" "$stage"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "  ${kind}_temp_path $stage/tmp/$kind;"; done
    for site in shop blog; do
      echo "  server { listen 127.0.0.2:$web_port; server_name $site.test; access_log $stage/$site/access.log combined;"
      echo "    location / { default_type text/html; return 200 '<html><title>$site</title>$site is up</html>'; } }"
    done
    echo '}'
  } >"$stage/nginx.conf"
  nginx -c "$stage/nginx.conf" 2>"$stage/nginx.words" || { cat "$stage/nginx.words" >&2; return 1; }
  wait_until nginx answers 127.0.0.2 "$web_port"
}

start_sshd() {
  local pam=no
  for key in host probe; do ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$stage/$key"; done
  printf '[127.0.0.2]:%s %s\n' "$ssh_port" "$(<"$stage/host.pub")" >"$stage/known_hosts"
  printf 'restrict,command="%s/bin/gate" %s\n' "$stage" "$(<"$stage/probe.pub")" >"$stage/authorized_keys"
  if [ "$(id -u)" = 0 ]; then
    mkdir -p /run/sshd
    # A locked account is let in by PAM only.
    case $(getent shadow root) in root:!*) pam=yes ;; esac
  fi
  cat >"$stage/sshd_config" <<N
ListenAddress 127.0.0.2:$ssh_port
ListenAddress 127.0.0.1:$ssh_port
HostKey $stage/host
AuthorizedKeysFile $stage/authorized_keys
PidFile $stage/sshd.pid
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM $pam
PrintMotd no
SetEnv HOME=$stage
N
  "$(command -v sshd)" -f "$stage/sshd_config" -E "$stage/sshd.log"
  wait_until sshd answers 127.0.0.2 "$ssh_port"
}

start_monit() {
  {
    printf 'set daemon 1\nset log %s/monit.log\nset pidfile %s/monit.pid\n' "$stage" "$stage"
    printf 'set idfile %s/monit.id\nset statefile %s/monit.state\n' "$stage" "$stage"
    printf 'set httpd unixsocket %s/monit.socket\n  allow localhost\n' "$stage"
    printf 'check program nginx with path "%s/bin/is-enabled nginx"\n' "$stage"
    printf '  if status != 0 then unmonitor\n  group nginx\n'
    for site in shop blog; do
      cat <<N
check file ${site}_nginx with path $stage/$site/access.log
  restart program = "$stage/bin/kusanagi restart"
  depends on nginx
  if match '"(GET|POST) /.* HTTP/.*" 5[0-9][0-9] [0-9]+ ' for 2 cycle then restart
  if 5 restarts within 5 cycles then alert
  if 5 restarts within 5 cycles then unmonitor
  group nginx
N
    done
  } >"$stage/monitrc"
  chmod 600 "$stage/monitrc"
  monit -c "$stage/monitrc" >"$stage/monit.words" 2>&1 || { cat "$stage/monit.words" >&2; return 1; }
  wait_until Monit monit_is_calm
}

# ---- what they say ----------------------------------------------------------------------------------------------
monit_says() {
  monit -c "$stage/monitrc" -B summary 2>/dev/null | awk '
    $1 ~ /nginx$/ { name = $1; $1 = ""; $NF = ""; gsub(/^ +| +$/, ""); said[name] = $0 }
    END { print "nginx " said["nginx"] ", shop_nginx " said["shop_nginx"] ", blog_nginx " said["blog_nginx"] }'
}
monit_is_calm() { [ "$(monit_says)" = "nginx OK, shop_nginx OK, blog_nginx OK" ]; }
monit_lines() { wc -l <"$stage/monit.log"; }
cycles() { wc -l <"$stage/cycles"; }
restarts() { wc -l <"$stage/restarts"; }
site_says() { if answers 127.0.0.2 "$web_port"; then echo "shop.test answers"; else echo "shop.test: connection refused"; fi; }

stop_nginx() {
  local pid
  pid=$(<"$stage/nginx.pid")
  nginx -c "$stage/nginx.conf" -s stop 2>/dev/null
  while kill -0 "$pid" 2>/dev/null && answers 127.0.0.2 "$web_port"; do sleep 0.02; done
  stopped=$EPOCHREALTIME
  say nginx "stops completely (nginx -s stop)" bad
}

# ---- probe ------------------------------------------------------------------------------------------------------
start_probe() {
  cat >"$stage/probes.yaml" <<N
defaults:
  interval: ${interval}s
  retry_interval: ${retry}s
  timeout: ${timeout}s
  failure_threshold: $threshold
network:
  canaries: ["tcp://127.0.0.1:$ssh_port"]   # stands for the rest of the network
hosts:
  web1:
    ssh: ssh://$(id -un)@127.0.0.2:$ssh_port
    identity_file: $stage/probe
    known_hosts_file: $stage/known_hosts
    diagnose: false               # this machine plays the web host, and what else goes on here is nobody's business
    restart:
      commands: [kusanagi restart]
      timeout: 20s
      settle: ${settle}s
profiles:
  shop: {host: web1, urls: ["http://shop.test:$web_port/"], addresses: [127.0.0.2], expect: {contains: "shop is up"}}
  blog: {host: web1, urls: ["http://blog.test:$web_port/"], addresses: [127.0.0.2], expect: {contains: "blog is up"}}
alerts:
  email:
    from: "Probe <probe@monitor.test>"
    to: [ops@example.com]
    smtp: [{url: "sendmail://$stage/bin/mailbox"}]
N
  stopped='' restarted='' proven='' unread='' shown=0 open=0
  declare -gA state=()
  : >"$stage/probe.log"
  env -u PROBE_CONFIG -u PROBE_STATE_DIR -u STATE_DIRECTORY -u PROBE_LOG \
    "$release/probe" --config "$stage/probes.yaml" --state-dir "$stage/state" --log json -v run \
    </dev/null >"$stage/probe.out" 2>>"$stage/probe.log" &
  probe_pid=$!
  exec 7<"$stage/probe.log"
}

# field NAME LINE: a value of one flat JSON line, in $value.
field() {
  value=''
  if [[ $2 =~ \"$1\":\"([^\"]*)\" ]] || [[ $2 =~ \"$1\":([0-9]+) ]]; then value=${BASH_REMATCH[1]}; fi
}

until_all_up() { [ "${state[shop]-}" = up ] && [ "${state[blog]-}" = up ]; }

# Every outage that was told is told to be over, and all is up.
until_all_told() {
  until_all_up && [ "$open" = 0 ] && [ -n "$proven" ] && [ "$(mails_with DOWN)" -gt 0 ] &&
    [ "$(mails_with RESTARTED)" -gt 0 ] && [ "$(mails_with UP)" = "$(mails_with DOWN)" ]
}
mails_with() { find "$mails" -name "[0-9]*-$1-*.eml" | wc -l; }

# follow CONDITION SECONDS: tells what the log of probe and the mailbox say, until the condition holds.
follow() {
  local deadline=$((SECONDS + $2)) line
  while [ $SECONDS -lt $deadline ]; do
    if IFS= read -r line <&7; then
      tell "$unread$line"
      unread=''
      continue
    fi
    unread+=$line
    tell_mails
    if "$1"; then
      tell_mails
      return 0
    fi
    kill -0 "$probe_pid" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

# One line of the log of probe, for people.
tell() {
  local line=$1 profile at value
  field at "$line" && at=$(date -d "${value:-now}" +%s.%N)
  field profile "$line" && profile=$value
  field message "$line"
  case $value in
    judged) tell_judged "$profile" "$line" "$at" ;;
    "incident opened") open=$((open + 1)) && field cause "$line" && say probe "$profile is down: $value ($threshold of $threshold)" bad "$at" ;;
    "incident closed") open=$((open - 1)) && proven=$at && say probe "$profile is back, and that is proven" good "$at" ;;
    "restart began") field command "$line" && say probe "restarts web1 over SSH: $value" act "$at" ;;
    "restart ended")
      restarted=$(awk 'NR == 1 { print $1 }' "$stage/restarts")
      field outcome "$line" && say probe "web1: the command $value; now the sites must prove it" act "$at"
      ;;
    "not restarted") field reason "$line" && [ "$value" = paused ] && say probe "web1 is held: $value" bad "$at" ;;
  esac
  return 0
}

# tell_judged PROFILE LINE AT: each failure and each success that changes nothing yet; changes are told as such.
tell_judged() {
  local was=${state[$1]-} failures value
  field state "$2" && state[$1]=$value
  field failures "$2" && failures=$value
  field cause "$2"
  case ${state[$1]} in
    up) [ -n "$was" ] || say probe "$1 is up" good "$3" ;;
    failing) say probe "$1 fails: $value ($failures of $threshold)" bad "$3" ;;
    down) [ "$failures" != 0 ] || say probe "$1 answers; one more good probe is wanted" plain "$3" ;;
    *) say probe "$1 is ${state[$1]}${value:+: $value}" plain "$3" ;;
  esac
}

tell_mails() {
  local files=("$mails"/*.eml)
  [ -e "${files[0]}" ] || return 0
  while [ "$shown" -lt ${#files[@]} ]; do
    # A long subject goes on in lines that begin with a space.
    say mail "$(awk '/^Subject: /{s = substr($0, 10); next} s && /^ /{sub(/\r$/, ""); s = s $0; next} s {exit} END{sub(/\r/, "", s); print s}' "${files[shown]}")" plain
    shown=$((shown + 1))
  done
}
