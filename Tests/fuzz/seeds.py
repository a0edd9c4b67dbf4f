"""Writes the corpora of the fuzzer: from the golden vectors of the protocol, and by hand. Run it after a change."""

from __future__ import annotations

import json
import struct
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE.parents[1] / "proto" / "vectors"
# As FuzzTarget.type counts them: Domain's ScalarType in its order.
SCALARS = ["bool", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp"]


def put(target: str, name: str, content: bytes) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def text(target: str, *contents: str, first: bytes = b"") -> None:
    for number, content in enumerate(contents):
        put(target, f"hand-{number}", first + content.encode())


def type_byte(wire: str) -> int:
    item, _, length = wire.partition("[")
    if item.startswith("list<"):
        return len(SCALARS) + SCALARS.index(item[5:-1])
    base = SCALARS.index(item)
    if not length:
        return base
    return len(SCALARS) * (1 if length == "]" else 2) + base


def batches() -> None:
    described = json.loads((VECTORS / "vectors.json").read_text())
    entries = described if isinstance(described, list) else described.get("batches", [])
    for entry in entries:
        name = entry.get("file") or entry.get("name", "")
        if not name.startswith("batch"):
            continue
        file = VECTORS / (name if name.endswith(".bin") else f"{name}.bin")
        fields = entry.get("schema") or entry.get("fields") or []
        content = file.read_bytes()
        if len(fields) > 15 or len(content) > 4_000:
            continue
        try:
            types = bytes(type_byte(field["type"]) for field in fields)
        except (KeyError, ValueError, TypeError):
            continue
        put("batches", file.stem, bytes([len(fields)]) + types + content)
    # One column of three int64, no nulls.
    put("batches", "hand-int64", bytes([1, 2]) + struct.pack("<IHH", 3, 1, 0) + bytes(8)
        + struct.pack("<3q", 1, -2, 3))  # fmt: skip
    put("batches", "hand-strings", bytes([1, 5]) + struct.pack("<IHH", 2, 1, 0) + bytes(8)
        + struct.pack("<3i", 0, 1, 3) + bytes(4) + b"abc" + bytes(5))  # fmt: skip


def main() -> None:
    for file in sorted(VECTORS.glob("frame-*.bin")):
        content = file.read_bytes()
        put("frames", file.stem, b"\x06" + content)
        control = int.from_bytes(content[12:16], "little")
        for number in (0, 2, 6):
            put("requests", f"{file.stem}-{number}", bytes([number]) + content[16 : 16 + control])
        put("scopes", file.stem, b"\x21" + content[16 : 16 + control])
    batches()
    for kind in range(3 * len(SCALARS)):
        for rows in (0, 5):
            body = bytes([kind]) + struct.pack("<H", rows)
            put("blocks", f"plain-{kind}-{rows}", body + bytes(2 + 8 * rows))
    for encoding, kind in ((1, 2), (1, 7), (2, 5), (3, 4)):
        body = bytes([kind]) + struct.pack("<H", 5) + bytes([encoding, 1, 0b10111])
        put("blocks", f"packed-{encoding}-{kind}", body + bytes(64))
    put("keys", "int64", b"\x01" + struct.pack(">Q", 7 ^ (1 << 63)))
    put("keys", "text", b"\x02abc\x00\xffd\x00\x00")
    put("keys", "both", b"\x01" + bytes(8) + b"\x02a\x00\x00\x03b\x00\x00")
    row = b"\x01\x01" + struct.pack("<IqqQI", 3, 1, 2, 3, 4)
    put("rows", "empty", row + bytes(200))
    put("rows", "full", row + b"\xff" * 3 + bytes(400))
    put("rows", "short", row[:10])
    table = "id,event_time,s0,s1,s4,s5,l2\n1,2024-01-01T00:00:00Z,true,3,1.5,\"a\"\"b\n\",[1,2]\n2,,,,,,\n"
    text("csv", table, table.replace("\n", "\r\n"), "id\n", "id,id\n1,2\n", "", "\ufeffid\n1\n", first=b"\x02")
    line = '{"id": 1, "event_time": "2024-01-01T00:00:00Z", "s5": "\\u00e9\\ud83d\\ude00", "l2": [1, 2], "s4": 1e3}\n'
    text("ndjson", line, line * 2, '{"id": null}\n', '{"id": 1, "s0": true, "s6": "AQI="}', "{}", "[", first=b"\x02")
    text("inference", table, "a,b\n1,x\n", first=b"\x00")
    put("inference", "lines", b"\x01" + line.encode())
    text("search", "metrics.auc > 0.7 and params.c = '1'", "not (tags.team in ('a', 'b') or name like 'x%')",
         "started >= '2024-01-01'", "metrics.auc desc", "\"odd name\" = 1 and status != 'failed'", "((((")  # fmt: skip
    example = (HERE.parents[1] / "examples" / "quickstart" / "definitions.yaml").read_text()
    text("definitions", example, "project: p\nentities:\n  - {name: e, keys: {id: int64}}\n",
         "views:\n  - {name: v, entity: e, ttl: 90d, features: {x: float32[64], y: {type: int64, was: z}}}\n",
         "services: [{name: s, features: ['v:*'], request: {a: float64}}]\n",
         "gates:\n  - {model: m, to: production, from: [staging], require: [{metric: auc, better: higher, min: 0.7}]}\n",
         "a: &x [1]\nb: *x\n", "- [\n", "")  # fmt: skip


main()
