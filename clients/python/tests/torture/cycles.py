"""Cycles of writing, an end that nobody chose, and a look at what is left."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from server_process import BINARY, DidNotStart, Server

import alula
from torture.faults import FOREVER, Action, Faults, Kind
from torture.world import World
from torture.writers import AWAY, BROKEN, START

STORES = ["", "", "catalog.sqlite", "offline.sqlite", "/online/", "/artifacts/"]
"""What the faults of a cycle are limited to; mostly nothing."""


class Torture:
    """One directory, one seed, any number of cycles."""

    def __init__(
        self, directory: Path, seed: int, say: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        directory.mkdir(parents=True, exist_ok=True)
        self.faults = Faults(directory / "disk", directory / "faults", journal=True)
        (directory / "disk").mkdir(exist_ok=True)
        self.server = Server(directory / "disk" / "data")
        self.server.environment = self.faults.environment()
        self.backups = directory / "disk" / "backups"
        self.server.options = ["--backups", str(self.backups)]
        self.world = World(self.server, directory / "outside", seed)
        self.world.has_backups = True
        self.counts: Counter[str] = Counter()
        self.say = say or (lambda text: None)
        self.note = ""

    def run(self, cycles: int, until: float = float("inf")) -> None:
        """The first start is under fire too."""
        self.first_start()
        self.world.define_all()
        done = 0
        while done < cycles and time.monotonic() < until:
            self.cycle(done)
            done += 1
        assert self.server.stop() == 0, self.server.said[-2_000:]
        self.start()
        self.world.check()
        assert self.server.stop() == 0
        self.restore()

    def restore(self) -> None:
        """The last backup that was acknowledged has what was acknowledged before it."""
        if not self.world.ledger.backups:
            return
        name, rows = list(self.world.ledger.backups.items())[-1]
        restored = self.faults.under.parent / "restored"
        done = subprocess.run(
            [BINARY, "restore", self.backups / name, "--data", restored],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        server = Server(restored).start()
        try:
            with server.connect("torture") as store:
                assert store.verify(progress=False) and store.verify_audit()
                found = store.export("pushed").read_all()["id"].to_pylist()
                assert len(found) == len(set(found)) >= rows
                assert set(found) <= set(self.world.ledger.pushes)
            assert server.stop() == 0
        finally:
            server.kill()
        self.counts["backups restored"] += 1

    def first_start(self) -> None:
        """A directory that is being made when the power goes can be used, or made again."""
        for _ in range(6):
            self.faults.arm(
                Kind.ALL, self.random.choice([Action.KILL_BEFORE, Action.KILL_TORN]),
                int(2 ** self.random.uniform(0, 9)),
            )  # fmt: skip
            try:
                self.server.start()
                self.server.kill()
            except DidNotStart:
                pass
            self.counts["first starts ended"] += 1
            self.faults.power_cut(self.random)
            self.faults.disarm()
            self.start()
            self.server.kill()
        self.start()

    def cycle(self, number: int) -> None:
        # Most cycles end in a kill; some with a fault before.
        ending = self.random.choices(
            [self.kill_at_random, self.kill_at_a_step, self.fail_a_call, self.fill_the_disk, self.stop],
            [30, 40, 20, 6, 4],
        )[0]  # fmt: skip
        self.note = ending.__name__
        begun = time.monotonic()
        try:
            ending()
            cut = self.random.random() < 0.7
            if cut:
                self.note += "; cut: " + self.faults.power_cut(self.random)
                self.counts["power cuts"] += 1
            if self.random.random() < 0.15:
                self.end_the_start()
            self.start()
            self.world.wait_until_ready()
            self.world.check(everything=number % 5 == 4)
        except BaseException as error:
            raise AssertionError(
                f"seed {self.seed}, cycle {number}: {self.note}\n{self.server.said[-3_000:]}"
            ) from error
        self.counts["cycles"] += 1
        self.say(f"{number}: {self.note} ({time.monotonic() - begun:.1f} s)")

    # How a cycle ends

    def writing(self, seconds: float, expected: tuple[type[alula.AlulaError], ...] = AWAY) -> None:
        """All writers, for so long or until the server has ended."""
        self.world.expected = expected
        threads = self.world.write_until_stopped()
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.is_alive:
            time.sleep(0.02)
        self.threads = threads

    @property
    def is_alive(self) -> bool:
        return self.server.process is not None and self.server.process.poll() is None

    def kill_at_random(self) -> None:
        self.writing(self.random.uniform(0.1, 1.5))
        self.end()

    def kill_at_a_step(self) -> None:
        action = self.random.choice([Action.KILL_BEFORE, Action.KILL_AFTER, Action.KILL_TORN])
        kinds = self.random.choice(
            [Kind.ALL, Kind.ALL, Kind.WRITE, Kind.SYNC, Kind.RENAME | Kind.OPEN, Kind.UNLINK, Kind.TRUNCATE]
        )  # fmt: skip
        number = int(2 ** self.random.uniform(0, 9 if kinds & Kind.WRITE else 5))
        only = self.random.choice(STORES)
        self.faults.arm(kinds, action, number, only=only)
        self.writing(3)
        if self.faults.injected:
            self.counts["killed at a step"] += 1
            self.note += f" {number} {kinds!r} {only}: {self.faults.last}"
        self.end()

    def fail_a_call(self) -> None:
        """The server goes on or refuses, and says nothing that is not so."""
        action = self.random.choice(
            [Action.EIO, Action.EIO, Action.ENOSPC, Action.SHORT, Action.TORN]
        )
        kinds = self.random.choice(
            [Kind.SYNC, Kind.SYNC, Kind.WRITE, Kind.OPEN, Kind.RENAME, Kind.TRUNCATE, Kind.ALL]
        )
        number = int(2 ** self.random.uniform(0, 8 if kinds & Kind.WRITE else 5))
        repeat = self.random.choice([1, 1, 1, 5, FOREVER])
        only = self.random.choice(STORES)
        self.faults.arm(kinds, action, number, repeat=repeat, only=only)
        self.writing(1.5, BROKEN)
        self.counts["faults injected"] += self.faults.injected
        if self.faults.injected:
            self.note += f" {action.name} {number}+{repeat} {kinds!r} {only}: {self.faults.last}"
        if not self.is_alive:
            # It may give up, and loses nothing by it; the operator would rather have it read on.
            self.counts["ended by a fault"] += 1
            self.note += " (it ended)"
        elif self.faults.failed_syncs:
            try:
                self.refuses_writes()
            except (OSError, alula.Unavailable):
                # RocksDB 7.8 ends the process some seconds after its log has met a full disk.
                if self.is_alive or action not in (Action.ENOSPC, Action.SHORT):
                    raise
                self.counts["ended by a fault"] += 1
        self.end()

    def refuses_writes(self) -> None:
        """After a failed sync: no write is taken, reads go on, and it is said why."""
        self.world.stop.set()
        for thread in self.threads:
            thread.join(90)
        self.faults.disarm()
        until = time.monotonic() + 5
        while self.server.page("/readyz")[0] != 503:
            assert time.monotonic() < until, f"ready after a failed sync of {self.faults.last}"
            time.sleep(0.1)
        self.world.reads_go_on()
        with self.server.connect("torture") as store:
            said = str(store.status().not_ready)
            assert said, "status does not say why writes are refused"
            try:
                store.push("pushed", [{"k": "key0", "event_time": START, "id": -1}])
            except (alula.Refused, alula.Unavailable, alula.InternalError):
                pass
            else:
                raise AssertionError("a write was taken after a failed sync")
        self.counts["failed syncs, writes refused"] += 1

    def fill_the_disk(self) -> None:
        discreet = self.random.random() < 0.4
        self.faults.limit_disk(int(2 ** self.random.uniform(16, 28)), discreet=discreet)
        self.writing(1.5, BROKEN if discreet else AWAY)
        self.note += " discreetly" if discreet else ""
        if self.is_alive:
            self.world.reads_go_on()
            self.counts["disks filled"] += 1
        else:
            self.counts["ended by a full disk"] += 1
            self.note += " (it ended)"
        self.faults.limit_disk(None)
        if self.is_alive and not discreet:
            self.takes_writes_again()
        self.end()

    def takes_writes_again(self) -> None:
        """Without a restart, once there is room."""
        id = self.world.ledger.next()
        self.world.ledger.pushes[id] = "key0"
        until = time.monotonic() + 30
        with self.server.connect("torture") as store:
            while True:
                try:
                    store.push("pushed", [{"k": "key0", "event_time": START, "id": id}])
                    break
                except alula.ResourceExhausted:
                    assert time.monotonic() < until, "no write is taken though there is room"
                    time.sleep(0.1)
        self.world.ledger.pushed.add(id)

    def stop(self) -> None:
        self.writing(self.random.uniform(0.1, 1.0))
        code = self.server.stop()
        assert code == 0, f"stopped with {code}"
        self.counts["stops"] += 1
        self.end()

    def end(self) -> None:
        """The server is killed if it is not yet gone, and the writers end."""
        if self.is_alive:
            self.server.kill()
        self.counts["ends"] += 1
        self.faults.disarm()
        self.faults.limit_disk(None)
        self.world.stop.set()

    def end_the_start(self) -> None:
        """The server is killed once more while it comes back."""
        self.faults.arm(Kind.ALL, Action.KILL_TORN, int(2 ** self.random.uniform(0, 8)))
        try:
            self.server.start()
            time.sleep(self.random.uniform(0, 0.5))
            self.server.kill()
        except DidNotStart:
            self.counts["starts ended"] += 1
        self.faults.disarm()
        if self.random.random() < 0.5:
            self.faults.power_cut(self.random)
            self.counts["power cuts"] += 1

    def start(self) -> None:
        self.server.start()
        for thread in getattr(self, "threads", []):
            thread.join(90)
            assert not thread.is_alive(), "a writer hangs"
        self.threads: list[threading.Thread] = []


LIFE = 25
"""Cycles of one directory; then another one begins, as looking at all that was written takes longer and
longer."""


def torture(
    directory: Path, cycles: int, seed: int, seconds: float, say: Callable[[str], None]
) -> Counter[str]:
    """Directory after directory, until there were so many cycles or the time is over."""
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while counts["cycles"] < cycles and time.monotonic() < until:
        life = Torture(directory / str(seed), seed, say)
        try:
            life.run(min(LIFE, cycles - counts["cycles"]), until)
        finally:
            if life.is_alive:
                life.server.kill()
            counts += life.counts
            counts += Counter(life.world.ledger.counts())
            counts["directories"] += 1
            counts += Counter({f"calls: {kind}": count for kind, count in life.faults.seen.items()})
            say(f"{dict(counts)}; refusals {life.world.ledger.refused}")
        shutil.rmtree(directory / str(seed))
        seed += 1_000_003
    return counts
