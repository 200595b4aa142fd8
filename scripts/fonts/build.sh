#!/bin/sh
# Makes the bundled fonts again from the packages they come from, checks them
# and compares them with the hashes in assets/fonts/FONTS.md.
#
#   scripts/fonts/build.sh [OUT]      (default: target/fonts; about two minutes)
#
# Needs apt-get (Debian 12 with package lists), dpkg-deb, npm, python3 with
# venv. assets/fonts is never written: copy a file over by hand when it is
# meant to change, once, since every version stays in the history for good.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$root/target/fonts}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=0
cd "$work"

apt-get download -q \
    fonts-noto-cjk=1:20220127+repack1-1 \
    fonts-noto-core=20201225-1 \
    unicode-data=15.0.0-1
npm pack --silent inter-ui@4.1.1 @expo-google-fonts/noto-color-emoji@0.4.6
sha256sum -c "$here/sources.sha256"

mkdir -p src/deb src/inter src/emoji
for package in *.deb; do dpkg-deb -x "$package" src/deb; done
tar -xzf inter-ui-4.1.1.tgz -C src/inter
tar -xzf expo-google-fonts-noto-color-emoji-0.4.6.tgz -C src/emoji

python3 -m venv venv
venv/bin/pip install -q fonttools==4.68.0 brotli==1.2.1 uharfbuzz==0.57.0
venv/bin/python "$here/subset.py" src "$out"
venv/bin/python "$here/verify.py" "$out"

# Rows of FONTS.md: | file | family | source | subset | features | bytes | sha256 | licence |
cd "$out"
awk -F' *[|] *' '$2 ~ /^[A-Za-z0-9-]+[.](ttf|otf)$/ { print $8 "  " $2 }' "$root/assets/fonts/FONTS.md" | sha256sum -c
