#!/usr/bin/env python3
"""Makes the test data in tests/unicode/ from Unicode's own files, without comments and closely written.

Usage: scripts/unicode/build.py [UNICODE_DIR [SEGMENTER_DIR]]

UNICODE_DIR holds BidiTest.txt, BidiCharacterTest.txt and emoji/emoji-test.txt (Debian: apt-get install unicode-data, then
/usr/share/unicode). SEGMENTER_DIR holds LineBreakTest.txt and GraphemeBreakTest.txt (tests/testdata of the package
icu_segmenter, which cargo unpacks under ~/.cargo/registry/src). Every file is a first line that says what it was made of,
then data; tests/unicode/README.md tells the forms. The same input gives the same bytes.
"""
import gzip
import pathlib
import re
import sys

CLASSES = "L R AL EN ES ET AN CS NSM BN B S WS ON LRE LRO RLE RLO PDF LRI RLI FSI PDI".split()


def lines(path):
    text = path.read_text(encoding="utf-8").lstrip("\ufeff")
    return text.splitlines()


def version(path):
    head = lines(path)[:12]
    found = re.match(r"# (\S+?)-(\d+\.\d+\.\d+)\.txt", head[0])
    if found:
        return f"{found[1]}.txt {found[2]}"
    number = next(line.split(":")[1].strip() for line in head if line.startswith("# Version"))
    return f"{path.name} {number}"


def data(path):
    for line in lines(path):
        line = line.split("#")[0].strip()
        if line:
            yield line


def breaks(path):
    for line in data(path):
        yield line.replace("÷", "/").replace("×", "_").replace(" ", "")


def front_coded(entries):
    """Sorted lines, each as a digit (how many characters it shares with the line before, at most 9) and the rest."""
    before = ""
    for entry in sorted(entries):
        shared = 0
        while shared < min(9, len(entry), len(before)) and entry[shared] == before[shared]:
            shared += 1
        yield f"{shared}{entry[shared:]}"
        before = entry


def bidi_classes(path):
    block = []
    for line in data(path):
        if line.startswith("@"):
            yield from front_coded(block)
            block = []
            if line.startswith("@Levels:"):
                yield "=" + " ".join(line.split()[1:])
            elif line.startswith("@Reorder:"):
                yield "@" + " ".join(line.split()[1:])
        else:
            classes, directions = line.split(";")
            block.append("".join(chr(97 + CLASSES.index(c)) for c in classes.split()) + directions.strip())
    yield from front_coded(block)


def bidi_characters(path):
    by_result = {}
    for line in data(path):
        points, result = line.split(";", 1)
        by_result.setdefault(result, []).append(points)
    for result, points in by_result.items():
        yield "=" + result
        yield from front_coded(points)


def emoji(path):
    for line in lines(path):
        found = re.match(r"([0-9A-F ]+?)\s*; fully-qualified", line)
        if found:
            yield found[1].replace(" ", ",")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    unicode_dir = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode")
    found = sorted(pathlib.Path.home().glob(".cargo/registry/src/*/icu_segmenter-2.*/tests/testdata"))
    segmenter_dir = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else found[-1]
    parts = [
        (segmenter_dir / "LineBreakTest.txt", breaks),
        (segmenter_dir / "GraphemeBreakTest.txt", breaks),
        (unicode_dir / "BidiTest.txt", bidi_classes),
        (unicode_dir / "BidiCharacterTest.txt", bidi_characters),
        (unicode_dir / "emoji/emoji-test.txt", emoji),
    ]
    for path, form in parts:
        text = "\n".join([version(path), *form(path)]) + "\n"
        target = root / "tests/unicode" / (path.stem + ".gz")
        target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
        print(target.name, text.split("\n")[0], target.stat().st_size)


main()
