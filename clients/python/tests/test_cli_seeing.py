"""Seeing history from the command line: history, export, explain."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from server_process import Server, needs_server

pytestmark = needs_server

FEATURES = """
      {b: bool, i: int32, d: float64, f: float32, s: string, y: bytes, t: timestamp,
       li: "int64[]", emb: "float32[2]"}"""
DEFINITIONS = f"""
project: seeing
entities:
  - {{name: e, keys: {{k: string, n: int64}}}}
views:
  - name: v
    entity: e
    lookback: 10d
    features: {FEATURES}
  - name: w
    entity: e
    features: {FEATURES}
services:
  - {{name: s, features: ["v:i", "w:s"]}}
"""
TOLD = {"@recorded_time", "@log_entry", "@log_row", "@import"}


@pytest.fixture
def alula(own_server: Server, tmp_path: Path) -> Iterator[CommandLine]:
    run = CommandLine(own_server, tmp_path)
    run.apply(DEFINITIONS)
    yield run


def day(number: int, hour: int = 0) -> str:
    moment = dt.datetime(2024, 1, number, hour, tzinfo=dt.timezone.utc)
    return moment.isoformat().replace("+00:00", "Z")


HISTORY: list[dict[str, Any]] = [
    {"k": "a", "n": 1, "event_time": day(1), "i": 1, "d": 0.1, "s": 'quo"te, comma\nline', "y": "AAE="},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(6), "i": 2, "b": True, "s": ""},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(7), "i": 3, "li": [1, -2], "emb": [0.5, 2]},
    {"k": "a", "n": 1, "event_time": day(5), "created_time": day(7), "i": 4, "li": []},
    {"k": "a", "n": 1, "event_time": day(9), "i": 5, "d": "NaN", "f": "-Infinity", "t": day(2, 3)},
    {"k": "ä", "n": -7, "event_time": day(3), "i": -2147483648, "d": 1e-320},
    {"k": "", "n": 9007199254740993, "event_time": day(4), "f": 3.4028234663852886e38},
]  # fmt: skip


def load(alula: CommandLine) -> None:
    alula.file("first.ndjson", "\n".join(map(json.dumps, HISTORY[:4])))
    alula("import", "v", "first.ndjson")
    alula.push("v", *HISTORY[4:])


def export(alula: CommandLine, view: str, *options: object) -> list[dict[str, Any]]:
    alula("export", view, "--out", "out.ndjson", *options)
    return [json.loads(line) for line in (alula.directory / "out.ndjson").read_text().splitlines()]


def untold(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what the server says of each row."""
    return [{name: row[name] for name in row if name not in TOLD} for row in rows]


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_an_export_is_read_back_to_equal_history(alula: CommandLine, ending: str) -> None:
    load(alula)
    told = alula.json("export", "v", "--out", f"v.{ending}")
    assert told == {"view": "v", "out": f"v.{ending}", "rows": 7}
    imported = alula.json("import", "w", f"v.{ending}")
    assert imported["rows"] == 7
    before, after = export(alula, "v"), export(alula, "w")
    assert untold(after) == untold(before)
    assert {row["@import"] for row in after} == {imported["import"]}
    assert [row["i"] for row in before if row["k"] == "a"] == [1, 2, 3, 4, 5]
    alula("export", "w", "--out", f"w.{ending}")
    assert alula.json("import", "w", f"w.{ending}")["rows"] == 7, "another source: more rows"
    assert len(export(alula, "w")) == 14


def test_an_export_is_in_the_order_of_its_keys_and_holds_what_is_asked_for(
    alula: CommandLine,
) -> None:
    load(alula)
    rows = export(alula, "v")
    keys = [(row["k"].encode(), row["n"]) for row in rows]
    assert keys == sorted(keys) and len(rows) == 7
    first_entry = min(row["@log_entry"] for row in rows)
    assert [row["i"] for row in export(alula, "v", "--as-of", first_entry)] == [1, 2, 3, 4]
    for options, wanted in (
        (("--from", day(5)), lambda row: row["@event_time"] >= day(5)),
        (("--until", day(5)), lambda row: row["@event_time"] <= day(5)),
        (("--from", day(3), "--until", day(5)), lambda row: day(3) <= row["@event_time"] <= day(5)),
        (("--from", day(20)), lambda row: False),
    ):
        assert export(alula, "v", *options) == [row for row in rows if wanted(row)]
    header = (alula("export", "w", "--out", "-")).strip()
    assert header.startswith("k,n,@event_time,@created_time,@recorded_time,@log_entry,@log_row")
    table = list(csv.DictReader(io.StringIO(alula("export", "v", "--out", "-"))))
    assert [row["i"] for row in table] == ["" if r["i"] is None else str(r["i"]) for r in rows]
    assert "no view" in alula.error("export", "x", "--out", "x.csv")
    assert not (alula.directory / "x.csv").exists()
    assert "--from" in alula.error("export", "v", "--out", "x.csv", "--from", "soon")


def test_history_says_which_row_a_join_takes_and_why_not_the_others(alula: CommandLine) -> None:
    load(alula)

    def verdicts(at: str) -> list[str]:
        rows = alula.lines("history", "v", "k=a", "n=1", "--at", at)
        assert [row["i"] for row in rows] == [1, 2, 3, 4, 5]
        return [str(row["@verdict"]).split(":")[0] for row in rows]

    later = ["later"] * 4
    assert verdicts("2023-12-31T00:00:00Z") == ["later", *later]
    assert verdicts(day(1)) == ["taken", *later]
    assert verdicts(day(5)) == [
        "older",
        "earlier created time",
        "earlier log position",
        "taken",
        "later",
    ]
    assert verdicts(day(12)) == ["expired", "older", "older", "older", "taken"]
    assert verdicts("2024-03-01T00:00:00Z") == ["expired"] * 5
    shown = alula("history", "v", "k=a", "n=1", "--at", day(5))
    assert shown.startswith("verdict") and "taken" in shown and "5 rows" in shown
    assert all("@verdict" not in row for row in alula.lines("history", "v", "k=a", "n=1"))
    entry = alula.lines("history", "v", "k=a", "n=1")[0]["@log_entry"]
    seen = alula.lines("history", "v", "k=a", "n=1", "--as-of", entry)
    assert [row["i"] for row in seen] == [1, 2, 3, 4]
    assert "expected a log entry" in alula.error("history", "v", "k=a", "n=1", "--as-of", "x")


def test_explain_tells_of_one_label_what_the_join_does_and_makes_nothing(
    alula: CommandLine,
) -> None:
    load(alula)
    alula.push("w", {"k": "a", "n": 1, "event_time": day(2), "s": "from w"})
    spine = alula.file(
        "spine.csv",
        f"k,n,event_time,label\na,1,{day(6)},0\nä,-7,{day(30)},1\n,,{day(6)},1\nzz,1,{day(6)},0\n",
    )
    make = ("training-set", "make", "s", "--spine", spine)
    told = [alula.json(*make, "--explain", row) for row in (1, 2, 3, 4)]
    assert alula.json("training-set", "list") == []
    assert [[part["status"] for part in one["views"]] for one in told] == [
        ["matched", "matched"], ["expired", "notFound"], ["nullKey", "nullKey"],
        ["notFound", "notFound"],
    ]  # fmt: skip
    assert told[0]["row"]["label"] == 0 and told[0]["service"] == "s@1"
    by_view = {part["view"]: part for part in told[0]["views"]}
    taken = {
        view: [row for row in part["rows"] if row["@verdict"] == "taken"]
        for view, part in by_view.items()
    }
    assert [row["i"] for row in taken["v"]] == [4] and [row["s"] for row in taken["w"]] == [
        "from w"
    ]
    assert len(by_view["v"]["rows"]) == 5 and by_view["v"]["lookback_us"] == 10 * 86_400 * 10**6
    alula(*make, "--out", "set.ndjson")
    made = [json.loads(line) for line in (alula.directory / "set.ndjson").read_text().splitlines()]
    assert [row["i"] for row in made] == [4, None, None, None]
    shown = alula(*make, "--explain", 1)
    assert "v: matched, look-back 10d" in shown and "earlier created time" in shown
    assert "no rows of this key" in alula(*make, "--explain", 4)
    assert "row 5" in alula.error(*make, "--explain", 5)
    assert "row 0" in alula.error(*make, "--explain", 0)
    alula.error(*make, "--explain", 1, "--out", "both.csv", code=2)
    alula.error(*make, code=2)
    earlier = alula.json(*make, "--explain", 1, "--as-of", 1)
    assert earlier["log_entry"] == 1
    assert [part["status"] for part in earlier["views"]] == ["matched", "notFound"]
