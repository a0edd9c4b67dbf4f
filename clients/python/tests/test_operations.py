"""What the page for people who are woken must have."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
PAGE = (TOP / "docs" / "OPERATIONS.md").read_text()


def test_every_alert_has_an_entry() -> None:
    rules = (TOP / "examples" / "monitoring" / "rules.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) > 10
    assert not [alert for alert in alerts if f"`{alert}`" not in PAGE]


def test_every_reason_not_to_be_ready_has_an_entry() -> None:
    source = (TOP / "Sources" / "Server" / "Health" / "NotReady.swift").read_text()
    found = re.search(r"static let words = \[(.*?)\]", source)
    assert found
    words = re.findall(r'"(\w+)"', found[1])
    assert words and not [word for word in words if f"`{word}`" not in PAGE]


def test_every_limit_has_an_entry() -> None:
    source = (TOP / "Sources" / "Domain" / "ServerLimits.swift").read_text()
    names = re.findall(r'Setting\(\s*"([a-z-]+)"', source)
    assert len(names) > 10 and not [name for name in names if f"| `{name}` |" not in PAGE]


def test_every_metric_of_an_alert_or_the_page_is_one() -> None:
    sources = "".join(path.read_text() for path in (TOP / "Sources" / "Server").rglob("*.swift"))
    rules = (TOP / "examples" / "monitoring" / "rules.yml").read_text()
    named = set(re.findall(r"alula_[a-z_]+", PAGE + rules))
    known = set(re.findall(r"alula_[a-z_]+", sources))
    unknown = {name for name in named if re.sub(r"_(bucket|count|sum)$", "", name) not in known}
    assert not unknown
