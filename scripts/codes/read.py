"""Reads every picture of a folder's list.ndjson with zxing-cpp and compares. Usage: read.py FOLDER"""

import collections
import json
import pathlib
import sys

import zxingcpp
from PIL import Image

folder = pathlib.Path(sys.argv[1])
read, total, wrong = collections.Counter(), collections.Counter(), []
for line in (folder / "list.ndjson").read_text(encoding="utf-8").splitlines():
    case = json.loads(line)
    wanted = zxingcpp.barcode_format_from_str(case["format"])
    picture = Image.open(folder / case["file"]).convert("L")
    found = zxingcpp.read_barcodes(picture, formats=wanted)
    total[case["format"]] += 1
    # UPC-A is EAN-13 with a zero before it, and some versions say so.
    says = [case["says"], "0" + case["says"]] if case["format"] == "UPCA" else [case["says"]]
    if len(found) == 1 and found[0].text in says:
        read[case["format"]] += 1
    else:
        wrong.append(f"{case['file']} {[one.text for one in found]} {case['says']!r} {json.dumps(case['layer'], ensure_ascii=False)}")
for name, count in sorted(total.items()):
    print(f"    {name}: {read[name]} of {count} read")
print(f"    zxing-cpp read {sum(read.values())} of {sum(total.values())}")
print("\n".join(wrong[:40]), end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
