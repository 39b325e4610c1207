#!/usr/bin/env bash
# Keeps a bench for as long as somebody holds our standard input open: takes it up, says `ready FOLDER`, and takes it
# down when the input ends, however its holder ended. Before, it takes down what killed keepers left behind.
# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
mkdir -p "$RH_TMP"

# One at a time: the base is made once, and no two sweep together.
exec 8>"$RH_TMP/lock"
flock 8
for state in "$RH_TMP"/*.env; do
  [ -e "$state" ] || continue
  owner=$(sed -n 's/^RH_OWNER=//p' "$state") born=$(sed -n 's/^RH_BORN=//p' "$state")
  [ -n "$owner" ] && [ "$(life "$owner")" = "$born" ] && continue
  RH_NAME=$(basename "$state" .env) "$RH_HERE/down.sh" </dev/null >&2 8>&- || true
done
"$RH_HERE/base.sh" </dev/null >&2 8>&-
exec 8>&-

trap 'RH_NAME=$RH_NAME "$RH_HERE/down.sh" </dev/null >>"$RH_TMP/down.log" 2>&1' EXIT
trap 'exit 1' INT TERM HUP
RH_OWNER=$$ RH_BORN=$(life $$) "$RH_HERE/up.sh" </dev/null >&2
load_state
echo "ready $RH_WORK"
cat >/dev/null
