#!/usr/bin/env python3
"""Draws the templates of tests/chromium/pictures in headless Chromium: blends, gradients, filters, rotation, shadows, masks.

Usage: scripts/chromium/pictures.py [CHROMIUM] [CASE...]     (Debian: apt-get install chromium)

Each case is a folder with `template.json`; what it says is said again in CSS and drawn to `chromium.png`. `about.json` keeps
Chromium's version. tests/chromium_pictures.rs compares what affiche draws; no other check needs Chromium.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/chromium/pictures"
FOLDERS = [CASES, ROOT / "tests/goldens"]


def px(value):
    return value if isinstance(value, str) else f"{value}px"


def url(source):
    name = source.removeprefix("asset:")
    return next(folder / name for folder in FOLDERS if (folder / name).exists()).as_uri()


def paint(value):
    """As a CSS image."""
    if isinstance(value, str):
        return f"linear-gradient({value}, {value})"
    stops = [s["color"] + (f" {s['at'] * 100}%" if "at" in s else "") for s in value["stops"]]
    # CSS wants two.
    stops = ", ".join(stops * 2 if len(stops) == 1 else stops)
    at = " ".join(px(c) for c in value.get("center", ["50%", "50%"]))
    match value["type"]:
        case "linear":
            return f"linear-gradient({value.get('angle', 180)}deg, {stops})"
        case "radial":
            size = f"{value['radius']}px" if "radius" in value else "farthest-corner"
            return f"radial-gradient(circle {size} at {at}, {stops})"
        case "conic":
            return f"conic-gradient(from {value.get('angle', 0)}deg at {at}, {stops})"


def radius(value):
    return " ".join(px(r) for r in value) if isinstance(value, list) else px(value)


def shadows(layer):
    value = layer.get("shadow", [])
    return value if isinstance(value, list) else [value]


def filters(steps):
    def one(step):
        (name, amount), = step.items()
        unit = {"blur": "px", "hue_rotate": "deg"}.get(name, "")
        return f"{name.replace('_', '-')}({amount}{unit})"
    return " ".join(map(one, steps))


def perspective(layer):
    """The matrix3d that takes the box to its corners: Heckbert's projection of the unit square, after scaling the box to it."""
    w, h = layer["width"], layer["height"]
    side = lambda v, whole: float(v[:-1]) / 100 * whole if isinstance(v, str) else float(v)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = [(side(x, w), side(y, h)) for x, y in layer["corners"]]
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    below = dx1 * dy2 - dx2 * dy1
    g, k = (sx * dy2 - dx2 * sy) / below, (dx1 * sy - sx * dy1) / below
    a, b, d, e = x1 - x0 + g * x1, x3 - x0 + k * x3, y1 - y0 + g * y1, y3 - y0 + k * y3
    columns = [a / w, d / w, 0, g / w, b / h, e / h, 0, k / h, 0, 0, 1, 0, x0, y0, 0, 1]
    return f"matrix3d({', '.join(map(repr, columns))})"


def tag(styles, inside=""):
    return f'<div style="{"; ".join(styles)}">{inside}</div>'


def draw(layer):
    kind = layer["type"]
    known = {"type", "x", "y", "width", "height", "fill", "radius", "border", "rotate", "opacity", "blend", "shadow", "mask", "clip",
             "background", "layers", "src", "fit", "position", "filters", "corners"}
    if extra := set(layer) - known:
        sys.exit(f"no CSS is known for {extra}")
    around = "50%" if kind == "ellipse" else radius(layer.get("radius", 0))
    whole = "position: absolute; left: 0; top: 0; width: 100%; height: 100%; box-sizing: border-box"
    # What rotates, fades, blends and is masked: all of the layer.
    outer = ["position: absolute", f"left: {layer.get('x', 0)}px", f"top: {layer.get('y', 0)}px",
             f"width: {layer['width']}px", f"height: {layer['height']}px"]
    if "rotate" in layer:
        outer.append(f"transform: rotate({layer['rotate']}deg)")
    if "corners" in layer:
        outer += [f"transform: {perspective(layer)}", "transform-origin: 0 0"]
    if "opacity" in layer:
        outer.append(f"opacity: {layer['opacity']}")
    if "blend" in layer:
        outer.append(f"mix-blend-mode: {layer['blend']}")
    if "mask" in layer:
        mask = layer["mask"]
        size = {"fill": "100% 100%"}.get(mask.get("fit", "fill"), mask.get("fit"))
        image = f"url('{url(mask['src'])}')" if "src" in mask else paint(mask["paint"])
        outer.append(f"mask: {image} center / {size} no-repeat")
    inner = [whole, f"border-radius: {around}"]
    edge = ""
    if "border" in layer:
        line = f"border: {layer['border']['width']}px solid {layer['border']['color']}"
        edge = tag([whole, f"border-radius: {around}", line])
    of_box = kind in ("rect", "ellipse") or "background" in layer
    if "shadow" in layer and of_box:
        inner.append("box-shadow: " + ", ".join(
            f"{s.get('x', 0)}px {s.get('y', 0)}px {s.get('blur', 0)}px {s.get('spread', 0)}px {s.get('color', '#00000080')}" for s in shadows(layer)))
    elif "shadow" in layer:
        # The last of a chain lies at the back only where nothing is seen through: cases have one.
        outer.append("filter: " + " ".join(
            f"drop-shadow({s.get('x', 0)}px {s.get('y', 0)}px {s.get('blur', 0) / 2}px {s.get('color', '#00000080')})" for s in shadows(layer)))
    fill = layer.get("fill", layer.get("background"))
    if fill is not None:
        inner.append(f"background: {fill if isinstance(fill, str) else paint(fill)}")
    if kind == "image":
        fit = layer.get("fit", "cover").replace("_", "-")
        picture = [whole, f"object-fit: {fit}", f"object-position: {layer.get('position', 'center')}"]
        if "filters" in layer:
            picture.append(f"filter: {filters(layer['filters'])}")
        # A picture never shows beyond its box, blurred or not.
        return tag(outer, tag(inner + ["overflow: hidden"], f'<img src="{url(layer["src"])}" style="{"; ".join(picture)}">') + edge)
    if layer.get("clip"):
        inner.append("overflow: hidden")
    return tag(outer, tag(inner, "".join(map(draw, layer.get("layers", [])))) + edge)


def page(template):
    back = template.get("background", "transparent")
    styles = ["position: relative; overflow: hidden; isolation: isolate", f"width: {template['width']}px", f"height: {template['height']}px",
              f"background: {back if isinstance(back, str) else paint(back)}"]
    return f"<!doctype html><meta charset=utf-8><body style='margin: 0'>{tag(styles, ''.join(map(draw, template['layers'])))}"


def rows_of(data):
    """The rows of a PNG as Chromium writes it (RGBA, 8 bits, not interlaced), unfiltered."""
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunks[kind] = chunks.get(kind, b"") + data[at + 8:at + 8 + length]
        at += length + 12
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, color, interlaced) == (8, 6, 0)
    raw, above, rows = zlib.decompress(chunks[b"IDAT"]), bytes(width * 4), []
    for y in range(height):
        start = y * (width * 4 + 1)
        how, row = raw[start], bytearray(raw[start + 1:start + 1 + width * 4])
        for i, value in enumerate(row):
            a, b, c = (row[i - 4], above[i], above[i - 4]) if i > 3 else (0, above[i], 0)
            row[i] = (value + (0, a, b, (a + b) // 2, nearest(a, b, c) if how == 4 else 0)[how]) & 255
        rows.append(bytes(row))
        above = row
    return rows


def nearest(a, b, c):
    """Paeth's predictor: of left, above and above left the one nearest to a + b - c."""
    return min((a, b, c), key=lambda v: abs(a + b - c - v))


def png(rows):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    width, size, color = len(rows[0]) // 4, 4, 6
    if all(alpha == 255 for row in rows for alpha in row[3::4]):
        size, color = 3, 2
        rows = [bytes(v for i, v in enumerate(row) if i % 4 < 3) for row in rows]
    # Of the filters the one that leaves the smallest numbers, as encoders choose.
    raw, above = b"", bytes(len(rows[0]))
    for row in rows:
        around = list(zip(row, bytes(size) + row, above, bytes(size) + above))
        ways = {0: row, 1: [v - a for v, a, _, _ in around], 2: [v - b for v, _, b, _ in around],
                3: [v - (a + b) // 2 for v, a, b, _ in around], 4: [v - nearest(a, b, c) for v, a, b, c in around]}
        ways = {how: bytes(v & 255 for v in way) for how, way in ways.items()}
        how = min(ways, key=lambda way: sum(min(v, 256 - v) for v in ways[way]))
        raw, above = raw + bytes([how]) + ways[how], row
    head = struct.pack(">IIBBBBB", width, len(rows), 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def main():
    chromium = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium")
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True).stdout.strip()
    names = sys.argv[2:] or sorted(p.parent.name for p in CASES.glob("*/template.json"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            template = json.loads((CASES / name / "template.json").read_text(encoding="utf-8"))
            path = pathlib.Path(folder) / "page.html"
            path.write_text(page(template), encoding="utf-8")
            flags = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
                     "--disable-component-update --disable-sync --allow-file-access-from-files --hide-scrollbars "
                     "--force-color-profile=srgb --force-device-scale-factor=1 --default-background-color=00000000 --virtual-time-budget=5000").split()
            # Chromium takes some of a window's height for itself.
            flags.append(f"--window-size={max(template['width'], 600)},{template['height'] + 300}")
            shot = pathlib.Path(folder) / "shot.png"
            shot.unlink(missing_ok=True)
            done = subprocess.run([chromium, *flags, f"--user-data-dir={folder}/profile", f"--screenshot={shot}", path.as_uri()],
                                  capture_output=True, text=True, timeout=120)
            if not shot.exists():
                sys.exit(f"{name}: no picture from {chromium}: {done.stderr[-2000:]}")
            rows = rows_of(shot.read_bytes())[:template["height"]]
            file = png([row[:template["width"] * 4] for row in rows])
            (CASES / name / "chromium.png").write_bytes(file)
            print(name, len(file), "bytes")
    (CASES / "about.json").write_text(json.dumps({"chromium": version}) + "\n")


main()
