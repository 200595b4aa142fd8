#!/usr/bin/env python3
"""Checks the bundled fonts: verify.py DIR. Prints what it finds, fails on a fault."""
import pathlib
import sys

import uharfbuzz as hb
from fontTools.ttLib import TTFont

DIR = pathlib.Path(sys.argv[1])
faults = []


def shape(file, text, lang=None, direction=None, features=None):
    font = hb.Font(hb.Face(hb.Blob.from_file_path(str(DIR / file))))
    buf = hb.Buffer()
    buf.add_str(text)
    buf.guess_segment_properties()
    if lang:
        buf.language = lang
    if direction:
        buf.direction = direction
    hb.shape(font, buf, features or {})
    # A variation selector without a glyph leaves a blank of no width behind.
    return [i.codepoint for i, p in zip(buf.glyph_infos, buf.glyph_positions)
            if not (file == "NotoColorEmoji.ttf" and p.x_advance == 0)]


def check(what, ok, seen=""):
    print("ok  " if ok else "BAD ", what, seen)
    if not ok:
        faults.append(what)


for path in sorted([*DIR.glob("*.ttf"), *DIR.glob("*.otf")]):
    f = TTFont(path, lazy=True)
    name = lambda i: f["name"].getDebugName(i)
    tags = lambda t: sorted({r.FeatureTag for r in f[t].table.FeatureList.FeatureRecord}) if t in f else []
    axes = [(a.axisTag, a.minValue, a.defaultValue, a.maxValue) for a in f["fvar"].axes] if "fvar" in f else ""
    print(f"--- {path.name}: {f['maxp'].numGlyphs} glyphs, {len(f.getBestCmap())} characters {axes}")
    print("    names 1,2,16,17:", [name(i) for i in (1, 2, 16, 17)], "weight", f["OS/2"].usWeightClass)
    print("    GSUB", *tags("GSUB"), "| GPOS", *tags("GPOS"))
    words = " ".join(name(i) or "" for i in (0, 7, 13)).lower()
    check("open licence, no reserved name, embeddable",
          "open font license" in words and "reserved font name" not in words and f["OS/2"].fsType == 0)
    check("no hinting left", not {"fpgm", "prep", "cvt ", "DSIG"} & set(f.keys()))
    notdef = hb.Font(hb.Face(hb.Blob.from_file_path(str(path)))).get_glyph_extents(0)
    check(".notdef has an outline", notdef is not None and notdef.width > 0, notdef)

for file in ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf"):
    for c in "骨直角":
        forms = {lang: shape(file, c, lang) for lang in ("zh-hans", "zh-hant", "zh-hk", "ja", "ko")}
        check(f"{file} locl {c}: ja is not zh-Hans, no .notdef",
              forms["ja"] != forms["zh-hans"] and all(g[0] for g in forms.values()), forms)
    for c in "。「」ー、（）…":
        across, down = shape(file, c, "zh-hans"), shape(file, c, "zh-hans", "ttb")
        check(f"{file} vert {c}", across != down and down[0] != 0, (across, down))
        ja = shape(file, c, "ja"), shape(file, c, "ja", "ttb")
        check(f"{file} vert {c} in ja", ja[0] != ja[1] and ja[1][0] != 0, ja)
    for text in ("嘅咗喺嘢冇啲", "髙﨑塡卽", "뷰한국어", "ㄅㄆㄇˇˋ", "①㈱㍿㎡㌔", "ā á ǎ à ǖ ǘ ǚ ǜ", "ｱﾊﾟｰﾄ ＡＢＣ ￥"):
        check(f"{file} has {text}", 0 not in shape(file, text, "zh-hans"))
    cmap = TTFont(DIR / file, lazy=True).getBestCmap()
    for codec, low, high in (("gb2312", 0x4E00, 0x9FFF), ("euc_kr", 0xAC00, 0xD7A3)):
        wanted = [c for c in range(low, high + 1) if len(chr(c).encode(codec, "ignore")) == 2]
        lost = [chr(c) for c in wanted if c not in cmap]
        check(f"{file}: all {len(wanted)} of {codec} in {low:X}..{high:X}", not lost, lost[:20])

isolated = [g for c in "السلام" for g in shape("NotoSansArabic-Regular.ttf", c)]
joined = shape("NotoSansArabic-Regular.ttf", "السلام")[::-1]
check("Arabic joins, with lam-alef", joined != isolated and 0 not in joined, (isolated, joined))
for script, text, most in (("Devanagari", "क्षत्रिय", 5), ("Bengali", "ক্ষ", 1), ("Tamil", "கொ", 3),
                           ("Khmer", "ស្ត្រី", 4), ("Myanmar", "မြန်မာ", 6), ("Thai", "น้ำ", 4),
                           ("Lao", "ນ້ຳ", 4), ("Hebrew", "שָׁלוֹם", 7)):
    for weight in ("Regular", "Bold"):
        got = shape(f"NotoSans{script}-{weight}.ttf", text)
        check(f"{script} {weight} {text} shapes", 0 not in got and len(got) <= most, got)

for text in ("👨‍👩‍👧‍👦", "👍🏽", "🇨🇳", "🇭🇰", "1️⃣", "🏳️‍🌈", "❤️", "👩🏾‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🧑🏻‍🤝‍🧑🏿", "🫩"):
    got = shape("NotoColorEmoji.ttf", text)
    check(f"emoji {text} is 1 glyph", len(got) == 1 and got[0] != 0, got)

for file in ("Inter.ttf", "Inter-Italic.ttf"):
    axes = {a.axisTag: (a.minValue, a.defaultValue, a.maxValue) for a in TTFont(DIR / file)["fvar"].axes}
    check(f"{file} axes", axes == {"opsz": (14, 14, 32), "wght": (100, 400, 900)}, axes)
for c in "★☆✓✗♥→✦☐⚡➜":
    have = [f for f in ("Inter.ttf", "NotoSansSC-Regular.otf", "NotoSansSymbols-Regular.ttf",
                        "NotoSansSymbols2-Regular.ttf", "NotoSansMath-Regular.ttf") if shape(f, c) != [0]]
    check(f"symbol {c}", have, have)

emoji = TTFont(DIR / "NotoColorEmoji.ttf", lazy=True)
check("emoji: COLR version 1, no SVG", emoji["COLR"].version == 1 and "SVG " not in emoji)

if faults:
    sys.exit("faults: " + "; ".join(faults))
