"""Makes the pictures of this folder and, beside each, what Pillow (13.0, littlecms 2.19) decodes it to.

    python3 make.py        (needs Pillow; the results are committed, so that tests need neither)

`table.json` lists each file and by how much a channel may differ from `expected/NAME.png`: nothing where the format loses
nothing, a little where decoders round differently.
"""
import io, json, struct, zlib
from pathlib import Path
from PIL import Image, ImageCms, ImageOps

HERE = Path(__file__).parent
W, H = 24, 18
table = {}


def color():
    image = Image.new("RGB", (W, H))
    image.putdata([(x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 5 % 256) for y in range(H) for x in range(W)])
    return image


def grey():
    image = Image.new("L", (W, H))
    image.putdata([(x * 9 + y * 3) % 256 for y in range(H) for x in range(W)])
    return image


def see_through():
    image = color().convert("RGBA")
    alpha = Image.new("L", (W, H))
    alpha.putdata([255 if x < 8 else 0 if x < 12 else (x + y) * 6 for y in range(H) for x in range(W)])
    image.putalpha(alpha)
    return image


def keep(name, data, by=0, expected=None):
    (HERE / name).write_bytes(data)
    image = expected or Image.open(io.BytesIO(data))
    image.seek(0) if hasattr(image, "seek") else None
    image = ImageOps.exif_transpose(image)
    out = HERE / "expected"
    out.mkdir(exist_ok=True)
    image.convert("RGBA").save(out / (name + ".png"), optimize=True)
    table[name] = by


def saved(image, format, **how):
    out = io.BytesIO()
    image.save(out, format, **how)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(depth, kind, rows, extra=b"", interlaced=0, size=(W, H)):
    """A PNG of rows that are packed already, or of Adam7's passes."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced))
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def adam7(image, channels):
    rows = []
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        for y in range(y0, H, dy):
            row = b"".join(bytes(image.getpixel((x, y))[:channels]) for x in range(x0, W, dx))
            if row:
                rows.append(row)
    return rows


def packed(values, depth):
    bits = "".join(format(v, f"0{depth}b") for v in values)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


# ---- PNG ----
keep("rgb.png", saved(color(), "PNG"))
keep("rgba.png", saved(see_through(), "PNG"))
keep("grey.png", saved(grey(), "PNG"))
keep("grey-alpha.png", saved(see_through().convert("LA"), "PNG"))
keep("palette.png", saved(color().quantize(13), "PNG"))
clear = color().quantize(13)
keep("palette-clear.png", saved(clear, "PNG", transparency=bytes([0, 128, 255])))
keep("rgb-key.png", saved(Image.new("RGB", (W, H), (9, 8, 7)), "PNG", transparency=(9, 8, 7)))
keep("interlaced.png", raw_png(8, 2, adam7(color(), 3), interlaced=1), expected=color())
keep("interlaced-alpha.png", raw_png(8, 6, adam7(see_through(), 4), interlaced=1), expected=see_through())
for depth in (1, 2, 4):
    top = (1 << depth) - 1
    values = [[(x + y) % (top + 1) for x in range(W)] for y in range(H)]
    expected = Image.new("L", (W, H))
    expected.putdata([v * 255 // top for row in values for v in row])
    keep(f"grey-{depth}-bit.png", raw_png(depth, 0, [packed(row, depth) for row in values]), expected=expected)
    palette = b"".join(bytes([i * 16, 255 - i * 16, i * 7]) for i in range(top + 1))
    colors = Image.new("RGB", (W, H))
    colors.putdata([(v * 16, 255 - v * 16, v * 7) for row in values for v in row])
    keep(f"palette-{depth}-bit.png", raw_png(depth, 3, [packed(row, depth) for row in values], chunk(b"PLTE", palette)), expected=colors)
wide = [b"".join(struct.pack(">HHH", *(v * 257 + 5 if v < 255 else 65535 for v in color().getpixel((x, y)))) for x in range(W)) for y in range(H)]
keep("rgb-16-bit.png", raw_png(16, 2, wide), by=1, expected=color())
wide = [b"".join(struct.pack(">HHHH", *(v * 257 for v in see_through().getpixel((x, y)))) for x in range(W)) for y in range(H)]
keep("rgba-16-bit.png", raw_png(16, 6, wide), expected=see_through())
wide = [b"".join(struct.pack(">H", grey().getpixel((x, y)) * 257) for x in range(W)) for y in range(H)]
keep("grey-16-bit.png", raw_png(16, 0, wide), expected=grey())

# ---- JPEG ----
keep("rgb.jpg", saved(color(), "JPEG", quality=95, subsampling=0), by=3)
keep("half.jpg", saved(color(), "JPEG", quality=90, subsampling=1), by=6)
keep("quarter.jpg", saved(color(), "JPEG", quality=90, subsampling=2), by=6)
keep("grey.jpg", saved(grey(), "JPEG", quality=90), by=2)
keep("progressive.jpg", saved(color(), "JPEG", quality=90, subsampling=0, progressive=True), by=3)
keep("progressive-quarter.jpg", saved(color(), "JPEG", quality=90, subsampling=2, progressive=True), by=6)
keep("restarts.jpg", saved(color(), "JPEG", quality=90, subsampling=0, restart_marker_blocks=2), by=3)
keep("cmyk.jpg", saved(color().convert("CMYK"), "JPEG", quality=95), by=5)
for turn in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = turn
    keep(f"turn-{turn}.jpg", saved(color(), "JPEG", quality=90, subsampling=0, exif=exif), by=3)

# ---- the others ----
keep("lossless.webp", saved(see_through(), "WEBP", lossless=True, exact=True))
keep("lossy.webp", saved(color(), "WEBP", quality=90), by=4)
keep("lossy-alpha.webp", saved(see_through(), "WEBP", quality=90, exact=True), by=4)
other = Image.new("RGB", (W, H), (1, 2, 3))
keep("moving.webp", saved(see_through(), "WEBP", lossless=True, exact=True, save_all=True, append_images=[other.convert("RGBA")], duration=50))
keep("still.gif", saved(color().quantize(64), "GIF"))
keep("clear.gif", saved(color().quantize(16), "GIF", transparency=3))
keep("moving.gif", saved(color().quantize(64), "GIF", save_all=True, append_images=[other], duration=50))
keep("rgb.bmp", saved(color(), "BMP"))
keep("palette.bmp", saved(color().quantize(16), "BMP"))
keep("grey.bmp", saved(grey(), "BMP"))
keep("black.bmp", saved(grey().convert("1"), "BMP"))


# ---- profiles: matrix and curve, written here, converted by littlecms ----
def profile(primaries, gamma):
    """A version 2 display profile: colorants (D50), one gamma for all."""
    def s15(v):
        return struct.pack(">i", round(v * 65536))

    def xyz(v):
        return b"XYZ \0\0\0\0" + b"".join(s15(c) for c in v)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + b"\0" * 78 + b"\0\0"
    tags = [(b"desc", text), (b"wtpt", xyz((0.9642, 1.0, 0.8249))), (b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    tags += [(name, xyz(v)) for name, v in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    offset, directory, data = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags:
        body += b"\0" * (-len(body) % 4)
        directory += name + struct.pack(">II", offset + len(data), len(body))
        data += body
    size = 128 + len(directory) + len(data)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + b"\0" * 12 + b"acsp"
    head += b"\0" * 28 + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head + b"\0" * (128 - len(head)) + directory + data


# Adobe RGB (1998)'s colorants, and a gamma of 1.8.
wide = profile([(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)], 2.19921875)
plain = profile([(0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)], 1.8)
for name, icc in (("wide", wide), ("gamma", plain)):
    target = ImageCms.createProfile("sRGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    convert = lambda image: ImageCms.profileToProfile(image, source, target, renderingIntent=1)
    keep(f"{name}.png", saved(color(), "PNG", icc_profile=icc), by=2, expected=convert(color()))
    keep(f"{name}.webp", saved(color(), "WEBP", lossless=True, icc_profile=icc), by=2, expected=convert(color()))
    jpeg = saved(color(), "JPEG", quality=95, subsampling=0, icc_profile=icc)
    keep(f"{name}.jpg", jpeg, by=6, expected=convert(Image.open(io.BytesIO(jpeg))))

(HERE / "table.json").write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")
print(len(table), "pictures")
