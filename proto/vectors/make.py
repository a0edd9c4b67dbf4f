"""Writes the golden vectors: an encoder by itself, with nothing but struct and json.

`python3 make.py` writes the files beside it; `python3 make.py --check` compares them instead.
"""

import json
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXED = {"int32": "<i", "int64": "<q", "float32": "<f", "float64": "<d", "timestamp": "<q"}
NAMED_FLOATS = {"NaN": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "-0.0": -0.0}


def bits(flags):
    out = bytearray((len(flags) + 7) // 8)
    for index, flag in enumerate(flags):
        if flag:
            out[index // 8] |= 1 << (index % 8)
    return bytes(out)


def offsets(lengths):
    ends = [0]
    for length in lengths:
        ends.append(ends[-1] + length)
    return struct.pack(f"<{len(ends)}i", *ends)


def raw_item(item, value):
    """One string or bytes value as its bytes."""
    return value.encode("utf-8") if item == "string" else bytes.fromhex(value)


def fixed_item(item, value):
    """One number as its bytes; NaN has one bit pattern."""
    if item in ("float32", "float64"):
        value = NAMED_FLOATS.get(value, value)
        if value != value:
            return bytes.fromhex("0000c07f" if item == "float32" else "000000000000f87f")
    return struct.pack(FIXED[item], value)


def item_buffers(item, values):
    """Offsets, where items have lengths, and values; None is the empty or zero slot of a null."""
    if item in ("string", "bytes"):
        raw = [b"" if value is None else raw_item(item, value) for value in values]
        return [offsets([len(r) for r in raw]), b"".join(raw)]
    if item == "bool":
        return [bits([value is True for value in values])]
    return [b"".join(fixed_item(item, 0 if value is None else value) for value in values)]


def column_buffers(type_text, values):
    item, is_list, length = re.fullmatch(r"([a-z0-9]+)(\[(\d*)\])?", type_text).groups()
    buffers = []
    if None in values:
        buffers.append(bits([value is not None for value in values]))
    if not is_list:
        return buffers + item_buffers(item, values)
    if length:
        items = []
        for value in values:
            items += [None] * int(length) if value is None else value
        return buffers + item_buffers(item, items)
    lists = [[] if value is None else value for value in values]
    buffers.append(offsets([len(value) for value in lists]))
    return buffers + item_buffers(item, [one for value in lists for one in value])


def batch(schema, rows):
    columns = [[row[index] for row in rows] for index in range(len(schema))]
    encoded = [column_buffers(field["type"], column) for field, column in zip(schema, columns)]
    size = sum(len(buffer) for buffers in encoded for buffer in buffers)
    alignment = 64 if size > 65_536 else 8
    out = struct.pack("<IHH", len(rows), len(schema), 1 if alignment == 64 else 0)
    out += bits([None in column for column in columns])
    for buffers in encoded:
        for buffer in buffers:
            out += bytes(-len(out) % alignment) + buffer
    return out + bytes(-len(out) % alignment)


def frame(kind, flags, operation, call, control, data):
    padding = bytes(-len(control) % 8) if data else b""
    payload = control + padding + data
    return struct.pack("<IBBHII", len(payload), kind, flags, operation, call, len(control)) + payload


def fields(text):
    return [dict(zip(("name", "type"), part.split(":"))) for part in text.split()]


SCALARS = fields(
    "flag:bool small:int32 large:int64 ratio:float32 exact:float64 text:string raw:bytes at:timestamp"
)
LISTS = fields(
    "flags:bool[] smalls:int32[] larges:int64[] ratios:float32[] exacts:float64[] texts:string[] "
    "raws:bytes[] times:timestamp[]"
)
FIXED_LISTS = fields(
    "flags:bool[3] smalls:int32[2] larges:int64[1] ratios:float32[4] exacts:float64[2] texts:string[2] "
    "raws:bytes[2] times:timestamp[2]"
)
SCALAR_ROWS = [
    [True, 7, -9, 0.5, 0.1, "wren", "00ff", 1_598_387_681_361_000],
    [False, -2147483648, 9223372036854775807, -1.25, -2.5, "", "", -1],
    [True, 2147483647, -9223372036854775808, 3.0, 1e300, "żółw \u0000 🦅", "61", 0],
]
NULL_ROW = [None] * 8
LIST_ROWS = [
    [[True, False, True], [1, -2], [3], [0.5], [0.25, -0.25], ["a", "", "bc"], ["00", ""], [0, 1]],
    [[], [], [], [], [], [], [], []],
    [[False] * 9, [5], [6, 7], [1.5, 2.5], ["NaN"], ["é"], ["ff"], [-5]],
]
FIXED_LIST_ROWS = [
    [[True, False, True], [1, -2], [3], [0.5, 1.5, 2.5, 3.5], [0.25, "inf"], ["a", ""], ["00", "01"], [0, 1]],
    [[False, True, True], [4, 5], [6], [0.0, 0.0, 0.0, 1.0], [1.0, 2.0], ["", "xyz"], ["", ""], [8, 9]],
]


def batches():
    yield "scalars", "every scalar type, no nulls", SCALARS, SCALAR_ROWS
    yield "scalars-nulls", "every scalar type, nulls among values", SCALARS, [
        NULL_ROW, SCALAR_ROWS[0], NULL_ROW, SCALAR_ROWS[1], SCALAR_ROWS[2], NULL_ROW, NULL_ROW,
        SCALAR_ROWS[0], SCALAR_ROWS[1], NULL_ROW,
    ]
    yield "all-null", "one row, all null", SCALARS, [NULL_ROW]
    yield "empty", "no rows: offsets still have one entry", SCALARS, []
    yield "no-columns", "rows without columns", [], [[], [], []]
    yield "floats", "NaN has one bit pattern, infinities and minus zero are values", fields(
        "ratio:float32 exact:float64"
    ), [["NaN", "NaN"], ["inf", "inf"], ["-inf", "-inf"], ["-0.0", "-0.0"], [None, None], [1.5, 0.1]]
    yield "bools", "seventeen bits, one of them null", fields("flag:bool"), [
        [None if row == 9 else row % 3 == 0] for row in range(17)
    ]
    yield "lists", "lists of every type, one row of empty lists", LISTS, LIST_ROWS
    yield "lists-nulls", "a null list and an empty list differ", LISTS, [
        NULL_ROW, LIST_ROWS[0], NULL_ROW, LIST_ROWS[1], LIST_ROWS[2],
    ]
    yield "lists-empty", "lists without rows", LISTS, []
    yield "fixed-lists", "fixed lists of every type", FIXED_LISTS, FIXED_LIST_ROWS
    yield "fixed-lists-nulls", "the slot of a null fixed list is zero", FIXED_LISTS, [
        FIXED_LIST_ROWS[0], NULL_ROW, FIXED_LIST_ROWS[1], NULL_ROW,
    ]
    yield "nine-columns", "the validity map has two bytes", fields(
        " ".join(f"c{index}:int32" for index in range(9))
    ), [[index if index != 8 else None for index in range(9)], list(range(9))]
    yield "embedding", "one embedding", fields("id:int64 vector:float32[64]"), [
        [1, [index / 8 for index in range(64)]], [2, None],
    ]
    yield "wide", "over 65,536 bytes: buffers stand at multiples of 64", fields(
        "id:int64 score:float64 name:string"
    ), [[row, row / 2, None if row % 7 == 0 else f"n{row}"] for row in range(3_200)]
    yield "narrow-edge", "exactly 65,536 bytes: still multiples of 8", fields("id:int64"), [
        [row] for row in range(8_192)
    ]
    yield "wide-edge", "one row more", fields("id:int64"), [[row] for row in range(8_193)]


def frames():
    small = batch(fields("id:int64"), [[1], [2]])
    yield "request", "a request with control and data", 1, 0, 0x0030, 1, b"\x0a\x02\x18\x05\x12\x06credit", small
    yield "request-more", "upload items follow", 1, 1, 0x0022, 2, b"\x0a\x00", b""
    yield "request-empty", "a request without control and data", 1, 0, 0x0001, 3, b"", b""
    token = b"alula_" + b"0123456789abcdef" * 4
    yield "authenticate", "AUTHENTICATE, as it follows the preface", 1, 0, 0x0004, 1, b"\x12\x46" + token, b""
    yield "response", "control of 8 bytes: no padding before the data", 2, 0, 0x0030, 1, bytes(range(8)), small
    yield "response-control", "control alone is not padded", 2, 0, 0x0011, 4, b"\x18\x07", b""
    yield "item", "data alone begins at once", 3, 0, 0x0072, 5, b"", b"raw bytes"
    yield "end", "the upload is complete", 4, 0, 0x0022, 2, b"", b""
    failure = b"\x08\x05\x12\x0dno such thing\x28\x00"
    yield "error", "a Failure: code 5, message", 5, 0, 0x0030, 6, failure, b""
    yield "error-connection", "call 0: the connection fails", 5, 0, 0, 0, b"\x08\x03\x12\x03bad", b""
    yield "cancel", "stop", 6, 0, 0x0043, 0xFFFFFFFF, b"", b""
    yield "window", "a Window of 524,288 bytes", 7, 0, 0x0043, 7, b"\x08\x80\x80\x20", b""


def vectors():
    for name, about, schema, rows in batches():
        entry = {"name": f"batch-{name}", "kind": "batch", "about": about, "schema": schema}
        yield {**entry, "count": len(rows), "rows": rows}, batch(schema, rows)
    for name, about, kind, flags, operation, call, control, data in frames():
        encoded = frame(kind, flags, operation, call, control, data)
        yield {
            "name": f"frame-{name}", "kind": "frame", "about": about,
            "payloadLength": len(encoded) - 16, "frameKind": kind, "flags": flags,
            "operation": operation, "call": call, "controlLength": len(control),
            "control": control.hex(), "data": data.hex(),
        }, encoded
    yield {
        "name": "preface-client", "kind": "preface", "about": "version 1", "sender": "client",
        "lowest": 1, "highest": 1,
    }, b"ALUL" + bytes([1, 1, 0, 0])
    yield {
        "name": "preface-server", "kind": "preface", "about": "version 1 chosen", "sender": "server",
        "chosen": 1,
    }, b"ALUL" + bytes([1, 0, 0, 0])
    yield {
        "name": "preface-refused", "kind": "preface", "about": "no version in common",
        "sender": "server", "chosen": 0,
    }, b"ALUL" + bytes([0, 0, 0, 0])


def main():
    files, entries = {}, []
    for entry, encoded in vectors():
        entry["file"] = entry["name"] + ".bin"
        if len(encoded) <= 4_096:
            entry["hex"] = encoded.hex()
        files[entry["file"]] = encoded
        entries.append(json.dumps(entry, ensure_ascii=False))
    files["vectors.json"] = ("[\n" + ",\n".join(entries) + "\n]\n").encode("utf-8")
    stale = [name for name, body in files.items() if not (HERE / name).exists() or (HERE / name).read_bytes() != body]
    if "--check" in sys.argv:
        sys.exit("stale: " + ", ".join(stale) if stale else 0)
    for name, body in files.items():
        (HERE / name).write_bytes(body)


if __name__ == "__main__":
    main()
