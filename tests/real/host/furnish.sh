#!/usr/bin/env bash
# The host's own files, below $R: two sites over HTTP and HTTPS, the accounts, Monit as KUSANAGI sets it up, and a
# stand-in for `kusanagi`. What is recommended for a web host is taken from deploy/host, as it is.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
: "${R:?}" "${RH_WORK:?}"
deploy=$(readlink -f "$RH_HERE/../../../deploy/host")

# ---- a throw-away authority, certificates, keys ----------------------------------------------------------------------
cd "$RH_WORK" || exit
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
key ca.key
openssl req -x509 -new -key ca.key -days 30 -subj "/CN=bench" -out ca.pem \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
mkdir -p "$R/etc/nginx/tls"
for s in site-a site-b; do
  key "$R/etc/nginx/tls/$s.key"
  openssl req -new -key "$R/etc/nginx/tls/$s.key" -subj "/CN=$s.test" -out $s.csr
  openssl x509 -req -in $s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 29 -out "$R/etc/nginx/tls/$s.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s.test\nextendedKeyUsage=serverAuth\n' $s) 2>/dev/null
done
chmod 600 "$R"/etc/nginx/tls/*.key
for k in probe ops badsudo stranger; do ssh-keygen -q -t ed25519 -N '' -C "$k@bench" -f keys/$k; done
ssh-keygen -q -t ed25519 -N '' -C webhost1 -f "$R/etc/ssh/ssh_host_ed25519_key"
{ printf '%s ' "$WEB4"; cut -d' ' -f1,2 "$R/etc/ssh/ssh_host_ed25519_key.pub"; } >known_hosts
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nUseDNS no\n' \
  >"$R/etc/ssh/sshd_config.d/bench.conf"

# ---- names and accounts ----------------------------------------------------------------------------------------------
echo webhost1 >"$R/etc/hostname"
printf '127.0.0.1 localhost\n%s webhost1 site-a.test site-b.test\n' "$WEB4" >"$R/etc/hosts"
: >"$R/etc/resolv.conf"
for u in kusanagi ops badsudo; do chroot "$R" useradd -m -s /bin/bash $u; done
# As deploy/host/authorized_keys says.
chroot "$R" useradd --create-home --shell /bin/sh probe
chmod 755 "$R/home/kusanagi"
install -m 755 "$RH_HERE/kusanagi" "$R/usr/bin/kusanagi"
install -m 0755 -o root -g root "$deploy/probe-agent" "$R/usr/local/sbin/probe-agent"
install -m 0440 -o root -g root "$deploy/sudoers" "$R/etc/sudoers.d/probe"
sed 's/\bprobe\b/ops/' "$deploy/sudoers" | install -m 440 /dev/stdin "$R/etc/sudoers.d/ops"
echo 'badsudo ALL=(root) /usr/bin/kusanagi restart' | install -m 440 /dev/stdin "$R/etc/sudoers.d/badsudo"
keys() { # account, pattern of its line in deploy/host/authorized_keys
  install -d -m 0700 "$R/home/$1/.ssh"
  grep -- "$2" "$deploy/authorized_keys" | head -n 1 |
    sed -e 's/^#//' -e "s/192\.0\.2\.10/$MON4/" -e "s/2001:db8::10/$MON6/" \
      -e "s|ssh-ed25519 .*|$(cut -d' ' -f1-3 "keys/$1.pub")|" >"$R/home/$1/.ssh/authorized_keys"
  chmod 600 "$R/home/$1/.ssh/authorized_keys"
  chroot "$R" chown -R "$1:$1" "/home/$1/.ssh"
}
keys probe '^restrict,.*command="/usr/local/sbin/probe-agent" ssh-ed25519'
keys ops '^#restrict,from=[^ ]* ssh-ed25519'
keys badsudo '^#restrict,from=[^ ]* ssh-ed25519'

# ---- nginx -----------------------------------------------------------------------------------------------------------
for p in a b; do
  s=site-$p prof=site_$p home=/home/kusanagi/site_$p
  mkdir -p "$R$home"/{DocumentRoot,log/nginx,log/httpd}
  touch "$R$home"/log/{nginx,httpd}/{access,ssl_access,error,ssl_error}.log
  echo "<!doctype html><html><title>$prof</title><h1>$prof is up</h1></html>" >"$R$home/DocumentRoot/index.html"
  for t in http ssl; do
    if [ $t = http ]; then
      listen='listen 80; listen [::]:80;' access=access error=error
    else
      listen="listen 443 ssl http2; listen [::]:443 ssl http2; ssl_certificate tls/$s.pem; ssl_certificate_key tls/$s.key;"
      access=ssl_access error=ssl_error
    fi
    cat >"$R/etc/nginx/conf.d/${prof}_$t.conf" <<N
server {
  server_name $s.test; $listen
  root $home/DocumentRoot;
  access_log $home/log/nginx/$access.log combined; error_log $home/log/nginx/$error.log;
  location = /__500 { return 500; }
  error_page 503 @maintenance;
  location @maintenance { add_header Retry-After 600 always; return 503; }
  if (-e /run/bench/maintenance) { return 503; }
  if (-e /run/bench/app500) { return 500; }
}
N
  done
done
rm -f "$R/etc/nginx/sites-enabled/default" "$R/etc/apache2/sites-enabled/000-default.conf"
# KUSANAGI has httpd beside nginx, switched off.
sed 's/^Description=.*/Description=Apache under the name KUSANAGI uses/' "$R/lib/systemd/system/apache2.service" >"$R/etc/systemd/system/httpd.service"

# ---- Monit: profile files look for 5xx lines in access logs; the files of the servers only ask `systemctl is-enabled` -------
mkdir -p "$R/etc/monit.d"
cat >"$R/etc/monit/monitrc" <<N
set daemon $RH_MONIT_CYCLE
set log /var/log/monit.log
set idfile /var/lib/monit/id
set statefile /var/lib/monit/state
set eventqueue basedir /var/lib/monit/events slots 100
set httpd port 2812 and use address localhost allow localhost
include /etc/monit.d/*
N
chmod 600 "$R/etc/monit/monitrc"
for w in httpd nginx; do
  cat >"$R/etc/monit.d/$w.conf" <<N
check program $w with path "/bin/systemctl is-enabled $w"
	#start program = "/bin/kusanagi restart"
	if status != 0 then unmonitor
	group $w
N
done
for p in site_a site_b; do
  for t in '' _ssl; do
    log=${t#_} verb=restart
    for w in nginx httpd; do
      programs='restart program = "/bin/kusanagi restart"'
      [ $w = nginx ] || { verb=start programs=$'start program = "/bin/kusanagi restart"\n\tstop program = "/bin/systemctl stop httpd"'; }
      cat >>"$R/etc/monit.d/${p}_$w.conf" <<N
check file ${p}_$w$t with path /home/kusanagi/$p/log/$w/$log${log:+_}access.log
	$programs
	depends on $w
	if match '"(GET|POST) /.* HTTP/.*" 5[0-9][0-9] [0-9]+ ' for 2 cycle then $verb
	if 5 restarts within 5 cycles then alert
	if 5 restarts within 5 cycles then unmonitor
	group $w

N
    done
  done
done
chmod 600 "$R"/etc/monit.d/*

# ---- the rest --------------------------------------------------------------------------------------------------------
: >"$R/var/log/kusanagi-standin.log"
echo 'd /run/bench 0777 root root' >"$R/etc/tmpfiles.d/bench.conf"
systemctl --root="$R" -q disable apache2 httpd 2>/dev/null || true
systemctl --root="$R" -q enable nginx ssh monit 2>/dev/null || true
systemctl --root="$R" -q mask getty.target console-getty.service systemd-udevd.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer 2>/dev/null || true
