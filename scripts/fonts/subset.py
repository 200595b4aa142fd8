#!/usr/bin/env python3
"""Makes the bundled fonts from unpacked packages: subset.py SOURCES OUT [NAME ...]

SOURCES holds `deb/` (Debian packages, unpacked over each other), `inter/` and
`emoji/` (npm packages). See build.sh, which fetches them.
"""
import bz2
import pathlib
import sys

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

SRC, OUT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
ONLY = set(sys.argv[3:])
NOTO = SRC / "deb/usr/share/fonts/truetype/noto"
CJK = SRC / "deb/usr/share/fonts/opentype/noto"
SC_FACE = "Noto Sans CJK SC"

# The features a poster needs in the CJK face. `aalt` is left out: it only
# serves pickers, and its closure would pull in nearly every variant.
CJK_FEATURES = """locl vert vrt2 palt vpal halt vhal kern vkrn mark mkmk ccmp
liga calt ruby fwid hwid pwid dlig""".split()

# Blocks taken whole, as far as the face has them.
CJK_BLOCKS = [
    (0x0020, 0x007E), (0x00A0, 0x02FF),  # Latin, with the pinyin and bopomofo tone marks
    (0x0300, 0x036F), (0x0370, 0x03FF), (0x0400, 0x045F), (0x1E00, 0x1EFF),
    (0x2000, 0x206F), (0x2070, 0x20CF),  # punctuation, super- and subscripts, currency
    (0x2100, 0x23FF),  # letterlike, number forms, arrows, operators, technical
    (0x2460, 0x27BF),  # enclosed, box drawing, geometric shapes, symbols, dingbats
    (0x2900, 0x297F), (0x2B00, 0x2BFF),
    (0x2E80, 0x2FDF), (0x2FF0, 0x303F),  # radicals, CJK punctuation
    (0x3040, 0x31BF), (0x31C0, 0x33FF),  # kana, bopomofo, compatibility jamo, enclosed, squared
    (0xFE10, 0xFE1F), (0xFE30, 0xFE6F), (0xFF00, 0xFFEF),
    (0x1F100, 0x1F2FF),
]
# Written Cantonese that no list below has.
CJK_EXTRA = "噉"

# Common symbols; each face gives what it has.
SYMBOL_BLOCKS = {
    "Symbols": [(0x0020, 0x0020), (0x2150, 0x218F), (0x2300, 0x23FF), (0x2600, 0x27BF)],
    "Symbols2": [
        (0x0020, 0x0020), (0x2190, 0x27FF), (0x2900, 0x2BFF), (0x1F650, 0x1F67F), (0x1F780, 0x1F8FF),
    ],
    "Math": [(0x0020, 0x0020), (0x2100, 0x214F), (0x2190, 0x23FF), (0x27C0, 0x27FF)],
}

SCRIPTS = "Arabic Hebrew Devanagari Bengali Tamil Thai Khmer Lao Myanmar".split()


def unihan(name, key, wanted=lambda value: True):
    found = set()
    with bz2.open(SRC / f"deb/usr/share/unicode/Unihan_{name}.txt.bz2", "rt", encoding="utf-8") as f:
        for line in f:
            part = line.rstrip("\n").split("\t")
            if len(part) == 3 and part[1] == key and wanted(part[2]):
                found.add(int(part[0][2:], 16))
    assert found, key
    return found


def charset(codec, lead, trail):
    found = set()
    for a in lead:
        for b in trail:
            try:
                found.update(map(ord, bytes([a, b]).decode(codec)))
            except UnicodeDecodeError:
                pass
    return found


def cjk_unicodes():
    high = range(0xA1, 0xFF)
    wide = [*range(0x40, 0x7F), *range(0x80, 0xFD)]
    want = set(map(ord, CJK_EXTRA))
    for a, b in CJK_BLOCKS:
        want.update(range(a, b + 1))
    for part in (
        unihan("OtherMappings", "kTGH"),  # 8105 standard characters of the mainland
        charset("gb2312", range(0xA1, 0xF8), high),
        charset("big5", range(0xA1, 0xC7), [*range(0x40, 0x7F), *high]),  # level 1
        charset("euc_jp", range(0xA1, 0xF5), high),  # JIS X 0208
        charset("cp932", range(0xED, 0xFD), wide),  # IBM's kanji: 髙 and 﨑 in names
        unihan("OtherMappings", "kJoyoKanji"),
        unihan("OtherMappings", "kJinmeiyoKanji"),
        charset("euc_kr", range(0xA1, 0xAD), high),  # KS X 1001 symbols
        charset("euc_kr", range(0xB0, 0xC9), high),  # its 2350 Hangul
        unihan("OtherMappings", "kKoreanEducationHanja"),
        unihan("IRGSources", "kIICore", lambda v: "H" in v),  # Hong Kong: 嘅 咗 喺 冇
        unihan("DictionaryLikeData", "kHKGlyph"),
    ):
        want |= part
    # Private use is where codecs put gaps; a text never means these.
    return {c for c in want if not 0xE000 <= c <= 0xF8FF and c >= 0x20}


def options(features):
    o = Options()
    o.layout_features = features
    o.hinting = False
    o.glyph_names = False
    o.notdef_outline = True  # a missing glyph is drawn, so it must be seen
    o.name_IDs = ["*"]
    o.name_languages = ["*"]
    o.name_legacy = True
    o.recalc_timestamp = False
    o.drop_tables = [t for t in o.drop_tables if t != "BASE"]
    return o


def subset(font, features, unicodes, glyphs=()):
    s = Subsetter(options(features))
    s.populate(unicodes=unicodes, glyphs=glyphs)
    s.subset(font)
    return font


def cjk(weight):
    path = CJK / f"NotoSansCJK-{weight}.ttc"
    with TTCollection(path, lazy=True) as collection:
        number = next(i for i, f in enumerate(collection) if f["name"].getDebugName(1) == SC_FACE)
    font = TTFont(path, fontNumber=number, lazy=True, recalcTimestamp=False)
    # Scattered code points need more format 4 segments than fit into its 65535
    # bytes; format 12 (and 14 for variation sequences) say it all.
    font["cmap"].tables = [t for t in font["cmap"].tables if t.format in (12, 14)]
    return subset(font, CJK_FEATURES, cjk_unicodes())


def script(name, weight):
    font = TTFont(NOTO / f"NotoSans{name}-{weight}.ttf", recalcTimestamp=False)
    return subset(font, ["*"], font.getBestCmap(), font.getGlyphOrder())


def symbols(name):
    font = TTFont(NOTO / f"NotoSans{name}-Regular.ttf", recalcTimestamp=False)
    return subset(font, ["*"], {c for a, b in SYMBOL_BLOCKS[name] for c in range(a, b + 1)})


def inter(file):
    font = TTFont(SRC / f"inter/package/variable/{file}.woff2", recalcTimestamp=False)
    font.flavor = None
    font["post"].formatType = 3.0  # no glyph names
    return font


def emoji():
    font = TTFont(SRC / "emoji/package/400Regular/NotoColorEmoji_400Regular.ttf", recalcTimestamp=False)
    del font["SVG "]  # the same pictures again, 20 MB; COLR version 1 stays
    font["post"].formatType = 3.0
    return font


JOBS = {
    "NotoSansSC-Regular.otf": lambda: cjk("Regular"),
    "NotoSansSC-Bold.otf": lambda: cjk("Bold"),
    "Inter.ttf": lambda: inter("InterVariable"),
    "Inter-Italic.ttf": lambda: inter("InterVariable-Italic"),
    "NotoColorEmoji.ttf": emoji,
}
for _s in SCRIPTS:
    for _w in ("Regular", "Bold"):
        JOBS[f"NotoSans{_s}-{_w}.ttf"] = lambda s=_s, w=_w: script(s, w)
for _s in SYMBOL_BLOCKS:
    JOBS[f"NotoSans{_s}-Regular.ttf"] = lambda s=_s: symbols(s)

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, job in JOBS.items():
        if ONLY and name not in ONLY:
            continue
        font = job()
        font.save(OUT / name)
        print(f"{(OUT / name).stat().st_size:>9}  {name}", flush=True)
