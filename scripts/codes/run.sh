#!/usr/bin/env bash
# Makes 2,000 codes of all symbologies, levels, styles, logos, colours and rotations and reads every one with zxing-cpp.
# Installs zxing-cpp into the user's cache folder. Usage: scripts/codes/run.sh [HOW MANY]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
count=${1:-2000}
zxing_version=3.1.1
pillow_version=13.0.0

command -v python3 >/dev/null || { echo "codes: no python3" >&2; exit 1; }
. "$here/../cache.sh"
tools="$cache/affiche/codes-zxing-cpp-$zxing_version"
if ! [ -e "$tools/complete" ]; then
  echo "    installing zxing-cpp $zxing_version into $tools"
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "zxing-cpp==$zxing_version" "pillow==$pillow_version"
  touch "$tools/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here/../.."
start=$SECONDS
# As the tests are built: nothing is compiled twice.
AFFICHE_CODES="$count" AFFICHE_CODES_DIR="$work" \
  cargo test --release --locked ${AFFICHE_CODES_CARGO:-} --test codes -- --exact codes_of_every_kind_read --nocapture >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; exit 1; }
sed -n 's/^.*\([0-9]* codes, of which.*\)$/    \1/p' "$work/log"
echo "    made in $((SECONDS - start)) s"
start=$SECONDS
"$tools/bin/python" "$here/read.py" "$work"
echo "    read in $((SECONDS - start)) s"
