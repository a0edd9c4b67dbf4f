"""Backups whose maker is killed, whose disk fails, and whose call is repeated."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from raw_client import Raw, head
from server_process import BINARY, Server, needs_server
from torture.faults import Action, Faults, Kind
from torture.powercut import Survival
from torture.world import World
from torture.writers import START

import alula
from alula._frames import Kind as FrameKind
from alula._frames import Op
from alula._proto import backups_pb2

pytestmark = [
    needs_server,
    pytest.mark.skipif(shutil.which(os.environ.get("CC", "cc")) is None, reason="no C compiler"),
]


class Kept:
    """A server over the fault layer, with backups on the same disk."""

    def __init__(self, place: Path) -> None:
        (place / "disk").mkdir(parents=True)
        self.faults = Faults(place / "disk", place / "faults", journal=True)
        self.server = Server(place / "disk" / "data")
        self.server.environment = self.faults.environment()
        self.backups = place / "disk" / "backups"
        self.server.options = ["--backups", str(self.backups)]
        self.server.start()
        world = World(self.server, place / "outside", 1)
        world.define_all()
        with self.server.connect("torture") as store:
            store.push("pushed", [{"k": "key0", "event_time": START, "id": 1}])

    def names(self) -> list[str]:
        with self.server.connect("torture") as store:
            return [backup.name for backup in store.backups() if backup]

    def check(self, name: str) -> None:
        """Every byte of it."""
        done = subprocess.run(
            [BINARY, "restore", self.backups / name, "--check"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def acts(self) -> int:
        with self.server.connect("torture") as store:
            return sum(entry.act == "backup" for entry in store.audit(limit=1_000))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.server.kill()


def test_the_first_backup_outlives_a_power_cut(kept: Kept) -> None:
    """The directory of backups was made, and its own name never put on disk."""
    with kept.server.connect("torture") as store:
        store.backup("first", progress=False)
    kept.server.kill()
    kept.faults.power_cut(random.Random(1), Survival.NOTHING)
    kept.server.start()
    assert kept.names() == ["first"]
    kept.check("first")


@pytest.mark.parametrize("name", ["mine", ""])
def test_a_backup_that_was_not_acknowledged_answers_its_repeat(kept: Kept, name: str) -> None:
    """It has its name, and its maker was killed before it could say so."""
    message = backups_pb2.BackupRequest(head=head("torture"), name=name)
    # The manifest gets its name first, and the backup then.
    kept.faults.arm(
        Kind.RENAME,
        Action.KILL_AFTER,
        2,
        only="/backups/tmp/" + (name or f"{dt.date.today().year}"),
    )
    with Raw(kept.server.port) as raw, pytest.raises((EOFError, ConnectionError)):
        raw.ask(Op.BACKUP, message)
    kept.faults.disarm()
    kept.server.start()
    (made,) = kept.names()
    assert kept.acts() == 0
    with Raw(kept.server.port) as raw:
        answers = [raw.ask(Op.BACKUP, message) for _ in range(2)]
    assert [answer.kind for answer in answers] == [FrameKind.RESPONSE] * 2, answers
    assert answers[0].control == answers[1].control
    assert backups_pb2.Backup.FromString(answers[0].control).name == made
    assert kept.names() == [made] and kept.acts() == 1
    kept.check(made)
    with kept.server.connect("torture") as store, pytest.raises(alula.AlreadyExists):
        store.backup(made, progress=False)


def test_a_repeat_waits_for_the_call_that_it_repeats(kept: Kept) -> None:
    message = backups_pb2.BackupRequest(head=head("torture"), name="one")
    kept.faults.slow(Kind.SYNC, 0.02, only="/backups")
    with Raw(kept.server.port) as first, Raw(kept.server.port) as second:
        calls = [(raw, raw.request(Op.BACKUP, message)) for raw in (first, second)]
        answers = [raw.last(call) for raw, call in calls]
    assert [answer.kind for answer in answers] == [FrameKind.RESPONSE] * 2, answers
    assert answers[0].control == answers[1].control
    assert kept.names() == ["one"] and kept.acts() == 1


def test_whatever_sync_of_a_backup_fails_it_does_not_count(kept: Kept) -> None:
    made: list[str] = []
    failed = 0
    with kept.server.connect("torture") as store:
        for number in range(1, 400):
            name = f"b{number}"
            kept.faults.arm(Kind.SYNC, Action.EIO, number, only="/backups")
            try:
                store.backup(name, progress=False)
            except alula.InternalError:
                failed += 1
                assert name not in kept.names(), kept.faults.last
                assert not (kept.backups / name).exists()
            else:
                made.append(name)
                if not kept.faults.injected:
                    break
                # Behind it: the list of deletions.
                assert "deletions" in kept.faults.last, kept.faults.last
        assert kept.faults.injected == 0 and failed > 10
        kept.faults.disarm()
        assert store.status().not_ready == ""
    assert kept.names() == made
    kept.server.kill()
    kept.faults.power_cut(random.Random(1), Survival.NOTHING)
    kept.server.start()
    assert kept.names() == made
    for name in made:
        kept.check(name)


def test_metrics_tell_the_age_of_the_newest_backup(kept: Kept) -> None:
    def figures() -> dict[str, float]:
        page = kept.server.page("/metrics")[1]
        lines = [line.split() for line in page.splitlines() if line.startswith("alula_backup")]
        return {name: float(value) for name, value in lines}

    assert figures() == {"alula_backups": 0}
    with kept.server.connect("torture") as store:
        store.backup("one", progress=False)
        store.backup("two", progress=False)
    both = figures()
    assert both["alula_backups"] == 2 and 0 <= both["alula_backup_age_seconds"] < 60
    # What an operator removes is not counted, and a damaged one is none.
    shutil.rmtree(kept.backups / "two")
    (kept.backups / "cut").mkdir()
    (kept.backups / "cut" / "manifest").write_text("{")
    alone = figures()
    assert alone["alula_backups"] == 1
    assert alone["alula_backup_age_seconds"] >= both["alula_backup_age_seconds"]
    shutil.rmtree(kept.backups / "one")
    assert figures() == {"alula_backups": 0}
