"""Lineage both ways, diff and report, on the command line and in Python."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula
import alula.aio

pytestmark = needs_server
NASTY = 'we "ird#1;<b>|`x` & [y]'

DEFINITIONS = """
project: p
entities: [{name: e, keys: {k: int64}}]
views:
  - {name: v, entity: e, features: {x: float64, z: float64}}
  - {name: w, entity: e, lookback: 90d, features: {u: float64}}
  - {name: unread, entity: e, features: {n: float64}}
services:
  - {name: s, features: ["v:x"]}
  - {name: t, features: ["v:*", "w:u"], request: {amount: float64}}
gates:
  - model: m
    to: production
    require:
      - {metric: auc, on: holdout, better: higher, min: 0.7, no_worse_than_holder_by: 0.01}
      - {lineage: complete}
"""


class World:
    """Two versions of a model, made of an import, a push and another import."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.store = server.connect("p")
        self.store.apply(DEFINITIONS)
        self.cli = CommandLine(server, folder)
        self.folder = folder
        self.load("v", 1, 2024)
        self.load("w", 1, 2024, u=1.0)
        self.first = self.version("s", auc=0.8, c="1", file=b"one")
        self.store.push("v", [self.row(2, 2024, x=9.0, z=9.0)])
        self.load("v", 3, 2023)
        self.second = self.version("t", auc=0.75, c="2", file=b"two")

    def row(self, key: int, year: int, **values: float) -> dict[str, Any]:
        return {"k": key, "event_time": dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc), **values}

    def load(self, view: str, key: int, year: int, **values: float) -> None:
        row = self.row(key, year, **(values or {"x": 0.5, "z": 1.0}))
        self.store.load(view, {name: [value] for name, value in row.items()}, progress=False)

    def version(self, service: str, auc: float, c: str, file: bytes) -> int:
        spine = {"k": [1, 2, 3], "event_time": [dt.datetime(2024, 2, 1)] * 3}
        if service == "t":
            spine["amount"] = [1.0, 2.0, 3.0]  # type: ignore[list-item]
        self.train = self.store.training_set(service, spine)
        path = self.folder / "model.onnx"
        path.write_bytes(file)
        with self.store.run(
            "e", training_set=self.train, code_revision=f"r{c}", params={"c": c, "same": NASTY},
            name=NASTY,
        ) as run:  # fmt: skip
            run.log_metric("auc", auc, data_set="holdout")
            return int(run.register("m", [path], tags={"owner": NASTY}))

    def imports(self, view: str) -> list[str]:
        found = self.cli.json("imports")
        return [record["import"] for record in found if record["view"] == view]


@pytest.fixture(scope="module")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(server, tmp_path_factory.mktemp("lineage"))


def nodes(lineage: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node for node in lineage["nodes"] if node["kind"] == kind]


def reachable(lineage: dict[str, Any], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        if (node := todo.pop()) not in seen:
            seen.add(node)
            todo += [edge["to"] for edge in lineage["edges"] if edge["from"] == node]
    return seen


def test_a_version_goes_down_to_its_imports_and_pushes(world: World) -> None:
    first = world.cli.json("lineage", "m", 1)
    assert first["nodes"][0]["id"] == "version:m/1"
    assert [node["title"] for node in nodes(first, "import")] == world.imports("v")[:1]
    assert not nodes(first, "pushes") and nodes(first, "run")[0]["title"] == NASTY
    second = world.cli.json("lineage", "m", 2)
    found = {node["title"]: node["facts"] for node in nodes(second, "import")}
    assert set(found) == set(world.imports("v") + world.imports("w"))
    entries = [int(found[name]["log entry"]) for name in world.imports("v")]
    (pushes,) = nodes(second, "pushes")
    assert entries[0] < int(pushes["facts"]["log entries"]) < entries[1]
    ids = {node["id"] for node in second["nodes"]}
    assert reachable(second, "version:m/2") == ids  # nothing hangs in the air
    artifact = nodes(second, "artifact")[0]
    assert artifact["title"] == "model.onnx" and len(artifact["facts"]["sha256"]) == 64
    text = world.cli("lineage", "m", 2)
    assert (
        re.search(r"^version m version 2 ", text) and "\n      view v" not in text.split("run")[0]
    )
    assert f"import {world.imports('w')[0]}" in text and "pushes pushes to v" in text
    assert world.store.lineage("m", 2).nodes[0].id == "version:m/2"


def test_mermaid_takes_any_name(world: World) -> None:
    drawn = world.cli("lineage", "m", 1, "--mermaid")
    assert drawn.startswith("flowchart LR\n")
    for line in drawn.splitlines()[1:]:
        assert re.fullmatch(r'  (n\d+\["[^"]*"\]|n\d+ --> n\d+)', line), line
        inside = line.replace("<br/>", "")
        assert not re.search(r"#(?!\d+;)|[<&`|\\]", inside.replace("|", "")), line
    assert "we #34;ird#35;1#59;#60;b#62;|#96;x#96; #38; [y]" in drawn
    assert world.store.lineage("m", 1).mermaid() == drawn.rstrip("\n")
    diff = world.cli("diff", "m", 1, 2, "--mermaid")
    assert 'before["m version 1"]' in diff and "before --- s0 --> after" in diff
    assert world.store.diff("m", 1, 2).mermaid() == diff.rstrip("\n")


def test_versions_are_found_from_what_they_are_made_of(world: World) -> None:
    def found(source: str) -> list[int]:
        traced = world.cli.json("lineage", "--from", source)
        assert traced["total"] == len(traced["versions"])
        assert [v.version for v in world.store.trace(source).versions] == [
            v["version"] for v in traced["versions"]
        ]
        for version in traced["versions"]:
            start = f"version:m/{version['version']}"
            assert traced["graph"]["nodes"][0]["id"] in reachable(traced["graph"], start)
        return sorted(v["version"] for v in traced["versions"])

    one, two = world.imports("v")
    sets = [v.training_set for v in world.store.versions("m")]
    digest = world.store.versions("m")[0].artifacts[0].digest
    assert found("view:v") == [1, 2] and found("view:w") == [2] and found("view:unread") == []
    assert found("feature:v:x") == [1, 2] and found("feature:v:z") == [2]
    assert found("service:s") == [1] and found("service:t@1") == [2]
    assert found(f"import:{one}") == [1, 2] and found(f"import:{two}") == [2]
    assert found(f"training_set:{sets[0]}") == [2] and found(f"artifact:{digest}") == [2]
    assert found(f"run:{world.store.versions('m')[1].run}") == [1]
    assert found("artifact:" + "0" * 64) == []
    assert world.cli("lineage", "--from", "view:unread") == "no version was made of it\n"
    assert "view v" not in world.cli("lineage", "--from", "view:v")
    assert "flowchart LR" in world.cli("lineage", "--from", f"import:{one}", "--mermaid")


def test_what_is_not_there_is_said(world: World) -> None:
    for words, says in [
        (("lineage", "--from", "view:vv"), 'no view "vv"'),
        (("lineage", "--from", "feature:v:y"), 'no feature "y"'),
        (("lineage", "--from", "service:none"), 'no service "none"'),
        (("lineage", "--from", "import:none"), 'no import "none"'),
        (("lineage", "--from", "training_set:ts-1"), "no training set ts-1"),
        (("lineage", "--from", "run:run-1"), "no run run-1"),
        (("lineage", "--from", "artifact:abc"), "64 hexadecimal"),
        (("lineage", "--from", "table:x"), "expected view:NAME"),
        (("lineage", "m", 9), "9"),
        (("diff", "m", 1, 9), "9"),
        (("diff", "mm", 1, 2), 'no model "mm"'),
    ]:
        assert says in world.cli.error(*words), words
    for wrong in [("lineage",), ("lineage", "m"), ("lineage", "m", 1, "--from", "view:v")]:
        assert "Name a model and a version, run:ID, or --from" in world.cli.error(*wrong, code=2)
    with pytest.raises(alula.InvalidArgument, match="names nothing"):
        world.store.trace("credit_history")


def test_a_diff_names_what_differs(world: World) -> None:
    diff = world.cli.json("diff", "m", 1, 2)
    sections = {section["name"]: section for section in diff["sections"]}
    assert list(sections) == [
        "params", "metrics", "features", "data", "inputs", "outputs", "artifacts", "code", "tags",
    ]  # fmt: skip
    params = sections["params"]
    assert params["same"] == 1
    assert params["items"] == [{"key": "c", "before": "1", "after": "2", "change": None}]
    (auc,) = sections["metrics"]["items"]
    assert (auc["key"], auc["before"], auc["after"], auc["change"]) == (
        "auc on holdout", "0.8", "0.75", "-0.05",
    )  # fmt: skip
    features = {item["key"]: item for item in sections["features"]["items"]}
    assert features["z"]["before"] is None and features["z"]["after"] == "v:z float64"
    assert "look-back 90d" in features["u"]["after"]
    assert features["amount"]["after"] == "of the request, float64"
    assert features["service version"]["after"] == "t@1" and sections["features"]["same"] == 1
    data = {item["key"]: (item["before"], item["after"]) for item in sections["data"]["items"]}
    assert data["v: matched"] == ("1", "3") and "digest" in data and "rows" not in data
    assert [item["key"] for item in sections["artifacts"]["items"]] == ["model.onnx"]
    assert ("revision", "r1", "r2") in [
        (i["key"], i["before"], i["after"]) for i in sections["code"]["items"]
    ]
    assert sections["tags"] == {"name": "tags", "same": 1, "items": []}
    text = world.cli("diff", "m", 1, 2)
    assert "  auc on holdout: 0.8 -> 0.75 (-0.05)\n" in text and "tags: no difference" in text
    assert not world.store.diff("m", 1, 1) and world.store.diff("m", 1, 2)
    assert str(world.store.diff("m", 1, 2)).splitlines()[1] == "params"


def test_a_report_is_a_page_and_an_exit_code(own_server: Server, tmp_path: Path) -> None:
    world = World(own_server, tmp_path)
    cli, store = world.cli, world.store
    page = cli("report", "m", "--candidate", 1)
    assert page.startswith("# m version 1 for production\n") and "**Passed.**" in page
    assert "no other version holds production" in page
    store.promote("m", 1, "production")
    refused = cli.run("report", "m", "--candidate", 2, "--stage", "production", code=1).stdout
    assert "**Refused.**" in refused and "compared with version 1" in refused
    assert "| `auc on holdout` | `0.8` | `0.75` | -0.05 |" in refused
    assert re.search(r"\| failed \| .*0\.75.*\|", refused), refused
    assert "- import `import" in refused and "(above)" not in refused.split("## Lineage")[0]
    for line in refused.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
    assert 'we \\"ird' not in refused and 'we "ird\\#1;\\<b\\>\\|' in refused
    found = cli.json("report", "m", "--candidate", 2, code=1)
    assert found["stage"] == "production" and found["holder"] == 1 and not found["passed"]
    assert {rule["outcome"] for rule in found["rules"]} == {"passed", "failed"}
    report = store.report("m", 2, "production")
    assert not report and report.holder == 1 and report.diff and str(report) == report.markdown
    assert report.rules == store.promote("m", 2, "production", dry_run=True).rules
    assert store.stages_at("m", dt.datetime.now(dt.timezone.utc), "production")[0].version == 1
    assert cli.run("report", "m", "--candidate", 2, "--stage", "staging").returncode == 0
    assert "name one: --stage" in cli.error("report", "m", "--candidate", 1, code=2)
    for words in [("m", "--candidate", 7), ("none", "--candidate", 1),
                  ("m", "--candidate", 1, "--stage", "nowhere")]:  # fmt: skip
        assert cli.error("report", *words, code=2)
    cli.error("report", "m", code=2)
    own_server.kill()
    assert cli.error("report", "m", "--candidate", 1, code=2)


def test_live_ones_come_first_and_a_rollback_is_seen(own_server: Server, tmp_path: Path) -> None:
    world = World(own_server, tmp_path)
    cli, store = world.cli, world.store
    store.promote("m", 1, "production")
    versions = cli.json("lineage", "--from", "view:v")["versions"]
    assert [(v["version"], v["holds"]) for v in versions] == [(1, ["production"]), (2, [])]
    world.version("s", auc=0.9, c="3", file=b"three")
    store.promote("m", 3, "production")
    versions = cli.json("lineage", "--from", "view:v")["versions"]
    assert [(v["version"], v["rollback_of"]) for v in versions] == [
        (3, []), (1, ["production"]), (2, []),
    ]  # fmt: skip
    store.rollback("m", "production")
    versions = store.trace("view:v").versions
    assert versions[0].version == 1 and versions[0].holds == ["production"]
    gone = {node["id"]: node for node in cli.json("lineage", "m", 3)["nodes"]}
    assert gone["version:m/3"]["facts"]["held before"].startswith("production until 2")
    assert "stage:production" not in gone
    lineage = cli.json("lineage", "m", 1)
    assert {"from": "stage:production", "to": "version:m/1"} in lineage["edges"]
    store.set_alias("m", "champion", 1)
    assert {"from": "alias:champion", "to": "version:m/1"} in cli.json("lineage", "m", 1)["edges"]


def test_retracted_and_forgotten_rows_are_told(own_server: Server, tmp_path: Path) -> None:
    world = World(own_server, tmp_path)
    cli, store = world.cli, world.store
    one, two = world.imports("v")
    cli("retract", one, "--yes")
    facts = {n["title"]: n["facts"] for n in nodes(cli.json("lineage", "m", 2), "import")}
    assert int(facts[one]["retracted at entry"]) > int(facts[two]["log entry"])
    assert "retracted at entry" not in facts[two]
    assert len(cli.json("lineage", "--from", f"import:{one}")["versions"]) == 2
    third = world.version("s", auc=0.9, c="3", file=b"three")
    titles = [n["title"] for n in nodes(cli.json("lineage", "m", third), "import")]
    assert titles == [two], "what was hidden before is none of its makings"
    assert [v.version for v in store.trace(f"import:{two}").versions] == [third, 2]
    assert [v.version for v in store.trace(f"import:{one}").versions] == [2, 1]
    assert [int(v) for v in store.search_versions(f"uses import:{one}")] == [2, 1]
    cli("forget", "e", "k=1", "--yes")
    blanked = nodes(cli.json("lineage", "m", 1), "training set")[0]["facts"]
    assert int(blanked["rows blanked by deletion"]) == 1
    cli("compact")
    after = nodes(cli.json("lineage", "m", 2), "import")
    assert [n["title"] for n in after] == [n for n in facts], "compaction changes no lineage"
    assert nodes(cli.json("lineage", "m", 2), "pushes")


def test_what_has_no_data_has_a_lineage(own_server: Server, tmp_path: Path) -> None:
    store, cli = own_server.connect(), CommandLine(own_server, tmp_path)
    assert cli.error("lineage", "m", 1)
    store.apply(DEFINITIONS)
    assert cli.json("lineage", "--from", "view:v")["versions"] == []
    (tmp_path / "model").write_bytes(b"weights")
    with store.run("e", code_revision="") as run:
        run.register("bare", [tmp_path / "model"])
    kinds = [node["kind"] for node in cli.json("lineage", "bare", 1)["nodes"]]
    assert kinds == ["version", "artifact", "run"]
    assert "# bare version 1 for staging" in cli("report", "bare", "--candidate", 1)
    assert all(section["items"] == [] for section in cli.json("diff", "bare", 1, 1)["sections"])


def test_the_same_words_with_await(world: World, server: Server) -> None:
    async def ask() -> None:
        async with await alula.aio.connect(
            f"alula://127.0.0.1:{server.port}", project="p"
        ) as store:
            assert (await store.lineage("m", 1)).nodes == world.store.lineage("m", 1).nodes
            assert await store.diff("m", 1, 2) == world.store.diff("m", 1, 2)
            assert (await store.trace("view:v")).total == 2
            assert (await store.report("m", 2)).candidate == 2
            assert len(await store.search_runs("status = finished")) == 2
            assert len(await store.search_versions("uses view:w")) == 1

    asyncio.run(ask())
