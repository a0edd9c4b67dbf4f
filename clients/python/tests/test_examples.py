"""The examples that need a server, as they are run by hand."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from html_page import Page
from server_process import BINARY, needs_server

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="prometheus and promtool are not on the PATH; Tests/run fetches them",
)


def tell(name: str, seconds: float, *words: str) -> str:
    """What the story of an example says."""
    source = Path(__file__).resolve().parents[1] / "src"
    done = subprocess.run(
        [sys.executable, EXAMPLES / name / "story.py", *words], capture_output=True, text=True,
        timeout=seconds, env=os.environ | {"ALULA_BINARY": BINARY, "PYTHONPATH": str(source)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(name: str) -> ModuleType:
    """The story of an example, not told."""
    path = EXAMPLES / name / "story.py"
    spec = importlib.util.spec_from_file_location(f"{name.replace('-', '_')}_story", path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@needs_server
@needs_prometheus
def test_rules_and_dashboard_with_the_real_prometheus() -> None:
    told = tell("monitoring", 240)
    for line in (
        "promtool check rules rules.yml: fine", "promtool test rules rules_test.yml: fine",
        "promtool check metrics: fine", "all are in /metrics",
        "AlulaMonitorFiring fires: monitor habits-fresh of shop fires",
        "AlulaMonitorFiring has ended",
    ):  # fmt: skip
        assert line in told, told


@needs_server
def test_six_weeks_of_a_model(tmp_path: Path) -> None:
    told = tell("feedback-loop", 500, "--page", str(tmp_path / "page.html"))
    at = 0
    for line in (
        "version 1 is trained", "both say ok", "prices rise", "monitor amounts fires",
        "monitor quality fires", "no reason yet", "version 2 is trained on",
        "the gate passes version 2", "version 2 gets 5%", "version 2 gets 25%",
        "version 2 gets 100%", "both monitors are fine again", "version 3 gets 5%",
        "version 3 is stepped back", "version 2 has all of production again",
    ):  # fmt: skip
        assert line in told[at:], f"{line} in\n{told}"
        at = told.index(line, at)
    page = Page((tmp_path / "page.html").read_text())
    assert "Performance over time" in page.words and "version 2" in page.words


def test_every_alert_has_a_test_and_a_metric_that_is_gone_is_found() -> None:
    story = module("monitoring")
    rules = (EXAMPLES / "monitoring/rules.yml").read_text()
    tests = (EXAMPLES / "monitoring/rules_test.yml").read_text()
    alerts = [line.split()[-1] for line in rules.splitlines() if "- alert:" in line]
    assert len(alerts) > 10
    for alert in alerts:
        # One that fires, beside what does not.
        assert f"alertname: {alert}\n" in tests, alert
    expression = 'sum by (alula_x) (rate(alula_a_bucket{alula_y="alula_z"}[5m])) / on (i) alula_b'
    assert story.metrics_in(expression) == {"alula_a_bucket", "alula_b"}
    page = "# TYPE alula_a histogram\n# TYPE alula_b gauge\n"
    story.compare(page, [expression])
    with pytest.raises(SystemExit, match="does not have: alula_c"):
        story.compare(page, [expression, "alula_c > 0"])
