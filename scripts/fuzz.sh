#!/usr/bin/env bash
# Looks for inputs that break affiche: builds the fuzz targets with the address sanitizer and runs one or all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
scripts/fuzz.sh [TARGET] [SECONDS]   one target, or `all` (the default), for so many seconds each (600)
scripts/fuzz.sh min [TARGET]         keeps of what was found the inputs that reach something new, in fuzz/corpus

Needs cargo-fuzz (cargo install cargo-fuzz) and a C++ compiler; the stable toolchain will do. The first build takes minutes.
What is found lies in fuzz/artifacts/TARGET: put the smallest case into fuzz/corpus/TARGET, where `cargo test` replays it.
An input that takes more than 5 s or 1 GiB is a finding too.
TEXT
}

# Sanitizers are not stable: this lets the stable compiler build them, for this folder's target alone.
export RUSTC_BOOTSTRAP=1
# Freed memory is held back by the sanitizer to find its use; 256 MiB of it would count as ours.
export ASAN_OPTIONS="quarantine_size_mb=32:${ASAN_OPTIONS-}"

build() {
  cargo fuzz build --sanitizer address "$@"
}

# The built program of a target: run by its path, since `cargo fuzz run` would look at the build again.
binary() {
  local found=(fuzz/target/*/release/"$1")
  [ -x "${found[0]}" ] || { echo "fuzz: $1 is not built" >&2 && exit 1; }
  echo "${found[0]}"
}

# One target. New inputs go beside the corpus, not into it: `min` takes from there what is worth keeping.
run() {
  local name=$1 seconds=$2 dict=()
  [ -f "fuzz/dict/$name.dict" ] && dict=("-dict=fuzz/dict/$name.dict")
  mkdir -p "fuzz/found/$name" "fuzz/artifacts/$name"
  echo "==> $name, $seconds s"
  nice -n 19 "$(binary "$name")" "fuzz/found/$name" "fuzz/corpus/$name" "${dict[@]}" \
    "-artifact_prefix=fuzz/artifacts/$name/" "-max_total_time=$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=4096 \
    -print_final_stats=1
}

minimise() {
  local name=$1 kept
  kept=$(mktemp -d)
  "$(binary "$name")" -merge=1 -max_len=4096 "$kept" "fuzz/corpus/$name" "fuzz/found/$name"
  rm -rf "fuzz/corpus/$name" && mv "$kept" "fuzz/corpus/$name"
  du -sb "fuzz/corpus/$name"
}

targets() {
  ls fuzz/fuzz_targets | sed 's/\.rs$//'
}

case "${1-}" in
  -h | --help) usage ;;
  min)
    for name in ${2-$(targets)}; do minimise "$name"; done
    ;;
  "" | all)
    build
    for name in $(targets); do run "$name" "${2-600}"; done
    ;;
  *)
    [ -f "fuzz/fuzz_targets/$1.rs" ] || { usage >&2 && exit 2; }
    build "$1"
    run "$1" "${2-600}"
    ;;
esac
