# Sourced: `cache` becomes a folder that can be written and outlasts a run, the user's for choice, else the project's target folder.
cache="${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}"
[ -n "$cache" ] && mkdir -p "$cache/affiche" 2>/dev/null && [ -w "$cache/affiche" ] || cache="$(dirname "${BASH_SOURCE[0]}")/../target"
