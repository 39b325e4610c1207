# shellcheck shell=bash
# Installs what is missing, and only that. Sourced by examples/outage and tests/run.
#
#   need PROGRAM PACKAGE    remembers PACKAGE when PROGRAM is not there
#   install_missing         installs what was remembered, by apt, without a question

missing=()

need() {
  local program=$1 package=$2
  PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("$package")
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local root=()
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (names of Debian packages); install them with your package tool and call again" >&2
    return 3
  fi
  if [ "$(id -u)" != 0 ]; then
    root=(sudo)
    command -v sudo >/dev/null || { echo "missing: ${missing[*]}; as root: apt-get install ${missing[*]}" >&2; return 3; }
  fi
  echo "installing: ${missing[*]}"
  # The servers are wanted as programs: what was not running before is not running afterwards either.
  local policy=/usr/sbin/policy-rc.d placed=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null
    "${root[@]}" chmod 755 $policy
    placed=1
  fi
  local status=0
  {
    "${root[@]}" apt-get update -qq &&
      printf 'postfix postfix/%s\n' 'main_mailer_type select Local only' 'mailname string localhost' |
      "${root[@]}" debconf-set-selections &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } </dev/null >"${TMPDIR:-/tmp}/probe-apt.$$" 2>&1 || status=$?
  [ -z "$placed" ] || "${root[@]}" rm -f $policy
  [ "$status" = 0 ] || tail -n 20 "${TMPDIR:-/tmp}/probe-apt.$$" >&2
  rm -f "${TMPDIR:-/tmp}/probe-apt.$$"
  missing=()
  return "$status"
}
