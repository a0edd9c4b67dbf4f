"""Some days of a team with the registry; the whole month is ``python -m month``."""

from __future__ import annotations

import os
from pathlib import Path

from month.world import run
from server_process import needs_server

pytestmark = needs_server

SEED = int(os.environ.get("ALULA_MONTH_SEED", "2026"))


def test_some_days_of_a_team(tmp_path: Path) -> None:
    month = run(tmp_path, SEED, days=2, models=4, people=2, acts=40)
    assert sum(member.counts for member in month.team) == 160
