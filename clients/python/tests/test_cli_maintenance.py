"""Keeping history in order from the command line: imports, retract, compact, verify."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server
from waiting import wait_until

pytestmark = needs_server

DEFINITIONS = """
project: upkeep
entities:
  - {name: e, keys: {k: string}}
views:
  - {name: v, entity: e, features: {x: int64}, columns: {event_time: t}}
  - {name: w, entity: e, features: {y: int64}, columns: {event_time: t}}
services:
  - {name: s, features: ["v:x", "w:y"]}
"""


@pytest.fixture
def alula(own_server: Server, tmp_path: Path) -> Iterator[CommandLine]:
    run = CommandLine(own_server, tmp_path)
    run.apply(DEFINITIONS)
    yield run


def source(alula: CommandLine, name: str, rows: int, *, first: int = 0, month: int = 1) -> str:
    text = "k,t,x\n" + "".join(
        f"k{number % 50},2024-{month:02}-{1 + number % 28:02}T00:00:00Z,{number}\n"
        for number in range(first, first + rows)
    )
    return alula.file(name, text)


def rows_of(alula: CommandLine, view: str) -> int:
    views = alula.json("status")["views"]
    return next((one["offline_rows"] for one in views if one["name"] == view), 0)


def history(alula: CommandLine, key: str, *options: object) -> list[int]:
    return [row["x"] for row in alula.lines("history", "v", f"k={key}", *options)]


def online(alula: CommandLine, key: str) -> int | None:
    values = alula.json("read", "s", f"k={key}")["rows"][0]["values"]
    return values["x"]  # type: ignore[no-any-return]


def test_an_import_is_there_once_unless_it_is_wanted_again(alula: CommandLine) -> None:
    first = alula.json("import", "v", source(alula, "a.csv", 100))
    assert first["rows"] == 100 and not first["already_there"] and first["resumed_after"] == 0
    same = alula.json("import", "v", "a.csv")
    assert same["already_there"] and same["import"] == first["import"]
    assert "already there, 100 rows; --again imports the file once more" in alula(
        "import", "v", "a.csv"
    )
    assert rows_of(alula, "v") == 100
    more = alula.json("import", "v", "a.csv", "--again")
    assert more["import"] != first["import"] and rows_of(alula, "v") == 200
    assert [one["state"] for one in alula.json("imports")] == ["published"] * 2
    refused = alula.error("imports", "--abandon", first["import"], "--yes")
    assert "published" in refused
    assert "there is no import" in alula.error("imports", "--abandon", "import-0", "--yes")


def test_an_interrupted_import_goes_on_or_is_given_up(alula: CommandLine) -> None:
    total = 600_000
    text = source(alula, "big.csv", total)

    def interrupt() -> str:
        process = subprocess.Popen(
            alula.words("import", "v", text), cwd=alula.directory, env=alula.environment,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        while not re.match(r"importing: [2-9]\d %", line := process.stderr.readline()):
            assert line, "it ended"
        process.kill()
        process.wait(30)
        found = wait_until(lambda: [one for one in alula.json("imports") if one["rows"] > 0])
        assert found[-1]["state"] == "staging"
        return str(found[-1]["import"])

    first = interrupt()
    assert alula.run("imports", "--abandon", first, code=1).stderr.count("--yes") == 1
    given_up = alula.json("imports", "--abandon", first, "--yes")
    assert given_up["import"] == first and given_up["rows"] > 0
    assert alula.json("imports") == [] and rows_of(alula, "v") == 0
    second = interrupt()
    ended = alula.run("import", "v", text, "--json")
    told = json.loads(ended.stdout)
    assert told["import"] == second and told["rows"] == total and 0 < told["resumed_after"] < total
    steps = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {"reading", "importing"} <= {step["progress"] for step in steps}
    assert rows_of(alula, "v") == total
    assert len(history(alula, "k7")) == total // 50
    assert alula.json("verify")["problem_count"] == 0


def test_retract_hides_an_import_from_then_on_and_restores_what_it_replaced(
    alula: CommandLine,
) -> None:
    alula("import", "v", source(alula, "right.csv", 50))
    spine = alula.file("spine.csv", "k,event_time\nk1,2024-12-01T00:00:00Z\n")
    alula("training-set", "make", "s", "--spine", spine, "--out", "before.csv")
    wrong = alula.json("import", "v", source(alula, "wrong.csv", 50, first=1000, month=2))
    alula("training-set", "make", "s", "--spine", spine, "--out", "with.csv")
    seeing = alula.json("training-set", "list")[0]["id"]
    assert online(alula, "k1") == 1001 and history(alula, "k1") == [1, 1001]

    planned = alula.json("retract", wrong["import"], "--dry-run")
    assert planned == {
        "dry_run": True, "rows": 50, "log_entry": None, "rows_restored": 0, "training_sets": [seeing],
    }  # fmt: skip
    assert "--yes" in alula.error("retract", wrong["import"])
    assert online(alula, "k1") == 1001
    done = alula.json("retract", wrong["import"], "--yes")
    assert done["rows"] == 50 and done["rows_restored"] == 50 and done["training_sets"] == [seeing]
    assert online(alula, "k1") == 1 and history(alula, "k1") == [1]
    assert history(alula, "k1", "--as-of", wrong["log_entry"]) == [1, 1001]
    alula("training-set", "get", seeing, "--out", "again.csv")
    assert (alula.directory / "again.csv").read_text() == (alula.directory / "with.csv").read_text()
    alula("training-set", "make", "s", "--spine", spine, "--out", "after.csv")
    assert (alula.directory / "after.csv").read_text() == (
        alula.directory / "before.csv"
    ).read_text()
    assert "nothing to hide" in alula.error("retract", wrong["import"], "--yes")
    acts = [(entry["act"], json.loads(entry["detail"])["rows"]) for entry in alula.json("audit")
            if entry["act"] == "retract"]  # fmt: skip
    assert acts == [("retract", 50)]
    alula.server.kill()
    alula.server.start()
    assert online(alula, "k1") == 1 and history(alula, "k1") == [1]
    assert alula.json("verify")["problem_count"] == 0


def test_retract_takes_log_entries_of_one_view_or_of_all(alula: CommandLine) -> None:
    time = "2024-01-01T00:00:00Z"
    entries = []
    for number in range(3):
        alula.push("w", {"k": "a", "t": time, "y": number})
        entries.append(alula.push("v", {"k": "a", "t": time, "x": number})["log_entry"])
    hidden = alula.json(
        "retract", "--entries", f"{entries[1]}-{entries[2]}", "--view", "v", "--yes"
    )
    assert hidden["rows"] == 2 and online(alula, "a") == 0 and history(alula, "a") == [0]
    assert len(alula.lines("history", "w", "k=a")) == 3
    assert alula.json("retract", "--entries", f"1-{entries[2]}", "--dry-run")["rows"] == 4
    everything = alula.json("retract", "--entries", f"1-{entries[2]}", "--yes")
    assert everything["rows"] == 4 and online(alula, "a") is None
    assert alula.lines("history", "w", "k=a") == [] == alula.lines("history", "v", "k=a")
    for words in ((), ("i", "--entries", "1-2"), ("i", "--view", "v"), ("--entries", "5-1")):
        alula.error("retract", *words, "--yes", code=2)
    assert "both within" in alula.error("retract", "--entries", "1-999", "--yes")
    assert "no import" in alula.error("retract", "import-0", "--yes")


def test_compact_makes_one_segment_and_changes_no_answer(alula: CommandLine) -> None:
    for number in range(12):
        alula.push("v", *({"k": f"k{key}", "t": f"2024-01-{1 + number:02}T00:00:00Z", "x": number}
                          for key in range(5)))  # fmt: skip
    alula("import", "v", source(alula, "a.csv", 200))
    spine = alula.file(
        "spine.csv",
        "k,event_time\n"
        + "".join(f"k{n % 60},2024-01-{1 + n % 28:02}T12:00:00Z\n" for n in range(90)),
    )
    alula("training-set", "make", "s", "--spine", spine, "--out", "before.csv")
    made = alula.json("training-set", "list")[0]
    seen = [history(alula, f"k{key}") for key in range(8)]
    planned = alula.json("compact", "v", "--dry-run")["views"][0]
    assert planned["segments_after"] == planned["segments_before"] >= 2 and planned["rows"] == 260
    done = alula.json("compact")["views"]
    assert [view["view"] for view in done] == ["v", "w"]
    assert done[0]["segments_after"] == 1 and done[0]["rows"] == 260
    assert done[0]["rows_retired"] == 0 and done[0]["training_sets"] == []
    assert [history(alula, f"k{key}") for key in range(8)] == seen
    alula("training-set", "get", made["id"], "--out", "after.csv")
    assert (alula.directory / "after.csv").read_text() == (
        alula.directory / "before.csv"
    ).read_text()
    assert "segments" in alula("compact", "v") and alula.json("verify")["segments"] == 1
    assert "no view" in alula.error("compact", "x")


def test_compact_retires_what_the_rule_says_and_names_the_sets_that_used_it(
    alula: CommandLine,
) -> None:
    alula("import", "v", source(alula, "a.csv", 100))
    alula("import", "w", alula.file("w.csv", "k,t,y\nk1,2024-01-01T00:00:00Z,7\n"))
    old = alula.file("old.csv", "k,event_time\nk1,2024-01-10T00:00:00Z\nk2,2024-01-10T00:00:00Z\n")
    alula("training-set", "make", "s", "--spine", old, "--out", "old-set.csv")
    none = alula.file("none.csv", "k,event_time\nzz,2024-12-01T00:00:00Z\n")
    alula("training-set", "make", "s", "--spine", none, "--out", "none-set.csv")
    unharmed, harmed = (one["id"] for one in alula.json("training-set", "list"))
    alula.apply(
        DEFINITIONS.replace(
            "{name: v, entity: e,", "{name: v, entity: e, retention: {rows_per_key: 1},"
        )
    )
    planned = alula.json("compact", "--dry-run")["views"][0]
    assert planned["rows_retired"] == 50 and planned["training_sets"] == [harmed]
    assert len(history(alula, "k1")) == 2
    done = alula.json("compact", "v")["views"][0]
    assert done["rows_retired"] == 50 and done["rows"] == 50 and done["training_sets"] == [harmed]
    assert len(history(alula, "k1")) == 1 and unharmed != harmed
    acts = [json.loads(one["detail"]) for one in alula.json("audit") if one["act"] == "retention"]
    assert [act["rows"] for act in acts] == [50]
    assert alula.json("training-set", "get", unharmed, "--out", "same.csv")["complete"]
    refused = alula.error("training-set", "get", harmed, "--out", "less.csv")
    assert (
        "incomplete" in refused
        and "v: 2 values lost at log entry" in refused
        and not (alula.directory / "less.csv").exists()
    )
    left = alula.json("training-set", "get", harmed, "--out", "less.csv", "--incomplete")
    assert not left["complete"] and [loss["label"] for loss in left["losses"]] == ["v"]
    assert left["losses"][0]["values"] == 2 and len(left["losses"][0]["log_entries"]) == 1
    assert "rows lost" in alula("training-set", "get", harmed, "--out", "less.csv", "--incomplete")
    assert alula.json("verify")["problem_count"] == 0


def test_the_server_keeps_retention_rules_by_itself_and_says_so(alula: CommandLine) -> None:
    alula("import", "v", source(alula, "a.csv", 100))
    alula.apply(
        DEFINITIONS.replace("{name: v, entity: e,", "{name: v, entity: e, retention: {age: 30d},")
    )
    alula.server.stop()
    alula.server.start()
    acts = wait_until(
        lambda: [one for one in alula.json("audit") if one["act"] == "retention"], seconds=90
    )
    assert [(one["actor"], one["object"]) for one in acts] == [("server", "view:v")]
    assert json.loads(acts[0]["detail"])["rows"] == 100
    assert rows_of(alula, "v") == 0 and history(alula, "k1") == []
    assert alula.json("verify")["problem_count"] == 0
    alula.error("serve", "--data", "elsewhere", "--compaction", "maybe", code=2)


def test_verify_finds_what_is_damaged(alula: CommandLine) -> None:
    alula("import", "v", source(alula, "a.csv", 500))
    spine = alula.file("spine.csv", "k,event_time\nk1,2024-01-10T00:00:00Z\n")
    alula("training-set", "make", "s", "--spine", spine, "--out", "set.csv")
    well = alula.json("verify")
    assert well["problems"] == [] and well["history_rows"] == 500 and well["segments"] == 1
    assert well["blocks"] > 0 and well["online_rows"] == 50
    assert well["artifacts"] == 1 and well["training_sets"] == 1
    assert "all is well" in alula("verify")

    kept = next(path for path in (alula.server.directory / "artifacts").glob("??/*"))
    content = kept.read_bytes()
    kept.chmod(0o600)
    kept.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    found = alula.json("verify", code=1)
    assert found["problem_count"] == 1 and re.search(
        "the spine of ts-.* is damaged", found["problems"][0]
    )
    kept.unlink()
    assert "is missing" in alula.json("verify", code=1)["problems"][0]
    kept.write_bytes(content)
    assert alula.json("verify")["problem_count"] == 0

    assert alula.server.stop() == 0
    with sqlite3.connect(alula.server.directory / "offline.sqlite") as database:
        number, block = database.execute(
            "SELECT id, bytes FROM block ORDER BY id LIMIT 1"
        ).fetchone()
        middle = len(block) // 2
        turned = block[:middle] + bytes([block[middle] ^ 0x10]) + block[middle + 1 :]
        database.execute("UPDATE block SET bytes = ? WHERE id = ?", (turned, number))
    database.close()
    alula.server.start()
    told = alula.run("verify", code=1)
    assert "problem" in told.stdout
    assert alula.json("verify", code=1)["problem_count"] >= 1
