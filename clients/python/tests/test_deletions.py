"""Dropping definitions and deleting records, from the command line."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server
from waiting import wait_until

import alula

pytestmark = needs_server

DEFINITIONS = """
project: p
entities: [{name: e, keys: {k: int64}}]
views:
  - {name: v, entity: e, features: {x: float64}}
  - {name: w, entity: e, features: {y: string}}
services:
  - {name: s, features: ["v:*"]}
  - {name: t, features: ["w:*"]}
gates:
  - {model: m, to: production, require: [{metric: auc, better: higher, min: 0.9}]}
"""


@pytest.fixture()
def store(own_server: Server) -> alula.Store:
    found = own_server.connect("p")
    found.apply(DEFINITIONS)
    for view, name, values in (("v", "x", [0.5, 1.5]), ("w", "y", ["secret-a", "secret-b"])):
        times = [dt.datetime(2024, 1, 1)] * 2
        rows = {"k": [1, 2], "event_time": times, name: values}
        found.load(view, rows, progress=False)
    return found


@pytest.fixture()
def cli(own_server: Server, tmp_path: Path) -> CommandLine:
    return CommandLine(own_server, tmp_path)


def version(store: alula.Store, folder: Path, service: str) -> tuple[str, str]:
    """The training set and the run of a new version of ``m``."""
    spine = {"k": [1, 2], "event_time": [dt.datetime(2024, 2, 1)] * 2}
    train = store.training_set(service, spine)
    file = folder / "model.onnx"
    file.write_bytes(service.encode() * 100)
    with store.run("x", training_set=train) as run:
        run.log_metric("auc", 0.5)
        run.register("m", [file])
    return train.id, run.id


def test_dropping_says_what_is_lost_and_asks(
    store: alula.Store, cli: CommandLine, own_server: Server, tmp_path: Path
) -> None:
    train, _ = version(store, tmp_path, "t")
    assert store.reproduce("m", 1)
    said = cli.run("plan", "--drop", "w", "--drop", "t").stdout
    assert f"loses: training set {train} of t@1: cannot be made again" in said
    assert "loses: m version 1 of t@1" in said
    unasked = cli.run("apply", "--drop", "w", "--drop", "t", code=1)
    assert "nobody is there to be asked" in unasked.stderr
    code, shown = cli.asked("n", "apply", "--drop", "w", "--drop", "t")
    assert code == 1 and "drop view w" in shown
    assert {view.name for view in store.views()} == {"v", "w"}
    code, shown = cli.asked("y", "apply", "--drop", "w", "--drop", "t")
    assert code == 0, shown
    with own_server.connect("p") as after:
        assert {view.name for view in after.views()} == {"v"}
        with pytest.raises(alula.Refused, match="was dropped"):
            after.reproduce("m", 1)
        with pytest.raises(alula.NotFound, match="no service"):
            after.read("t", {"k": [1]})
        with pytest.raises(alula.Refused) as refused:
            after.promote("m", 1, "staging")
        assert "service t@1 was dropped" in str(refused.value.details)
        entry = after.audit("project:p", act="apply")[-1]
        assert train in entry.detail and '"drop":["w","t"]' in entry.detail
        wait_until(lambda: after.audit("view:w", act="erase dropped view"))
        assert '"rows":2' in after.audit("view:w", act="erase dropped view")[0].detail
        assert not after.verify(progress=False).problems
        after.apply("project: p\nviews: [{name: w, entity: e, features: {y: string}}]")
        with pytest.raises(alula.NotFound):
            after.read("t@2", {"k": [1]})
        after.apply("project: p\nservices: [{name: t, features: ['w:*']}]")
        again = after.read("t", {"k": [1, 2]})
        assert again.service == "t@2" and again.statuses("y").tolist() == ["notFound"] * 2
    own_server.kill()
    own_server.start()
    with own_server.connect("p") as later:
        assert later.read("t", {"k": [1]}).statuses("y").tolist() == ["notFound"]
        assert later.read("s", {"k": [1]}).column("x")[0] == 0.5


def test_rows_of_a_view_are_erased_though_the_server_is_killed(
    store: alula.Store, own_server: Server
) -> None:
    store.apply(drop=["view:w", "service:t"])
    own_server.kill()
    own_server.start()
    with own_server.connect("p") as after:
        wait_until(lambda: after.audit("view:w", act="erase dropped view"))
    assert own_server.stop() == 0
    with sqlite3.connect(own_server.directory / "offline.sqlite") as history:
        assert history.execute("SELECT count(*) FROM segment WHERE view = 2").fetchone() == (0,)


def test_what_live_versions_hold_is_not_dropped(
    store: alula.Store, cli: CommandLine, tmp_path: Path
) -> None:
    version(store, tmp_path, "s")
    store.promote("m", 1, "staging")
    said = cli.run("plan", "--drop", "view:v", "--drop", "s", code=1).stdout
    assert "m version 1 (staging) reads s@1" in said
    assert "m version 1 (staging)" in cli.error("apply", "--drop", "s", "--yes")
    said = cli.error("apply", "--retire", "view:v")
    assert "m version 1 (staging) reads it through s@1" in said


def test_a_gate_is_removed(store: alula.Store, cli: CommandLine, tmp_path: Path) -> None:
    version(store, tmp_path, "s")
    cli.run("promote", "m", 1, "production", code=1)
    cli.run("apply", "--drop", "gate:m:production", "--yes")
    assert cli("gates").startswith("no gates")
    assert "removed" in cli("gates", "m", "--history")
    cli.run("promote", "m", 1, "production")
    entry = store.audit("model:m", act="remove gate")[0]
    assert '"version":1' in entry.before and '"removed":true' in entry.after
    assert "there is no gate before production of model m" in cli.error(
        "apply", "--drop", "gate:m:production", "--yes"
    )


def test_records_are_deleted_from_the_command_line(
    store: alula.Store, cli: CommandLine, own_server: Server, tmp_path: Path
) -> None:
    train, run = version(store, tmp_path, "s")
    store.set_alias("m", "champion", 1)
    assert (
        f"run {run} used it"
        in cli("training-set", "list")
        + cli.run("delete", "training-set", train, "--dry-run", code=1).stdout
    )
    assert "m version 1 was registered from it" in cli.error("delete", "run", run, "--yes")
    assert "alias champion points to it" in cli.error("delete", "version", "m", 1, "--yes")
    store.delete_alias("m", "champion")
    code, shown = cli.asked("y", "delete", "version", "m", 1)
    assert code == 0 and "version 1 of m is deleted" in shown and "alula gc" in shown
    assert "was deleted" in cli.error("versions", "m", 1)
    assert cli.json("delete", "run", run, "--yes")["done"]
    assert "was deleted" in cli.error("run", "show", run)
    done = cli.json("delete", "training-set", train, "--yes")
    assert done == {
        "title": f"training set {train}", "done": True, "holders": [], "artifacts": 1,
        "artifact_bytes": done["artifact_bytes"],
    }  # fmt: skip
    assert store.training_sets() == [] and store.runs("x") == [] and store.versions("m") == []
    acts = [entry.act for entry in store.audit() if entry.act.startswith("delete ")]
    assert acts == ["delete alias", "delete version", "delete run", "delete training set"]
    assert store.verify_audit() and not store.verify(progress=False).problems
    version(store, tmp_path, "s")
    assert [one.version for one in store.versions("m")] == [2]


def test_runs_are_in_lineage_both_ways(
    store: alula.Store, cli: CommandLine, tmp_path: Path
) -> None:
    data = tmp_path / "data.bin"
    data.write_bytes(b"d" * 1000)
    stored = store.put_artifact(data)
    version(store, tmp_path, "s")
    file = tmp_path / "other.onnx"
    file.write_bytes(b"o" * 10)
    with store.run("x") as run:
        run.log_input("artifact", stored.digest, "data.bin")
        run.log_input("version", "m@1")
        run.log_input("view", "w")
        run.log_input("uri", "s3://bucket/raw")
        made = run.log_artifact(file)
        run.register("m", [file])
    text = cli("lineage", f"run:{run.id}")
    for line in ("artifact data.bin", "version m version 1", "view w", "uri s3://bucket/raw"):
        assert line in text, text
    assert "version m version 2" in text and "artifact other.onnx" in text
    edges = store.run_lineage(run.id).edges
    node = f"run:{run.id}"
    assert (node, f"artifact:{stored.digest}/data.bin") in edges
    assert (f"artifact:{made}/other.onnx", node) in edges and ("version:m/2", node) in edges
    assert (node, "uri:s3://bucket/raw") in store.lineage("m", 2).edges
    for source in (f"artifact:{stored.digest}", "view:w"):
        assert [one.version for one in store.trace(source).versions] == [2], source
    assert [v.version for v in store.trace(f"artifact:{made}").versions] == [2]
    assert [one.id for one in store.search_runs("uses view:w")] == [run.id]
    assert [one.id for one in store.search_runs(f"uses artifact:{stored.digest}")] == [run.id]
    diff = cli.json("diff", "m", 1, 2)
    sections = {section["name"]: section["items"] for section in diff["sections"]}
    assert {item["key"] for item in sections["inputs"]} == {
        "artifact data.bin", "version m@1", "view w", "uri s3://bucket/raw",
    }  # fmt: skip
    assert [item["key"] for item in sections["outputs"]] == ["artifact other.onnx"]
    store.promote("m", 1, "staging")
    assert "## Inputs" in cli.run("report", "m", "--candidate", 2, "--stage", "staging").stdout
    assert "flowchart" in cli("lineage", f"run:{run.id}", "--mermaid")
    cli.run("lineage", "m", code=2)
    cli.run("lineage", "run:none", code=1)
