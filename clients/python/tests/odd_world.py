"""Views of every type with odd keys and values, and the join of them in plain words."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pyarrow as pa

UTC = dt.timezone.utc
START = dt.datetime(1970, 1, 3, tzinfo=UTC)
DAY = dt.timedelta(days=1)

TYPES = {
    "b": "bool", "i": "int32", "l": "int64", "f": "float32", "d": "float64", "s": "string",
    "y": "bytes", "t": "timestamp",
}  # fmt: skip
LISTS = {
    **{f"l{c}": f"{t}[]" for c, t in TYPES.items()},
    **{f"f{c}": f"{t}[2]" for c, t in TYPES.items()},
}
ALL = {**TYPES, **LISTS}
DEFINITIONS = f"""
project: zoo
entities:
  - {{name: pair, keys: {{name: string, n: int64}}}}
  - {{name: blob, keys: {{raw: bytes}}}}
  - {{name: small, keys: {{id: int64}}}}
views:
  - {{name: all, entity: pair, ttl: 10d, features: {{{", ".join(f'"{n}": "{t}"' for n, t in ALL.items())}}}}}
  - {{name: other, entity: pair, features: {{d: float64, q: int64}}}}
  - {{name: blobs, entity: blob, features: {{w: string}}}}
  - {{name: smalls, entity: small, features: {{h: float32, g: string}}}}
services:
  - name: everything
    features: ["all:*", "other:*", "blobs:*"]
    request: {{amount: float64, words: "string[]"}}
  - name: roles
    features:
      - {{view: smalls, as: origin, keys: {{id: origin}}}}
      - {{view: smalls, as: destination, keys: {{id: destination}}}}
  - {{name: smalls, features: ["smalls:*"]}}
"""
KEYS = {"all": ["name", "n"], "other": ["name", "n"], "blobs": ["raw"], "smalls": ["id"]}
FEATURES = {"all": list(ALL), "other": ["d", "q"], "blobs": ["w"], "smalls": ["h", "g"]}
NAMES = [
    "",
    "\0",
    "a",
    "a\0",
    '"',
    "'",
    "😀",
    "é",
    "e\u0301",
    "1",
    "11",
    "a,b",
    "null",
    "NaN",
    "\n",
]
BLOBS = [b"", b"\0", b"\0\0", b"\xff", b"\xff\xfe"]


class World:
    """Random values, rows and spines of every type, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def moment(self) -> dt.datetime:
        edge = dt.timedelta(microseconds=int(self.one([-1, 0, 1])))
        return START + DAY * int(self.one([0, 1, 5, 10, 11, -12])) + edge

    def scalar(self, kind: str) -> Any:
        if kind == "bool":
            return bool(self.random.integers(2))
        if kind == "timestamp":
            return self.moment()
        single = float(np.float32(self.random.random()))
        choices: dict[str, list[Any]] = {
            "int32": [-(2**31), 2**31 - 1, 7], "int64": [-(2**63), 2**63 - 1, 7],
            "float32": [single, -0.0, math.inf, math.nan], "float64": [1e308, 5e-324, -0.0, math.nan],
            "string": NAMES, "bytes": BLOBS,
        }  # fmt: skip
        return self.one(choices[kind])

    def value(self, feature: str, type: str) -> Any:
        if self.random.random() < 0.25:
            return None
        kind = type.split("[")[0]
        if "[" not in type:
            return self.scalar(kind)
        count = 2 if type.endswith("[2]") else int(self.one([0, 1, 3]))
        return [self.scalar(kind) for _ in range(count)]

    def key(self, view: str) -> dict[str, Any]:
        return {
            "all": lambda: {
                "name": self.one(NAMES[: int(self.one([2, 15]))]),
                "n": self.one([0, -(2**63)]),
            },
            "other": lambda: self.key("all"),
            "blobs": lambda: {"raw": self.one(BLOBS)},
            "smalls": lambda: {"id": self.one([0, 1, -5])},
        }[view]()

    def row(self, view: str) -> dict[str, Any]:
        types = {**ALL, "q": "int64", "w": "string", "h": "float32", "g": "string"}
        event = self.moment()
        created = self.one([None, event, event + DAY, event - DAY])
        values = {f"@{name}": self.value(name, types[name]) for name in FEATURES[view]}
        return {**self.key(view), "event_time": event, "created_time": created, **values}

    def spine(self, count: int) -> list[dict[str, Any]]:
        rows = []
        for _ in range(count):
            row = {**self.key("all"), **self.key("blobs")}
            row = {name: self.one([value] * 9 + [None]) for name, value in row.items()}
            row["event_time"] = self.one([self.moment()] * 9 + [None])
            row["amount"] = self.one([None, 1.5, math.nan])
            row["words"] = self.one([None, [], ["", "\0"]])
            row["carried"] = self.one([None, *BLOBS])
            row["numbers"] = self.one([None, [], [math.nan, 1.0]])
            row["nothing"] = None
            rows.append(row)
        return rows + rows[: count // 3]


SPINE = pa.schema([
    ("name", pa.string()), ("n", pa.int64()), ("raw", pa.binary()), ("event_time", pa.timestamp("us", "UTC")),
    ("amount", pa.float64()), ("words", pa.list_(pa.string())), ("carried", pa.binary()),
    ("numbers", pa.list_(pa.float64())), ("nothing", pa.float64()),
])  # fmt: skip


def table_of(view: str, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = [*KEYS[view], "event_time", "created_time"]
    table = {name: [row[name] for row in rows] for name in names}
    return {**table, **{name: [row[f"@{name}"] for row in rows] for name in FEATURES[view]}}


def winner(
    rows: list[dict[str, Any]],
    keys: dict[str, str],
    at: dict[str, Any],
    lookback: dt.timedelta | None,
) -> dict[str, Any]:
    """The point-in-time rule in plain words; ``keys``: of the view, and their columns in the spine."""
    moment = at["event_time"]
    best: dict[str, Any] = {}
    order: Any = None
    if moment is None or any(at[column] is None for column in keys.values()):
        return best
    for position, row in enumerate(rows):
        if (
            any(row[key] != at[column] for key, column in keys.items())
            or row["event_time"] > moment
        ):
            continue
        if lookback is not None and row["event_time"] < moment - lookback:
            continue
        created = row["created_time"]
        mine = (row["event_time"], created is not None, created or START, position)
        if order is None or mine > order:
            best, order = row, mine
    return best


def same(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and bool(left == right)
