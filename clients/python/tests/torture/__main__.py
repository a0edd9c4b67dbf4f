"""The command: cycles of ends that nobody chose, the n-th fault for every n, or a load that goes on."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from pathlib import Path

from server_process import BINARY

from torture.cycles import torture
from torture.faults import Action, Kind
from torture.soak import soak
from torture.sweep import sweep_all


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--directory", type=Path, help="where to work; kept after a failure")
    what = parser.add_subparsers(dest="what", required=True)
    cycles = what.add_parser("cycles", help="writers, kills, power cuts, faults, full disks")
    cycles.add_argument("--cycles", type=int, default=500)
    cycles.add_argument("--seconds", type=float, default=float("inf"))
    sweep = what.add_parser("sweep", help="the n-th call of a kind fails, for every n")
    sweep.add_argument("--kinds", default="sync", help="sync, write, open, rename, all, …")
    sweep.add_argument("--action", default="eio", help="eio, enospc, short, torn, kill_before, …")
    sweep.add_argument("--first", type=int, default=1)
    sweep.add_argument("--every", type=int, default=200, help="every number up to this one")
    sweep.add_argument("--samples", type=int, default=20, help="and so many beyond")
    sweep.add_argument("--seconds", type=float, default=float("inf"))
    soaking = what.add_parser("soak", help="everything at once, no faults: does the server grow?")
    soaking.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()
    if not BINARY:
        parser.error("ALULA_BINARY names the alula to torture")
    place = given.directory or Path(tempfile.mkdtemp(prefix="alula-torture-"))
    print(f"seed {given.seed} in {place}", flush=True)
    if given.what == "cycles":
        torture(place, given.cycles, given.seed, given.seconds, say)
    elif given.what == "soak":
        print(dict(soak(place / "soak", given.minutes, given.seed, say)), flush=True)
    else:
        kinds = Kind[given.kinds.upper()]
        action = Action[given.action.upper()]
        sweep_all(place, kinds, action, given, say)
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
