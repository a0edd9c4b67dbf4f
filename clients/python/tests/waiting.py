"""Waits for what comes to pass by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    look: Callable[[], Found],
    seconds: float = 60,
    pause: float = 0.05,
    tell: Callable[[], object] = lambda: "it did not come to pass",
) -> Found:
    """What ``look`` finds as soon as that is true; fails after ``seconds``, with what is told then."""
    limit = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < limit, tell()
        time.sleep(pause)
    return found
