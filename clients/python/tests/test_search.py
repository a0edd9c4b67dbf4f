"""The search language on the command line and in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: p
entities: [{name: e, keys: {k: int64}}]
views: [{name: v, entity: e, features: {x: float64}}]
services: [{name: s, features: ["v:*"]}]
"""


def filled(server: Server, folder: Path) -> tuple[alula.Store, list[str]]:
    """Ten runs; the even ones have a version."""
    store = server.connect("p")
    store.apply(DEFINITIONS)
    (folder / "model").write_bytes(b"weights")
    runs = []
    for number in range(10):
        with store.run(
            "odd" if number % 2 else "even",
            params={"learning rate": 10.0**-number, "kind": f"k{number}"},
            tags={"team": "risk" if number < 5 else 'the "others"'},
            name=f"n{number}", code_revision="",
        ) as run:  # fmt: skip
            for step in range(3):
                run.log_metric("auc", number / 10 + (0.5 if step == 1 else 0), step=step)
            if number % 2 == 0:
                run.register("m" if number < 6 else "other", [folder / "model"])
        runs.append(run.id)
    store.promote("m", 2, "staging")
    store.promote("m", 2, "production")
    store.set_alias("m", "champion", 3)
    return store, runs


def test_runs_and_versions_are_found(own_server: Server, tmp_path: Path) -> None:
    store, runs = filled(own_server, tmp_path)
    cli = CommandLine(own_server, tmp_path)

    def found(where: str, *words: object) -> list[int]:
        ids = [run["id"] for run in cli.json("runs", "--where", where, *words)]
        return [runs.index(id) for id in ids]

    assert found("metric.auc > 0.5 and (stage = production or tag.team != risk)") == [9, 8, 7, 6]
    assert found("metric.auc best >= 1.2") == [9, 8, 7] and found("metric.auc at 1 > 1.35") == [9]
    assert found("stage = production") == [2] and found("alias = champion") == [4]
    assert found('param."learning rate" <= 1e-8') == [9, 8]
    assert found("tag.team = 'the \"others\"' and experiment = odd") == [9, 7, 5]
    assert found("not has model") == [9, 7, 5, 3, 1]
    assert found("model = other") == [8, 6] and found("name in (n1, n3, zzz)") == [3, 1]
    assert found("uses view:v") == [] and found("status = running") == []
    assert found("metric.auc >= 0", "--order", "metric.auc", "--limit", 3) == [0, 1, 2]
    assert found("metric.auc > 0.35", "--experiment", "even") == [8, 6, 4]
    assert found(f"run = {runs[3]} or started < 2020-01-01") == [3]
    table = cli("runs", "--order", "metric.auc desc", "--limit", 2)
    assert runs[9] in table and runs[8] in table and runs[7] not in table
    versions = cli.json("versions", "--where", "metric.auc > 0.1", "--order", "metric.auc asc")
    assert [(v["model"], v["version"]) for v in versions] == [
        ("m", 2), ("m", 3), ("other", 1), ("other", 2),
    ]  # fmt: skip
    assert [v["version"] for v in cli.json("versions", "m", "--where", "stage = none")] == [3, 1]
    assert len(cli.json("versions")) == 5 and len(cli.json("versions", "--limit", 2)) == 2
    assert [r.id for r in store.search_runs("metric.auc > 0.75", order="name asc")] == runs[8:]
    assert [int(v) for v in store.search_versions(order="version desc", model="m")] == [3, 2, 1]


def test_a_mistake_is_shown_where_it_is(own_server: Server, tmp_path: Path) -> None:
    store, _ = filled(own_server, tmp_path)
    cli = CommandLine(own_server, tmp_path)
    said = cli.error("runs", "--where", "metric.auc > 0.5 and stge = production")
    lines = said.splitlines()
    assert lines[0] == ('alula: there is no field "stge": did you mean "stage"? (character 22)')
    assert lines[1:3] == ["  metric.auc > 0.5 and stge = production", "  " + " " * 21 + "^"]
    assert "docs/SEARCH.md" in lines[3]
    for wrong, says in [
        ("(name = a", "not closed"), ("name = a)", "no \"(\""), ("tag.x = or", "quote it"),
        ("metric.auc = high", "number"), ("started > never", "time"), ("x" * 5_000, "at most 4096"),
        ("not " * 40 + "name = a", "too deep"), (" or ".join(["name = a"] * 101), "100"),
        ("status = fine", "there are running"), ("uses view:v and", "expected a field"),
        ("uses import:none", "no import"), ("name = 'open", "not closed"),
    ]:  # fmt: skip
        assert says in cli.error("versions", "--where", wrong), wrong
        with pytest.raises(alula.AlulaError):
            store.search_runs(wrong)
    assert "expected asc, desc" in cli.error("runs", "--order", "name down")
    assert "there is no model" in cli.error("versions", "none", "--where", "version = 1")
    assert "--limit" in cli.error("runs", "--limit", "0", code=2)
    nothing = 'name = "\'; DROP TABLE run; --" or param."x\' OR 1=1" = 1'
    assert cli.json("runs", "--where", nothing) == [] and len(cli.json("runs")) == 10


def test_pages_hold_while_runs_come(own_server: Server, tmp_path: Path) -> None:
    store, runs = filled(own_server, tmp_path)
    found = store.search_runs("metric.auc >= 0", order="name desc", limit=4)
    assert [run.id for run in found] == runs[:5:-1]
    everything = store.search_runs(limit=5_000)
    assert [run.id for run in everything] == runs[::-1]
    assert store.search_runs("has metric.auc", order="metric.none asc") == store.search_runs()


def test_an_empty_store_answers(own_server: Server, tmp_path: Path) -> None:
    store, cli = own_server.connect(), CommandLine(own_server, tmp_path)
    with pytest.raises(alula.AlulaError):
        store.search_runs("name = a")
    store.apply(DEFINITIONS)
    assert store.search_runs("name = a") == [] and store.search_versions("model = m") == []
    assert cli.json("runs", "--where", "uses view:v") == [] and cli.json("versions") == []
    assert store.search_runs("uses view:none") == []
