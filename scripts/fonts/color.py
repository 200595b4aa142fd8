#!/usr/bin/env python3
"""Makes the fonts of tests/goldens/text/color_fonts: the same two signs in each way of colour besides COLRv1.

    python3 -m venv venv && venv/bin/pip install fonttools==4.68.0
    venv/bin/python scripts/fonts/color.py tests/goldens

U+25D4 is a disc of four colours, as layers (COLRv0), as bitmaps of one size (CBDT, in a file without outlines, as emoji fonts
have been) and of two (sbix); U+25C7 has an outline alone. Drawn here from numbers, so nobody's licence holds.
"""

import struct
import sys
import zlib
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables.DefaultTable import DefaultTable

EM = 1000
# Of the disc: its middle, its radius, and the radius of the hole.
MIDDLE, RADIUS, HOLE = (500, 350), 440, 120
# Clockwise from the top right, straight alpha: the last is half transparent.
COLORS = [(0xDC, 0x26, 0x26, 0xFF), (0x16, 0xA3, 0x4A, 0xFF), (0x25, 0x63, 0xEB, 0xFF), (0xF5, 0x9E, 0x0B, 0x80)]
WAYS = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
GLYPHS = [".notdef", "disc", "diamond", "q0", "q1", "q2", "q3", "middle", "space"]


def polygon(points):
    pen = TTGlyphPen(None)
    pen.moveTo(points[0])
    for point in points[1:]:
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def disc(radius):
    """A circle of four quadratic curves' pairs, near enough."""
    x, y = MIDDLE
    k = round(radius * 0.4142)
    d = round(radius * 0.7071)
    pen = TTGlyphPen(None)
    pen.moveTo((x + radius, y))
    for (cx, cy), (ex, ey) in [
        ((radius, -k), (d, -d)), ((k, -radius), (0, -radius)), ((-k, -radius), (-d, -d)), ((-radius, -k), (-radius, 0)),
        ((-radius, k), (-d, d)), ((-k, radius), (0, radius)), ((k, radius), (d, d)), ((radius, k), (radius, 0)),
    ]:
        pen.qCurveTo((x + cx, y + cy), (x + ex, y + ey))
    pen.closePath()
    return pen.glyph()


def quarter(way):
    """A quarter of the disc, its middle included."""
    (x, y), (sx, sy) = MIDDLE, way
    k, d = round(RADIUS * 0.4142), round(RADIUS * 0.7071)
    at = lambda a, b: (x + sx * a, y + sy * b)
    pen = TTGlyphPen(None)
    pen.moveTo(at(0, 0))
    pen.lineTo(at(RADIUS, 0))
    pen.qCurveTo(at(RADIUS, k), at(d, d))
    pen.qCurveTo(at(k, RADIUS), at(0, RADIUS))
    pen.closePath()
    return pen.glyph()


def base(family):
    font = FontBuilder(EM, isTTF=True)
    font.setupGlyphOrder(GLYPHS)
    font.setupCharacterMap({0x25D4: "disc", 0x25C7: "diamond", 0x20: "space"})
    diamond = polygon([(500, 790), (940, 350), (500, -90), (60, 350)])
    shapes = [polygon([(60, 0), (60, 700), (440, 700), (440, 0)]), disc(RADIUS), diamond]
    shapes += [quarter(way) for way in WAYS] + [disc(HOLE), TTGlyphPen(None).glyph()]
    font.setupGlyf(dict(zip(GLYPHS, shapes)))
    font.setupHorizontalMetrics({name: (EM, getattr(font.font["glyf"][name], "xMin", 0)) for name in GLYPHS})
    font.setupHorizontalHeader(ascent=900, descent=-250)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2(sTypoAscender=900, sTypoDescender=-250, usWinAscent=900, usWinDescent=250)
    font.setupPost()
    # The same bytes whenever it is made.
    font.font.recalcTimestamp = False
    font.setupHead(unitsPerEm=EM, created=0, modified=0)
    return font


def raw(font, tag, data):
    table = DefaultTable(tag)
    table.data = data
    font.font[tag] = table


def png(side):
    """The disc as `side` by `side` pixels that stand for the em box from -150 to 850; four samples each way."""
    def pixel(px, py):
        sums = [0, 0, 0, 0]
        for n in range(16):
            x = (px + (n % 4 + 0.5) / 4) * EM / side - MIDDLE[0]
            y = 850 - (py + (n // 4 + 0.5) / 4) * EM / side - MIDDLE[1]
            far = x * x + y * y
            if HOLE * HOLE <= far <= RADIUS * RADIUS:
                r, g, b, a = COLORS[WAYS.index((1 if x > 0 else -1, 1 if y > 0 else -1))]
                sums = [s + v for s, v in zip(sums, (r * a, g * a, b * a, a))]
        alpha = sums[3]
        return bytes([*(round(s / alpha) if alpha else 0 for s in sums[:3]), round(alpha / 16)])

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(side)) for y in range(side))
    chunk = lambda tag, data: struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def colr():
    font = base("Test COLR")
    font.setupCOLR({"disc": [(f"q{n}", n) for n in range(4)] + [("middle", 0xFFFF)]}, version=0)
    font.setupCPAL([[tuple(part / 255 for part in color) for color in COLORS]])
    return font


def cbdt(side):
    font = base("Test CBDT")
    # What it has no bitmap of it does not draw.
    font.setupCharacterMap({0x25D4: "disc", 0x20: "space"})
    data = png(side)
    image = struct.pack(">BBbbB", side, side, 0, round(0.85 * side), side) + struct.pack(">I", len(data)) + data
    raw(font, "CBDT", struct.pack(">HH", 3, 0) + image)
    line = struct.pack(">bbBbbbbbbbbb", round(0.9 * side), -round(0.25 * side), side, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    # One size, one list of one glyph (format 1), whose picture follows the version in CBDT (format 17).
    index = struct.pack(">HHI", 1, 1, 8) + struct.pack(">HHI", 1, 17, 4) + struct.pack(">II", 0, len(image))
    size = struct.pack(">IIII", 56, len(index), 1, 0) + line + line + struct.pack(">HHBBBb", 1, 1, side, side, 32, 1)
    raw(font, "CBLC", struct.pack(">HHI", 3, 0, 1) + size + index)
    # Bounds stay those of the outlines that go.
    font.font.recalcBBoxes = False
    head = font.font["head"]
    head.xMin, head.yMin, head.xMax, head.yMax = 0, -150, EM, 850
    maxp = font.font["maxp"]
    maxp.numGlyphs = len(GLYPHS)
    for field in ("maxPoints", "maxContours", "maxCompositePoints", "maxCompositeContours", "maxComponentElements", "maxComponentDepth"):
        setattr(maxp, field, 0)
    del font.font["glyf"], font.font["loca"]
    return font


def sbix(sides):
    font = base("Test sbix")
    strikes = []
    for side in sides:
        # From the lower left of the glyph's outline, as CoreText and those after it take it, to that of the em box at -150.
        outline = font.font["glyf"]["disc"]
        offset = [round((corner - edge) * side / EM) for corner, edge in ((0, outline.xMin), (-150, outline.yMin))]
        record = struct.pack(">hh4s", *offset, b"png ") + png(side)
        first = 4 + 4 * (len(GLYPHS) + 1)
        # No picture but that of glyph 1.
        offsets = [first, first] + [first + len(record)] * (len(GLYPHS) - 1)
        strikes.append(struct.pack(">HH", side, 72) + struct.pack(f">{len(offsets)}I", *offsets) + record)
    at, offsets = 8 + 4 * len(strikes), []
    for strike in strikes:
        offsets.append(at)
        at += len(strike)
    raw(font, "sbix", struct.pack(">HHI", 1, 1, len(strikes)) + struct.pack(f">{len(offsets)}I", *offsets) + b"".join(strikes))
    return font


def main():
    out = Path(sys.argv[1])
    colr().save(out / "color-colr.ttf")
    cbdt(32).save(out / "color-cbdt.ttf")
    sbix([16, 40]).save(out / "color-sbix.ttf")


main()
