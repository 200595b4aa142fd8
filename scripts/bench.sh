#!/usr/bin/env bash
# Builds bench/peers as affiche is shipped and runs it: scripts/bench.sh [compare] [OPTION…]; --help lists what it measures.
# Its dependencies and its target folder are its own. Two cores are assumed; the figures of one run compare with each other only.
set -euo pipefail
cd "$(dirname "$0")/../bench/peers"
# Thin LTO and incremental builds exclude each other.
CARGO_INCREMENTAL=0 cargo build --release --locked
exec target/release/affiche-bench-peers "$@"
