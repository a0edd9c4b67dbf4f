"""``python -m month``: a whole month, with a seed."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from pathlib import Path

from server_process import BINARY

from month.world import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="month", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--models", type=int, default=36)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--acts", type=int, default=60, help="of each of them, a day")
    parser.add_argument("--directory", type=Path, help="where to work; kept after a failure")
    given = parser.parse_args()
    if not BINARY:
        parser.error("ALULA_BINARY names the alula to work with")
    place = given.directory or Path(tempfile.mkdtemp(prefix="alula-month-"))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    say(f"seed {given.seed} in {place}")
    run(place, given.seed, given.days, given.models, given.people, given.acts, say)
    shutil.rmtree(place)
    say("all is as it must be")


if __name__ == "__main__":
    main()
