#!/usr/bin/env python3
"""Sets the corpus of paragraphs in headless Chromium and writes where its lines end and how wide they are.

Usage: scripts/chromium/corpus.py [CHROMIUM]     (Debian: apt-get install chromium)

Reads tests/chromium/corpus.json, writes tests/chromium/expected.json, which records Chromium's version. The fonts are
those of assets/fonts through @font-face; line ends and widths are read from the rectangles of each character
(Range.getClientRects). tests/chromium.rs compares what affiche does; no other check needs Chromium.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FACES = [
    ("Inter", "Inter.ttf", "100 900"),
    ("Noto Sans SC", "NotoSansSC-Regular.otf", "400"),
    ("Noto Sans SC", "NotoSansSC-Bold.otf", "700"),
]
for script in "Arabic Hebrew Devanagari Bengali Tamil Thai Khmer Lao Myanmar".split():
    for style, weight in (("Regular", "400"), ("Bold", "700")):
        FACES.append((f"Noto Sans {script}", f"NotoSans{script}-{style}.ttf", weight))
FACES.append(("Noto Color Emoji", "NotoColorEmoji.ttf", "400"))

# What CSS calls our words.
WORDS = {
    "word_break": {"normal": "word-break: normal", "keep_all": "word-break: keep-all", "break_all": "word-break: break-all"},
    "line_break": {k: f"line-break: {k}" for k in ("loose", "normal", "strict")},
    "spacing_trim": {"normal": "text-spacing-trim: normal", "space_all": "text-spacing-trim: space-all",
                     "trim_start": "text-spacing-trim: trim-start", "trim_both": "text-spacing-trim: trim-both"},
}

SCRIPT = """
(async () => {
  await document.fonts.ready;
  const out = [];
  for (const p of document.querySelectorAll('p')) {
    const node = p.firstChild, text = node.data, range = document.createRange();
    const lines = [];
    let at = 0;
    while (at < text.length) {
      let next = at + 1;
      if (next < text.length && (text.charCodeAt(at) & 0xFC00) === 0xD800) next++;
      range.setStart(node, at); range.setEnd(node, next);
      const rects = [...range.getClientRects()].filter(r => r.height > 0);
      const c = text.slice(at, next);
      let line = lines[lines.length - 1];
      for (const r of rects) {
        const middle = (r.top + r.bottom) / 2;
        if (!line || Math.abs(middle - line.middle) > 10) {
          // A line end's own rectangle begins no line.
          if (c === '\\n' && line) break;
          line = { start: at, middle, left: Infinity, right: -Infinity, blank: [] };
          lines.push(line);
        }
        // Blanks count where something follows them: those at the end hang.
        line.blank.push(r);
        if (!/[\\s]/.test(c) || c === '\\u00a0' || c === '\\u202f') {
          for (const b of line.blank) { line.left = Math.min(line.left, b.left); line.right = Math.max(line.right, b.right); }
          line.blank = [];
          line.seen = { left: line.left, right: line.right };
        }
      }
      at = next;
    }
    out.push(lines.map(l => [l.start, l.seen ? Math.round((l.seen.right - l.seen.left) * 1000) / 1000 : 0]));
  }
  const pre = document.createElement('pre');
  pre.id = 'out';
  pre.textContent = JSON.stringify({ agent: navigator.userAgent, out, loaded: [...document.fonts].map(f => f.family + f.weight + f.status) });
  document.body.replaceChildren(pre);
})();
"""


def style(p):
    rules = [
        f"font: {p.get('weight', 400)} {p['size']}px/{2 * p['size']}px " + ", ".join(f"'{f}'" for f in p["font"]),
        f"width: {p['width']}px",
        "white-space: pre-wrap; overflow-wrap: break-word; margin: 0 0 40px; text-rendering: geometricPrecision",
        f"text-autospace: {'normal' if p.get('autospace') else 'no-autospace'}; font-synthesis: none; hanging-punctuation: none; hyphens: manual; tab-size: 8",
    ]
    for field, words in WORDS.items():
        rules.append(words[p.get(field, "normal")])
    if "letter_spacing" in p:
        rules.append(f"letter-spacing: {p['letter_spacing']}px")
    return "; ".join(rules)


def page(corpus):
    faces = "".join(
        f"@font-face {{ font-family: '{family}'; font-weight: {weight}; src: url('{(ROOT / 'assets/fonts' / file).as_uri()}') }}\n"
        for family, file, weight in FACES
    )
    body = "".join(
        f'<p dir="{p.get("direction", "auto")}" lang="{p.get("lang", "")}" style="{html.escape(style(p))}">{html.escape(p["text"])}</p>\n'
        for p in corpus
    )
    return f"<!doctype html><meta charset=utf-8><style>{faces} body {{ margin: 0; width: 4000px }}</style><body>{body}<script>{SCRIPT}</script>"


def main():
    chromium = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium")
    corpus = json.loads((ROOT / "tests/chromium/corpus.json").read_text(encoding="utf-8"))
    for p in corpus:
        p.setdefault("font", ["Inter", "Noto Sans SC"])
        p["font"] = p["font"] + [f for f in dict.fromkeys(f for f, _, _ in FACES) if f not in p["font"]]
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "page.html"
        path.write_text(page(corpus), encoding="utf-8")
        flags = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
                 "--disable-component-update --disable-sync --allow-file-access-from-files --font-render-hinting=none "
                 "--enable-font-subpixel-positioning --virtual-time-budget=20000 --window-size=4200,2000").split()
        done = subprocess.run([chromium, *flags, f"--user-data-dir={folder}/profile", "--dump-dom", path.as_uri()],
                              capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    if not found:
        sys.exit(f"no answer from {chromium}: {done.stderr[-2000:]}")
    answer = json.loads(html.unescape(found[1]))
    failed = [f for f in answer["loaded"] if f.endswith("error")]
    if failed:
        sys.exit(f"fonts that did not load: {failed}")
    rows = []
    for p, lines in zip(corpus, answer["out"], strict=True):
        # UTF-16 offsets into bytes of UTF-8.
        units = p["text"].encode("utf-16-le")
        rows.append({"id": p["id"], "lines": [[len(units[: 2 * start].decode("utf-16-le").encode()), width] for start, width in lines]})
    text = ",\n".join(json.dumps(row) for row in rows)
    (ROOT / "tests/chromium/expected.json").write_text(f'{{ "chromium": {json.dumps(version)}, "paragraphs": [\n{text}\n] }}\n')
    print(version, len(rows), "paragraphs", sum(len(r["lines"]) for r in rows), "lines")


main()
