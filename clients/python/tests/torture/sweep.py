"""The n-th call on files fails, for every n: one story of everything, told again and again."""

from __future__ import annotations

import argparse
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from server_process import DidNotStart, Server

import alula
from torture.faults import Action, Faults, Kind
from torture.ledger import Upkeep
from torture.world import World
from torture.writers import BROKEN, DEFINITIONS


class Story:
    """A server on a directory of its own, and one client that does everything once, in order."""

    def __init__(self, directory: Path, seed: int) -> None:
        directory.mkdir(parents=True)
        self.random = random.Random(seed)
        self.faults = Faults(directory / "disk", directory / "faults", journal=True)
        (directory / "disk").mkdir()
        self.server = Server(directory / "disk" / "data")
        self.server.environment = self.faults.environment()
        self.world = World(self.server, directory / "outside", seed)
        # What was waited for between acts is not.
        self.world.stop.set()
        self.refused: list[str] = []

    def tell(self) -> None:
        """From the first start to the stop; what fails is noted, and the story goes on."""
        world, own = self.world, random.Random(1)
        try:
            self.server.start()
        except DidNotStart:
            assert self.server.process is not None
            self.server.process.wait(20)
            return
        self._do(lambda store: store.apply(DEFINITIONS))
        chosen = ["load", "load", "retract", "forget", "compact"]
        acts = [world.push, world.load, world.make_set, world.upload, world.define, world.register]
        for number, kind in enumerate(chosen):
            for act in acts if number in (0, 3) else [world.push]:
                self._do(lambda store, act=act: act(store, own))
            if world.ledger.pending is None:
                alive = [one for one, keys in world.ledger.alive.items() if keys]
                if kind == "retract" and not alive:
                    continue
                of = len(world.ledger.alive) if kind == "load" else (alive or [0])[0]
                world.ledger.pending = Upkeep(kind, of, "kept3")
            self._do(lambda store: world.take_back(store, own))
        if self.is_alive:
            self.server.stop()

    def _do(self, act: Callable[[alula.Store], object]) -> None:
        if not self.is_alive:
            return
        try:
            with alula.connect(
                f"alula://127.0.0.1:{self.server.port}", project="torture", timeout=20
            ) as store:
                act(store)
        except BROKEN as error:
            self.refused.append(type(error).__name__)
        except alula.NotFound:
            # What it works on was refused before.
            assert self.refused

    @property
    def is_alive(self) -> bool:
        return self.server.process is not None and self.server.process.poll() is None


def sweep(directory: Path, kinds: Kind, action: Action, number: int, seed: int) -> tuple[bool, str]:
    """Whether the story came to the call, and what became of it; raises where something is lost."""
    story = Story(directory, seed)
    world, faults = story.world, story.faults
    faults.arm(kinds, action, number)
    try:
        story.tell()
        reached = faults.injected > 0
        said = f"{faults.last}; refused {Counter(story.refused)}"
        survived = story.is_alive
        if survived:
            world.reads_go_on()
            story.server.kill()
        elif reached and not action.kills and story.server.process is not None:
            said += f"; it ended ({story.server.process.returncode})"
        faults.disarm()
        said += "; cut: " + faults.power_cut(story.random)
        story.server.start()
        world.wait_until_ready()
        if not world.ledger.failures and not _is_defined(story):
            assert not world.ledger.pushed and not world.ledger.applied
            world.define_all()
        world.check()
        # What was refused is done now.
        world.stop.set()
        with story.server.connect("torture") as store:
            for act in [world.push, world.load, world.upload, world.register]:
                act(store, story.random)
        world.check()
        assert story.server.stop() == 0
        return reached, said
    except BaseException as error:
        raise AssertionError(
            f"{kinds!r} {action.name} number {number}, seed {seed}, in {directory}: "
            f"{faults.last}\n{story.server.said[-3_000:]}"
        ) from error
    finally:
        if story.is_alive:
            story.server.kill()


def _is_defined(story: Story) -> bool:
    with story.server.connect() as store:
        return bool(store.status().projects)


def sweep_all(
    place: Path,
    kinds: Kind,
    action: Action,
    given: argparse.Namespace,
    say: Callable[[str], None],
) -> Counter[str]:
    """Every number from the first to `every`, and samples beyond, until none is reached."""
    own = random.Random(given.seed)
    counts: Counter[str] = Counter()
    until = time.monotonic() + given.seconds
    beyond = sorted(int(given.every * 2 ** own.uniform(0, 6)) for _ in range(given.samples))
    for number in [*range(given.first, given.every + 1), *beyond]:
        if time.monotonic() > until:
            say(f"the time is over before number {number}")
            break
        directory = place / f"{action.name}-{number}"
        reached, said = sweep(directory, kinds, action, number, given.seed + number)
        shutil.rmtree(directory)
        counts["runs"] += 1
        counts["faults"] += reached
        say(f"{number}: {said}")
        if not reached:
            say(f"a run came to its end without number {number}")
            break
    say(f"{kinds!r} {action.name}: {dict(counts)}, nothing lost")
    return counts
