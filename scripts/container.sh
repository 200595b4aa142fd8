#!/usr/bin/env bash
# Builds the Dockerfile and tries the container where no image registry is reached: as root, on Debian, with buildah.
#
#   scripts/container.sh [--keep]      --keep leaves the unpacked image for a look
#
# The base image is made here under the very name the Dockerfile uses: debootstrap and the local Rust toolchain. The container
# then runs with its own network and processes, as its own user, on a read-only root. State (base, layers, crates built) stays
# in target/container and makes the next run short; delete the folder to begin anew.
set -euo pipefail
cd "$(dirname "$0")/.."

image=localhost/affiche
max_bytes=90000000
state="${CARGO_TARGET_DIR:-$PWD/target}/container"

say() { echo "container: $*"; }
die() {
  echo "container: FAILED: $*" >&2
  exit 1
}

if [ "${1-}" = inside ]; then
  # Runs in namespaces of its own: see `try` below. $2 is the unpacked image, then the image's environment, `--`, its command.
  root=$2 && shift 2
  environment=() && while [ "$1" != -- ]; do environment+=("$1") && shift; done && shift
  user=${user:?} chroot=$(command -v chroot)
  ip link set lo up
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -o remount,bind,ro "$root"
  in_container() { env -i "${environment[@]}" "$chroot" --userspec="$user" --groups= "$root" "$@"; }
  url=http://127.0.0.1:$(printf '%s\n' "${environment[@]}" | sed -n 's/^PORT=//p')
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT

  ! in_container /affiche health >"$work/health" 2>&1 || die "health says yes although nothing runs"
  env -i "${environment[@]}" "$(command -v setpriv)" --no-new-privs "$chroot" --userspec="$user" --groups= "$root" "$@" >"$work/log" 2>&1 &
  server=$!
  began=$(date +%s%N)
  for _ in $(seq 100); do
    in_container /affiche health >"$work/health" 2>&1 && break
    kill -0 $server 2>/dev/null || { cat "$work/log" >&2 && die "serve has ended"; }
    sleep 0.05
  done
  in_container /affiche health || { cat "$work/log" "$work/health" >&2 && die "no health after 5 s"; }
  say "healthy $((($(date +%s%N) - began) / 1000000)) ms after its start"
  ids=$(awk '/^(Uid|Gid):/ { print $2, $3, $4, $5 }' "/proc/$server/status" | sort -u)
  [ "$ids" = "${user%:*} ${user%:*} ${user%:*} ${user%:*}" ] || die "runs as $ids"
  grep -q '^CapEff:[[:space:]]*0*$' "/proc/$server/status" || die "runs with capabilities"

  status=$(curl -sS -o "$work/share.png" -w '%{http_code} %{content_type}' --max-time 30 \
    -H 'content-type: application/json' -d '{"template": "share"}' "$url/v1/render")
  [ "$status" = "200 image/png" ] || { head -c 2000 "$work/share.png" >&2 && die "POST /v1/render: $status"; }
  [ "$(head -c 8 "$work/share.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || die "POST /v1/render gave no PNG"
  in_container /affiche render share -o - >"$work/command.png" || die "render in the container"
  cmp "$work/share.png" "$work/command.png" || die "POST /v1/render and affiche render differ"
  cp "$work/share.png" "$out"
  say "rendered share, $(stat -c %s "$work/share.png") bytes, by service and command alike: $out"

  status=$(curl -sS -o "$work/answer" -w '%{http_code}' --max-time 10 -T "$work/share.png" "$url/v1/uploads/a.png")
  case $status in
    403 | 507) say "an upload is answered $status" ;;
    *) die "an upload on a read-only root without a key is answered $status" ;;
  esac
  # A source on the container's own loopback is refused, not fetched.
  status=$(curl -sS -o "$work/answer" -w '%{http_code}' --max-time 10 -H 'content-type: application/json' "$url/v1/render" \
    -d "{\"width\": 64, \"height\": 64, \"layers\": [{\"type\": \"image\", \"src\": \"$url/livez\"}]}")
  [ "$status" = 403 ] || { cat "$work/answer" >&2 && die "a private source is answered $status"; }
  [ "$(in_container /affiche licenses | wc -c)" -gt 50000 ] || die "affiche licenses prints too little"

  stopped=$(date +%s%N)
  kill -TERM $server
  wait $server || { cat "$work/log" >&2 && die "serve ended with $? after SIGTERM"; }
  say "stopped $((($(date +%s%N) - stopped) / 1000000)) ms after SIGTERM"
  if grep -iE 'panick|backtrace' "$work/log"; then die "the log tells of a panic"; fi
  exit 0
fi

[ "$(id -u)" = 0 ] || die "needs root (debootstrap, chroot, namespaces)"
if ! command -v buildah debootstrap ip curl >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah debootstrap iproute2 curl >/dev/null
fi
mkdir -p "$state"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay
run_buildah() { buildah --root "$state/store" --runroot "$state/run" "$@"; }
# What a run that was cut short left behind.
run_buildah rm --all >/dev/null 2>&1 || true

# base NAME: a stand-in for the official Rust image of that name.
base() {
  local name=$1 suite=${1##*-} toolchain folder=$state/base
  run_buildah inspect --type image "$name" >/dev/null 2>&1 && return
  say "making $name"
  toolchain=$(rustc --print sysroot)
  rm -rf "$folder"
  debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev "$suite" "$folder" >"$state/debootstrap.log" 2>&1 ||
    { tail "$state/debootstrap.log" >&2 && die "debootstrap"; }
  mkdir -p "$folder/usr/local/cargo/bin" "$folder/usr/local/rustup"
  cp -a "$toolchain/bin" "$toolchain/lib" "$folder/usr/local/rustup/"
  ln -s ../../rustup/bin/{cargo,rustc} "$folder/usr/local/cargo/bin/"
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
  local container
  container=$(run_buildah from scratch)
  run_buildah copy -q "$container" "$folder" / >/dev/null
  run_buildah config --env CARGO_HOME=/usr/local/cargo --env RUSTUP_HOME=/usr/local/rustup \
    --env PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  run_buildah commit -q --rm --format docker "$container" "$name" >/dev/null
  rm -rf "$folder"
}

for name in $(awk 'toupper($1) == "FROM" && $2 != "scratch" { print $2 }' Dockerfile); do
  base "$name"
done

say "building"
began=$SECONDS
mkdir -p "$state/target" "${CARGO_HOME:-$HOME/.cargo}/registry"
# The crates that are downloaded and built already are borrowed, which changes the time and nothing else.
run_buildah build --isolation chroot --pull-never --format docker --network host \
  --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/usr/local/cargo/registry" --volume "$state/target:/src/target" \
  --tag "$image" . >"$state/build.log" 2>&1 || { tail -n 40 "$state/build.log" >&2 && die "the build: $state/build.log"; }
say "built in $((SECONDS - began)) s"

container=$(run_buildah from --pull-never "$image")
root=$(run_buildah mount "$container")
trap 'run_buildah rm "$container" >/dev/null' EXIT
field() { run_buildah inspect --type image --format "$1" "$image"; }

bytes=$(du -sb --apparent-size "$root" | cut -f1)
say "unpacked: $bytes bytes ($((bytes / 1000000)) MB of at most $((max_bytes / 1000000)))"
(cd "$root" && find . -type f -size +100k -printf '    %9s  %P\n' | sort -rn)
[ "$bytes" -le "$max_bytes" ] || die "too large"
[ -z "$(find "$root" -name '*sh' -type f -perm /111 -o -name 'busybox*')" ] || die "there is a shell in it"
user=$(field '{{.Docker.Config.User}}')
[ "$user" = 65532:65532 ] || die "USER is '$user'"
health=$(field '{{.Docker.Config.Healthcheck.Test}}')
[ "$health" = "[CMD /affiche health]" ] || die "HEALTHCHECK is '$health'"
[ "$(stat -c %u:%g "$root/data")" = "$user" ] || die "/data is not the user's"

# try: the image's own command, user and environment, in new namespaces: no network but its loopback, its own processes.
mapfile -t environment < <(field '{{range .Docker.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t command < <(field '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}{{range .Docker.Config.Cmd}}{{println .}}{{end}}' | sed '/^$/d')
mkdir -p "$root/proc"
user=$user out=$state/share.png unshare --mount --net --pid --fork --mount-proc \
  "$0" inside "$root" "${environment[@]}" -- "${command[@]}"
if [ "${1-}" = --keep ]; then
  trap - EXIT
  say "the unpacked image: $root"
fi
say "passed"
