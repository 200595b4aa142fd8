#!/usr/bin/env bash
# Compares the instructions and allocations of the benchmarks with bench/counts.txt; BLESS=1 writes that file anew.
# Runs benches/stages under callgrind (as root it installs valgrind by apt-get where there is none): exit code 3 means that it
# could not, which `./check` reports as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

file=bench/counts.txt
# In percent. The same binary run from two folders was at most 1.04 % apart, the same code built in another folder within these 4; built
# incrementally, in other units, it was up to 11 off.
tolerance=4
tolerance_allocations=1

skip() {
  echo "    counts: SKIPPED, $*"
  exit 3
}

if ! command -v valgrind >/dev/null; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip "valgrind is not installed and may not be from here"
  { apt-get update && apt-get install -y --no-install-recommends valgrind libc6-dbg; } >/dev/null 2>&1 ||
    skip "valgrind is not installed and apt-get cannot get it"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The profile that everything else is built with, so that only the benchmark itself is built here: the counts include debug
# assertions and overflow checks of our own code.
CARGO_INCREMENTAL=0 cargo build --release --locked --bench stages --message-format=json >"$work/built" 2>"$work/log" ||
  { cat "$work/log" >&2; exit 1; }
binary=$(sed -n 's/.*"name":"stages".*"executable":"\([^"]*\)".*/\1/p' "$work/built" | tail -n 1)
[ -x "$binary" ] || { echo "counts: no benchmark was built" >&2; exit 1; }

# What differs between processors is to be pinned: our own SIMD is off (--count), the libraries see the processor that valgrind
# shows (recorded in the file: another one skips the comparison), and glibc's choices by cache size are fixed.
GLIBC_TUNABLES=glibc.cpu.x86_non_temporal_threshold=0xc0000:glibc.cpu.x86_rep_movsb_threshold=0x100000 \
  valgrind --tool=callgrind --callgrind-out-file="$work/part" --toggle-collect=affiche_counted --dump-after=affiche_counted \
  "$binary" --count >"$work/said" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }

processor=$(sed -n 's/^# //p' "$work/said")
rustc=$(rustc --version | awk '{ print $2 }')
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "unknown")
n=0
grep -v '^#' "$work/said" >"$work/rows"
# NAME ALLOCATIONS BYTES, and a part for each row in the same order; names may hold blanks.
while IFS= read -r row; do
  n=$((n + 1))
  instructions=$(sed -n 's/^\(summary\|totals\): \([0-9]*\).*/\2/p' "$work/part.$n" | head -n 1)
  [ -n "$instructions" ] || { echo "counts: callgrind wrote no part $n" >&2; exit 1; }
  awk -v i="$instructions" '{ bytes = $NF; allocations = $(NF - 1); NF -= 2; printf "%s\t%s\t%s\t%s\n", $0, i, allocations, bytes }' <<<"$row"
done <"$work/rows" >"$work/measured"
[ "$n" -gt 0 ] || { echo "counts: no benchmark ran" >&2; exit 1; }

if [ -n "${BLESS-}" ]; then
  mkdir -p "$(dirname "$file")"
  {
    echo "# What the benchmarks of benches/stages cost. Written by BLESS=1 scripts/bench-counts.sh, compared by ./check counts."
    echo "# One thread, our own SIMD off, debug assertions on; columns: benchmark, instructions, allocations, bytes allocated."
    echo "# processor: $processor"
    echo "# rustc: $rustc"
    echo "# libc: $libc"
    cat "$work/measured"
  } >"$file"
  echo "    counts: $n written to $file"
  exit 0
fi

[ -f "$file" ] || { echo "counts: no $file; BLESS=1 writes it" >&2; exit 1; }
# Another processor, compiler or allocator counts otherwise: that says nothing of our code.
for of in "processor: $processor" "rustc: $rustc" "libc: $libc"; do
  recorded=$(sed -n "s/^# ${of%%:*}: //p" "$file")
  [ "$recorded" = "${of#*: }" ] || skip "$file was written with ${of%%:*} $recorded, here is ${of#*: }"
done

# Either way beyond the tolerance fails, so that what was gained cannot be lost again unseen.
awk -F'\t' -v t="$tolerance" -v ta="$tolerance_allocations" '
  function off(now, was, percent, slack) { return now > was * (1 + percent / 100) + slack || now < was * (1 - percent / 100) - slack }
  FNR == NR { if ($0 !~ /^#/) { was[$1] = $0; left[$1] = 1 } next }
  !($1 in was) { print "      " $1 ": not in the file"; bad = 1; next }
  {
    delete left[$1]
    split(was[$1], old, "\t")
    if (off($2, old[2], t, 2000)) { printf "      %s: %d instructions, were %d (%+.1f %%)\n", $1, $2, old[2], 100 * ($2 / old[2] - 1); bad = 1 }
    if (off($3, old[3], ta, 3)) { printf "      %s: %d allocations, were %d\n", $1, $3, old[3]; bad = 1 }
    if (off($4, old[4], t, 4096)) { printf "      %s: %d bytes allocated, were %d\n", $1, $4, old[4]; bad = 1 }
  }
  END { for (name in left) { print "      " name ": in the file, but did not run"; bad = 1 } exit bad }
' "$file" "$work/measured" || {
  echo "counts: more than $tolerance % off (allocations: $tolerance_allocations %): if that is meant, BLESS=1 ./check counts" >&2
  exit 1
}
echo "    counts: $n benchmarks within $tolerance %"
