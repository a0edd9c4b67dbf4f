"""Writes digest.json: tables of small columns and their digests.

An encoder of its own for "The digest of columns" in ../README.md: it shares no code with the server or the
clients. Run it after changing the tables: python3 proto/vectors/digest.py
"""
import hashlib
import json
import math
import os
import re
import struct

NAN = bytes.fromhex("000000000000F87F")


def item(kind, value):
    if kind == "bool":
        return b"\x01" if value else b"\x00"
    if kind in ("int32", "int64", "timestamp"):
        return struct.pack("<q", value)
    if kind in ("float32", "float64"):
        number = float(value)
        if math.isnan(number):
            return NAN
        if kind == "float32":
            number = struct.unpack("<f", struct.pack("<f", number))[0]
        return struct.pack("<d", number)
    if kind == "string":
        return value.encode("utf-8")
    return bytes.fromhex(value)


def zero(kind):
    return {"bool": b"\x00", "string": b"", "bytes": b""}.get(kind, bytes(8))


def column(kind, values):
    kind, brackets, length = re.fullmatch(r"(\w+)(\[(\d*)\])?", kind).groups()
    sized = kind in ("string", "bytes")
    v = l = s = d = b""
    for value in values:
        v += b"\x00" if value is None else b"\x01"
        if not brackets:
            items = [zero(kind) if value is None else item(kind, value)]
        elif length:
            items = [zero(kind)] * int(length) if value is None else [item(kind, x) for x in value]
        else:
            items = [] if value is None else [item(kind, x) for x in value]
            l += struct.pack("<q", len(items))
        if sized:
            s += b"".join(struct.pack("<q", len(x)) for x in items)
        d += b"".join(items)
    return b"".join(hashlib.sha256(stream).digest() for stream in (v, l, s, d))


def digest(columns):
    rows = len(columns[0]["values"]) if columns else 0
    out = b"alula columns 1\n" + struct.pack("<QI", rows, len(columns))
    for c in columns:
        name = c["name"].encode("utf-8")
        kind = c["type"].replace("int32", "int64").replace("float32", "float64").encode()
        out += struct.pack("<I", len(name)) + name + struct.pack("<I", len(kind)) + kind
        out += column(c["type"], c["values"])
    return hashlib.sha256(out).hexdigest()


def c(name, kind, values):
    return {"name": name, "type": kind, "values": values}


LOW, HIGH = -(2**63), 2**63 - 1
TABLES = [
    ("no columns", []),
    ("no rows", [c("a", "int64", []), c("b", "string[]", [])]),
    ("int64", [c("a", "int64", [0, -1, LOW, HIGH, None])]),
    ("int32 is int64", [c("a", "int32", [0, -1, -(2**31), 2**31 - 1, None])]),
    ("float64", [c("a", "float64", [0.0, "-0.0", 1.5, "nan", "inf", "-inf", None, 5e-324])]),
    ("float32 is float64", [c("a", "float32", [0.0, "-0.0", 1.5, "nan", "inf", None, 0.1])]),
    ("bool", [c("a", "bool", [True, False, None, True, True, False, True, True, True, None])]),
    ("string", [c("näme", "string", ["", "a", None, "zwölf", "\x00", "日本"])]),
    ("bytes", [c("a", "bytes", ["", "00ff", None, "80"])]),
    ("timestamp", [c("a", "timestamp", [0, -1, 1_600_000_000_123_456, None])]),
    ("lists", [
        c("a", "int32[]", [[], None, [1, -2, 3]]),
        c("b", "float64[]", [["nan"], [], None]),
        c("c", "string[]", [["", "x"], None, []]),
        c("d", "bytes[]", [None, ["00"], ["", "ff"]]),
        c("e", "bool[]", [[True], [], None]),
        c("f", "timestamp[]", [[5, 6], None, []]),
    ]),
    ("fixed lists", [
        c("a", "float32[3]", [[0.5, "nan", -1.0], None]),
        c("b", "int64[2]", [None, [1, 2]]),
        c("c", "string[2]", [["", "x"], None]),
        c("d", "bool[9]", [[True] * 9, None]),
        c("e", "bytes[1]", [["00ff"], None]),
    ]),
    ("many columns", [
        c("id", "int64", [3, 1, 2]),
        c("when", "timestamp", [30, 10, None]),
        c("score", "float32", [0.25, None, "nan"]),
        c("text", "string", [None, "a", "b"]),
        c("vector", "float32[2]", [[1.0, 2.0], [3.0, 4.0], None]),
    ]),
]

if __name__ == "__main__":
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digest.json")
    tables = [{"name": n, "columns": cs, "digest": digest(cs)} for n, cs in TABLES]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"tables": tables}, file, indent=1, ensure_ascii=True)
        file.write("\n")
