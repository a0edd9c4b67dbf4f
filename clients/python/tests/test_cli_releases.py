"""The words of releases on the command line."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path

from command_line import CommandLine
from server_process import Server, needs_server
from test_releases import versions

pytestmark = needs_server


def test_releases_from_the_command_line(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("p")
    versions(store, tmp_path, 2)
    alula = CommandLine(own_server, tmp_path)
    watch = subprocess.Popen(
        alula.words("watch", "m", "--after", 3, "--limit", 4, "--json"),
        stdout=subprocess.PIPE, text=True, env=alula.environment,
    )  # fmt: skip
    assert "champion points at m version 1" in alula("alias", "set", "m", "champion", 1)
    assert alula.json("alias", "m")[0]["alias"] == "champion"
    assert alula.json("promote", "m", 1, "canary")["passed"]
    refused = alula.json("promote", "m", 1, "production", "--dry-run", code=1)
    assert not refused["passed"] and not store.stages_at("m", _now(), "production")
    assert alula.json("reproduce", "m", 1)["state"] == "complete"
    assert alula.json("promote", "m", 1, "production")["passed"]
    out, _ = watch.communicate(timeout=60)
    told = [json.loads(line) for line in out.splitlines()]
    assert [(e["kind"], e["stage"]) for e in told] == [
        ("alias set", None), ("promoted", "canary"), ("gate passed", "production"),
        ("left", "canary"),
    ]  # fmt: skip
    assert "auc on holdout at least 0.7" in alula("gates", "m")
    assert alula.json("gates", "m", "--history")[0]["version"] == 1
    held = alula.json("models", "m", "--at", _now().isoformat())
    assert [(t["stage"], t["version"]) for t in held] == [("production", 1)]
    assert "role approver" in alula.error("approve", "m", 1, "production")
    acts = [entry["act"] for entry in alula.json("audit", "--model", "m", "--kind", "promote")]
    assert acts == ["promote", "promote"]
    assert alula.json("audit", "--actor", "nobody") == []
    checked = alula.json("audit", "verify")
    assert checked["intact"] and not checked["key_outside"]
    assert alula.json("audit", "verify", "--head", checked["head"])["intact"]
    wrong = checked["head"].split(":")[0] + ":" + "0" * 64
    assert "another than the one whose hash" in alula.run(
        "audit", "verify", "--head", wrong, code=1
    ).stdout  # fmt: skip
    assert "has no alias" in alula.error("alias", "delete", "m", "nobody")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
