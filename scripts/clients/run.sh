#!/usr/bin/env bash
# Real clients that nobody here wrote against the release binary: tuspy, tus-js-client and curl, over a line that is cut.
# Installs what it needs into the user's cache folder. Usage: scripts/clients/run.sh [PATH OF affiche]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
affiche=${1:-${CARGO_TARGET_DIR:-$here/../../target}/release/affiche}
tuspy_version=1.1.0
tus_js_version=4.3.1
mib=${AFFICHE_CLIENTS_MIB:-200}
cuts=6

die() {
  echo "clients: $*" >&2
  exit 1
}

[ -x "$affiche" ] || die "no $affiche: cargo build --release first"
for tool in python3 node npm curl sha256sum; do
  command -v "$tool" >/dev/null || die "no $tool"
done

. "$here/../cache.sh"
tools="$cache/affiche/clients-tuspy-$tuspy_version-tus-js-$tus_js_version"
if ! [ -e "$tools/complete" ]; then
  echo "    installing tuspy $tuspy_version and tus-js-client $tus_js_version into $tools"
  rm -rf "$tools"
  mkdir -p "$tools"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check "tuspy==$tuspy_version"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools/node" "tus-js-client@$tus_js_version"
  touch "$tools/complete"
fi

work=$(mktemp -d)
running=()
trap 'for process in "${running[@]}"; do kill "$process" 2>/dev/null || true; done; rm -rf "$work"' EXIT

# wait_for FILE PATTERN: the first match of a line that a process will soon write.
wait_for() {
  local found
  for _ in $(seq 200); do
    found=$(sed -n "$2" "$1" | head -n 1)
    [ -n "$found" ] && echo "$found" && return
    sleep 0.05
  done
  return 1
}

HOME="$work" AFFICHE_DATA_DIR="$work/data" "$affiche" serve --listen 127.0.0.1:0 --log-format json 2>"$work/log" &
running+=($!)
port=$(wait_for "$work/log" 's/.*"listening".*"address":"127.0.0.1:\([0-9]*\)".*/\1/p') || die "affiche does not listen: $(cat "$work/log")"
direct="http://127.0.0.1:$port"

head -c "$((mib << 20))" /dev/urandom >"$work/file"
sum=$(sha256sum <"$work/file" | cut -d ' ' -f 1)

# over_a_bad_line NAME COMMAND…: runs the command with the endpoint behind a cutting proxy, and compares what arrived.
over_a_bad_line() {
  local name=$1 start=$SECONDS proxy at
  shift
  python3 "$here/proxy.py" "$port" "$cuts" 20 >"$work/proxy-$name" &
  proxy=$!
  running+=("$proxy")
  at=$(wait_for "$work/proxy-$name" '1p') || die "no proxy"
  "$@" "http://127.0.0.1:$at" "$name" >"$work/out" 2>"$work/err" || die "$name failed: $(tail -n 5 "$work/err")"
  kill "$proxy" && wait "$proxy" || true
  local cut
  cut=$(sed -n 2p "$work/proxy-$name")
  [ "$cut" -ge 3 ] || die "$name: the line was cut $cut times only, that shows nothing"
  compare "$name"
  echo "    $name: $mib MiB, cut $cut times, sha-256 equal, $((SECONDS - start)) s"
}

compare() {
  local theirs
  theirs=$(curl --silent --show-error --fail "$direct/v1/uploads/$1" | sha256sum | cut -d ' ' -f 1)
  [ "$theirs" = "$sum" ] || die "$1: arrived as $theirs, left as $sum"
}

with_tuspy() { timeout 120 "$tools/python/bin/python" "$here/with_tuspy.py" "$1/v1/tus" "$work/file" "$2"; }
with_tus_js() { NODE_PATH="$tools/node/node_modules" timeout 120 node "$here/with_tus_js.cjs" "$1/v1/tus" "$work/file" "$2"; }
with_send() { HOME="$work" timeout 120 "$affiche" send "$work/file" "$1/v1/uploads/$2"; }

over_a_bad_line tuspy with_tuspy
over_a_bad_line tus-js-client with_tus_js
over_a_bad_line affiche-send with_send

fetch() { curl --silent --show-error --fail --max-time 60 "$@"; }
start=$SECONDS
fetch --upload-file "$work/file" "$direct/v1/uploads/curl" >/dev/null
compare curl
half=$((mib << 19))
fetch --range "0-$((half - 1))" "$direct/v1/uploads/curl" >"$work/parts"
fetch --range "$half-" "$direct/v1/uploads/curl" >>"$work/parts"
cmp "$work/parts" "$work/file" || die "curl: two ranges do not make the file"
truncate -s "$((half + 12345))" "$work/parts"
fetch --continue-at - --output "$work/parts" "$direct/v1/uploads/curl"
cmp "$work/parts" "$work/file" || die "curl: a continued download does not make the file"
echo "    curl: up, down, by ranges and continued, $((SECONDS - start)) s"

# Nothing is left under way, nothing half is to be seen.
fetch --request DELETE "$direct/v1/uploads/curl"
left=$(find "$work/data/uploads" -name '.tus-*' -size +64k -o -name '.tmp-*')
[ -z "$left" ] || die "left over: $left"
