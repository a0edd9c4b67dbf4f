"""Forgetting a key from the command line: gone from every answer and from every file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server
from waiting import wait_until

pytestmark = needs_server

DEFINITIONS = """
project: forget
entities:
  - {name: person, keys: {id: string}}
  - {name: place, keys: {zip: int64}}
views:
  - {name: history, entity: person, features: {x: int64, note: string}}
  - {name: extra, entity: person, features: {y: int64}}
  - {name: places, entity: place, features: {z: int64}}
services:
  - {name: s, features: ["history:x", "extra:y", "places:z"]}
  - {name: people, features: ["history:*"]}
  - {name: places_only, features: ["places:z"]}
"""
SECRET = "unmistakable-person-4711"
NOTE = "a-note-that-only-this-person-has"


@pytest.fixture
def alula(own_server: Server, tmp_path: Path) -> Iterator[CommandLine]:
    run = CommandLine(own_server, tmp_path)
    run.apply(DEFINITIONS)
    yield run


def people(count: int) -> list[str]:
    return [SECRET if number == 7 else f"person-{number:05}" for number in range(count)]


def load(alula: CommandLine, count: int = 200) -> None:
    rows = [
        f"{who},2024-0{1 + number % 3}-01T00:00:00Z,{number},{NOTE if who == SECRET else 'n'}"
        for number in range(3)
        for who in people(count)
    ]
    alula(
        "import", "history", alula.file("history.csv", "id,event_time,x,note\n" + "\n".join(rows))
    )
    for year in (2023, 2024):
        alula.push("extra", *({"id": who, "event_time": f"{year}-01-01T00:00:00Z", "y": 1}
                              for who in people(20)))  # fmt: skip
    alula.push("places", {"zip": 1, "event_time": "2024-01-01T00:00:00Z", "z": 5})


def stage(alula: CommandLine, name: str) -> None:
    """An import that fails in its third chunk, so that the first stay staged."""
    good = "".join(f"{who},2024-04-01T00:00:00Z,1,n\n" for who in people(140_000))
    alula.file(name, "id,event_time,x,note\n" + good + "p,not a time,1,n\n")
    assert "not a time" not in alula.error("import", "history", name)  # no message holds a value
    wait_until(lambda: alula.json("imports")[-1]["rows"])
    assert alula.json("imports")[-1]["state"] == "staging"


def found_in(directory: Path, *texts: str) -> list[str]:
    """The files that hold any of these texts."""
    wanted = [text.encode() for text in texts]
    return [
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and any(text in path.read_bytes() for text in wanted)
    ]


def spine(alula: CommandLine, name: str, *rows: str) -> str:
    return alula.file(name, "id,zip,event_time,label\n" + "\n".join(rows) + "\n")


def test_a_forgotten_key_is_gone_from_every_answer_and_every_file(alula: CommandLine) -> None:
    load(alula)
    with_key = spine(alula, "with.csv", f"{SECRET},1,2024-05-01T00:00:00Z,1",
                     "person-00001,1,2024-05-01T00:00:00Z,0",
                     f"{SECRET},2,2024-02-15T00:00:00Z,1")  # fmt: skip
    without = spine(alula, "without.csv", "person-00001,1,2024-05-01T00:00:00Z,0")
    alula("training-set", "make", "s", "--spine", with_key, "--out", "with-set.csv")
    alula("training-set", "make", "s", "--spine", without, "--out", "without-set.csv")
    unharmed, harmed = (one["id"] for one in alula.json("training-set", "list"))
    run = alula.json("run", "start", "--experiment", "e", "--training-set", harmed)
    model = alula.file("model.bin", "weights")
    alula("register", "credit", "--artifact", model, "--run", run["id"])
    stage(alula, "staged.csv")
    directory = alula.server.directory
    assert found_in(directory, SECRET, NOTE), "the search finds it before"

    planned = alula.json("forget", "person", f"id={SECRET}", "--dry-run")
    assert planned["dry_run"] and planned["log_entry"] is None
    assert {view["view"]: (view["history_rows"], view["staged_rows"], view["online_rows"])
            for view in planned["views"]} == {"history": (3, 1, 1), "extra": (2, 0, 1)}  # fmt: skip
    assert planned["spine_rows"] == 2 and planned["training_sets"] == [harmed]
    assert any("credit 1" in place for place in planned["out_of_reach"])
    assert any("backups" in place for place in planned["out_of_reach"])
    assert len(alula.lines("history", "history", f"id={SECRET}")) == 3, "a dry run changes nothing"

    done = alula.json("forget", "person", f"id={SECRET}", "--yes")
    assert {**done, "dry_run": True, "log_entry": None} == planned and done["log_entry"] > 0
    assert found_in(directory, SECRET, NOTE) == []
    assert_forgotten(alula, done["log_entry"])

    refused = alula.error("training-set", "get", harmed, "--out", "less.csv")
    assert "incomplete" in refused
    left = alula.json("training-set", "get", harmed, "--out", "less.ndjson", "--incomplete")
    rows = [json.loads(line) for line in (alula.directory / "less.ndjson").read_text().splitlines()]
    assert len(rows) == 3 and rows[1]["id"] == "person-00001" and rows[1]["x"] is not None
    assert rows[0]["id"] is None and rows[0]["x"] is None and rows[2]["label"] is None
    assert left["blanked_rows"] == 2 and not left["complete"]
    assert {loss["label"]: loss["values"] for loss in left["losses"]}["history"] == 2
    assert alula.json("training-set", "get", unharmed, "--out", "same.csv")["complete"]
    same = (alula.directory / "same.csv").read_text()
    assert same == (alula.directory / "without-set.csv").read_text()

    audit = alula.json("audit")
    assert [json.loads(one["detail"])["rows"] for one in audit if one["act"] == "forget"] == [6]
    assert SECRET not in json.dumps(audit)
    alula.push("extra", {"id": SECRET, "event_time": "2022-01-01T00:00:00Z", "y": 9})
    assert [row["y"] for row in alula.lines("history", "extra", f"id={SECRET}")] == [9]
    assert alula.json("read", "s", f"id={SECRET}", "zip=1")["rows"][0]["values"]["y"] == 9
    assert alula.json("verify")["problem_count"] == 0


def assert_forgotten(alula: CommandLine, log_entry: int) -> None:
    for view in ("history", "extra"):
        for as_of in ((), *(("--as-of", entry) for entry in range(1, log_entry + 1))):
            assert alula.lines("history", view, f"id={SECRET}", *as_of) == []
        alula("export", view, "--out", "all.csv")
        text = (alula.directory / "all.csv").read_text()
        assert SECRET not in text and NOTE not in text and "person-00001" in text
    read = alula.json("read", "s", f"id={SECRET}", "zip=1")["rows"][0]
    assert read["values"] == {"x": None, "y": None, "z": 5}
    assert read["statuses"]["x"] == "notFound"


def test_staged_rows_of_a_forgotten_key_are_not_published_later(alula: CommandLine) -> None:
    load(alula, 20)
    good = "".join(f"{who},2024-04-01T00:00:00Z,1,n\n" for who in people(140_000))
    stage(alula, "staged.csv")
    alula("forget", "person", f"id={SECRET}", "--yes")
    alula.file("staged.csv", "id,event_time,x,note\n" + good)
    assert alula.json("import", "history", "staged.csv")["rows"] == 140_000, (
        "another source: it is whole"
    )
    assert len(alula.lines("history", "history", f"id={SECRET}")) == 1, "it came after the deletion"


def begin(alula: CommandLine) -> subprocess.Popen[str]:
    """A deletion whose log entry is durable and which may not be ended yet."""
    last = alula.json("status")["log_last"]
    process = subprocess.Popen(
        alula.words("forget", "person", f"id={SECRET}", "--yes", "--json"), cwd=alula.directory,
        env=alula.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while alula.json("status")["log_last"] == last:
        assert process.poll() in (None, 0)
    return process


def wait_until_gone(alula: CommandLine) -> None:
    wait_until(lambda: not found_in(alula.server.directory, SECRET, NOTE), pause=0.2)


def test_a_kill_in_the_middle_of_a_deletion_does_not_undo_it(alula: CommandLine) -> None:
    load(alula, 3_000)
    spine(alula, "with.csv", f"{SECRET},1,2024-05-01T00:00:00Z,1")
    alula("training-set", "make", "s", "--spine", "with.csv", "--out", "set.csv")
    process = begin(alula)
    alula.server.kill()
    process.kill()
    process.communicate(timeout=60)
    alula.server.start()
    assert_forgotten(alula, alula.json("status")["log_last"])
    wait_until_gone(alula)
    assert alula.json("verify")["problem_count"] == 0


def test_a_client_that_goes_does_not_stop_a_deletion(alula: CommandLine) -> None:
    load(alula, 3_000)
    process = begin(alula)
    process.kill()
    process.communicate(timeout=60)
    assert alula.lines("history", "history", f"id={SECRET}") == []
    wait_until_gone(alula)
    deletions = [one for one in alula.json("audit") if one["act"] == "forget"]
    assert [one["object"] for one in deletions] == ["entity:person"]
    assert alula.server.stop() == 0
    alula.server.start()
    assert alula.json("verify")["problem_count"] == 0


def test_what_destroys_asks_first(alula: CommandLine) -> None:
    load(alula, 20)
    words = ("forget", "person", f"id={SECRET}")
    assert "--yes" in alula.error(*words) and "--dry-run" in alula.error(*words)
    code, shown = alula.asked("n", *words)
    assert code == 1 and "nothing was changed" in shown and "history" in shown
    assert len(alula.lines("history", "history", f"id={SECRET}")) == 3
    code, shown = alula.asked("y", *words)
    assert code == 0 and "forgotten with log entry" in shown
    assert alula.lines("history", "history", f"id={SECRET}") == []
    again = alula.json(*words, "--yes")
    assert [view["history_rows"] for view in again["views"]] == [0, 0], "a repeat is harmless"
    place = alula.json("forget", "place", "zip=1", "--yes")
    assert [view["view"] for view in place["views"]] == ["places"]
    assert "one key is forgotten at a time" in alula.error("forget", "person", "id=a,b", "--yes")
    assert 'did you mean "person"' in alula.error("forget", "persons", "id=a", "--yes")
    assert "id is missing" in alula.error("forget", "person", "--yes")
