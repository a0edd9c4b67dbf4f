"""Backups of a live server, and what is made of them again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CommandLine
from server_process import BINARY, Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: kept
entities:
  - {name: person, keys: {id: int64}}
  - {name: place, keys: {name: string}}
views:
  - {name: score, entity: person, features: {x: int64, note: string}}
  - {name: town, entity: place, features: {z: float64}}
services:
  - {name: s, features: ["score:*", "town:*"]}
"""
PEOPLE = 40
START = 1_700_000_000_000_000


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    running.options = ["--backups", str(tmp_path / "backups")]
    running.start()
    yield running
    running.stop()


@pytest.fixture
def run(live: Server, tmp_path: Path) -> CommandLine:
    command = CommandLine(live, tmp_path)
    command.apply(DEFINITIONS)
    return command


def times(count: int, first: int = 0) -> Any:
    return (np.arange(first, first + count) * 1_000_000 + START).astype("M8[us]")


def push(store: alula.Store, ids: Any, x: int, at: int) -> int:
    """One log entry; ``x`` is in every row of it."""
    ids = np.asarray(ids)
    done = store.push("score", {
        "id": ids, "event_time": np.full(len(ids), START + at * 1_000_000).astype("M8[us]"),
        "x": np.full(len(ids), x), "note": [f"note-{i}-{x}" for i in ids],
    })  # fmt: skip
    assert done.refused == 0
    return done.log_entry


def read(store: alula.Store, ids: Any) -> dict[str, list[Any]]:
    answer = store.read("s", {"id": np.asarray(ids), "name": ["home"] * len(ids)}).to_arrow()
    return {name: answer.column(name).to_pylist() for name in ("x", "note", "z")}


def spine() -> dict[str, Any]:
    return {
        "id": np.arange(PEOPLE), "name": ["home"] * PEOPLE, "event_time": times(PEOPLE, 1_000_000),
        "label": np.arange(PEOPLE) % 2,
    }  # fmt: skip


def restore(run: CommandLine, name: str, target: Path, *words: object) -> Any:
    return run.json("restore", run.directory / "backups" / name, "--data", target, *words)


def test_a_backup_is_one_position_while_writers_push(
    live: Server, run: CommandLine, tmp_path: Path
) -> None:
    store = live.connect()
    store.push("town", {"name": ["home"], "event_time": times(1), "z": [1.5]})
    acked: list[tuple[int, list[int], int]] = []
    """Log entry, ids and x of each acknowledged push."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with live.connect() as mine:
                step = 0
                while not stop.is_set():
                    step += 1
                    x = step * 10 + number
                    ids = [number * 10 + (step + i) % 10 for i in range(3)]
                    acked.append((push(mine, ids, x, x), ids, x))
        except BaseException as failure:
            failures.append(failure)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    made = store.training_set("s", spine=spine(), event_time="event_time", label="label")
    backups = []
    for number in range(3):
        before = len(acked)
        backups.append(store.backup(f"b{number}"))
        limit = time.monotonic() + 30
        while len(acked) < before + 20 and time.monotonic() < limit:
            time.sleep(0.01)
    stop.set()
    for writer in writers:
        writer.join()
    assert not failures
    assert [backup.name for backup in store.backups()] == ["b0", "b1", "b2"]
    entries = [backup.log_entry for backup in backups]
    assert entries == sorted(set(entries)) and entries[-1] < max(entry for entry, _, _ in acked)

    for backup in backups:
        assert backup and backup.paused.total_seconds() < 5
        there = store.training_set(
            "s", spine=spine(), event_time="event_time", label="label", as_of=backup.log_entry
        )
        restore(run, backup.name, tmp_path / backup.name)
        again = Server(tmp_path / backup.name).start()
        with again.connect() as copy:
            expected: dict[int, int] = {}
            for entry, ids, x in sorted(acked):
                if entry <= backup.log_entry:
                    expected |= dict.fromkeys(ids, x)
            got = read(copy, range(PEOPLE))
            assert got["x"] == [expected.get(i) for i in range(PEOPLE)]
            assert got["z"] == [1.5] * PEOPLE
            history = copy.history("score", {"id": 5})
            assert list(history["x"]) == sorted(
                x for entry, ids, x in acked if 5 in ids and entry <= backup.log_entry
            )
            here = copy.training_set("s", spine=spine(), event_time="event_time", label="label")
            assert here.digest == there.digest
            assert copy.get_training_set(made.id).digest == made.digest
            assert copy.verify()
            assert copy.verify_audit(head=backup.audit_head)
            assert push(copy, [1], 7, 10_000_000) > backup.log_entry
        assert again.stop() == 0
    assert store.verify()
    store.close()


def test_a_second_backup_copies_what_is_new_and_all_of_them_restore(
    live: Server, run: CommandLine, tmp_path: Path
) -> None:
    store = live.connect()
    artifact = tmp_path / "model.bin"
    artifact.write_bytes(os.urandom(3 << 20))
    with store.run(experiment="e", params={}) as tried:
        tried.register("m", artifacts=[str(artifact)])
    store.load("score", {
        "id": np.arange(200_000), "event_time": times(200_000),
        "x": np.random.default_rng(1).integers(0, 2**62, 200_000), "note": ["n"] * 200_000,
    }, progress=False)  # fmt: skip
    first = run.json("backup", "first")
    assert first["new_bytes"] > 2_000_000
    push(store, [1], 1, 1)
    second = run.json("backup", "second")
    assert second["bytes"] >= first["bytes"]
    # One small push, and the audit of the first: some pieces of a mebibyte, not the artifact, not history.
    assert second["new_bytes"] < first["bytes"] / 2
    assert [b["name"] for b in run.json("backups")["backups"]] == ["first", "second"]
    shutil.rmtree(tmp_path / "backups" / "first")
    run("backup", "third")
    for name in ("second", "third"):
        report = restore(run, name, tmp_path / name)
        assert report["files"] == second["files"] or name == "third"
    again = Server(tmp_path / "third").start()
    copy = CommandLine(again, tmp_path)
    assert copy.json("verify")["problem_count"] == 0
    assert copy.json("versions", "m")[0]["version"] == 1
    (tmp_path / "got").mkdir()
    with again.connect() as held:
        held.model("m", version=1).download(tmp_path / "got")
    assert (tmp_path / "got" / "model.bin").read_bytes() == artifact.read_bytes()
    assert again.stop() == 0
    store.close()


def test_what_was_forgotten_after_a_backup_is_forgotten_when_it_is_restored(
    live: Server, run: CommandLine, tmp_path: Path
) -> None:
    store = live.connect()
    for x in range(3):
        push(store, range(PEOPLE), x, x)
    made = store.training_set("s", spine=spine(), event_time="event_time", label="label")
    run("backup", "before")
    run("forget", "person", "id=7", "--yes")
    run("backup", "between")
    run("forget", "person", "id=9", "--yes")
    push(store, [9], 100, 50)  # rows that came later live
    run("backup", "after")

    report = restore(run, "before", tmp_path / "r1")
    assert (report["later_deletions"], report["keys_forgotten"]) == (2, 2)
    report = restore(run, "between", tmp_path / "r2")
    assert (report["later_deletions"], report["keys_forgotten"]) == (1, 1)
    report = restore(run, "after", tmp_path / "r3")
    assert (report["later_deletions"], report["keys_forgotten"]) == (0, 0)
    for name, nine in (("r1", None), ("r2", None), ("r3", 100)):
        again = Server(tmp_path / name).start()
        with again.connect() as copy:
            assert read(copy, [6, 7, 8, 9])["x"] == [2, None, 2, nine]
            assert len(copy.history("score", {"id": 7})) == 0
            assert len(copy.history("score", {"id": 9})) == (1 if nine else 0)
            with pytest.raises(alula.Incomplete):
                copy.get_training_set(made.id)
            assert copy.verify()
            acts = [entry.act for entry in copy.audit()]
            assert "restore" in acts
        assert again.stop() == 0
    # The bytes are gone from the files of what was restored, spines among them.
    for name in ("r1", "r2"):
        for path in (tmp_path / name).rglob("*"):
            assert not path.is_file() or b"note-7-" not in path.read_bytes(), path

    # Without the list and the later backups, another list is given; one of another directory is refused.
    alone = tmp_path / "alone"
    shutil.copytree(tmp_path / "backups", alone)
    for part in ("between", "after", "deletions"):
        (shutil.rmtree if (alone / part).is_dir() else os.remove)(alone / part)
    report = run.json("restore", alone / "before", "--data", tmp_path / "r4")
    assert report["later_deletions"] == 0
    report = run.json(
        "restore", alone / "before", "--data", tmp_path / "r5",
        "--deletions", tmp_path / "backups" / "deletions",
    )  # fmt: skip
    assert report["keys_forgotten"] == 2
    store.close()


def test_a_flipped_byte_in_any_file_of_a_backup_is_found(run: CommandLine, tmp_path: Path) -> None:
    run.push("score", {"id": 1, "event_time": "2024-01-01T00:00:00Z", "x": 1, "note": "n"})
    run("backup", "one")
    backups = tmp_path / "backups"
    assert run.json("restore", backups / "one", "--check")["name"] == "one"
    files = [path for path in sorted(backups.rglob("*")) if path.is_file() and path.stat().st_size]
    files = [path for path in files if path.name not in ("lock", "deletions")]
    assert len(files) > 8
    for path in files:
        whole = path.read_bytes()
        mode = path.stat().st_mode
        path.chmod(0o600)
        for place in (0, len(whole) // 2, len(whole) - 1):
            # A new file: the old one may be the live directory's, too.
            path.unlink()
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            run.error("restore", backups / "one", "--check")
            run.error("restore", backups / "one", "--data", tmp_path / "no")
            assert not (tmp_path / "no").exists()
        path.write_bytes(whole)
        path.chmod(mode)
    (backups / "deletions").write_text("{}")
    run.error("restore", backups / "one", "--data", tmp_path / "no")
    (backups / "deletions").unlink()
    restore(run, "one", tmp_path / "yes")


def test_restoring_overwrites_nothing_and_says_what_is_wrong(
    run: CommandLine, live: Server, tmp_path: Path
) -> None:
    run("backup", "one")
    backup = tmp_path / "backups" / "one"
    assert "not empty" in run.error("restore", backup, "--data", live.directory)
    target = tmp_path / "target"
    target.mkdir()
    restore(run, "one", target)
    assert "not empty" in run.error("restore", backup, "--data", target)
    half = tmp_path / "half"
    half.mkdir()
    (half / "RESTORING").write_text("")
    assert "remove it" in run.error("restore", backup, "--data", half)
    done = subprocess.run(
        [BINARY, "serve", "--data", str(half), "--listen", "127.0.0.1:0", "--http", "none"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "not restored to its end" in done.stderr
    assert "no backup" in run.error("restore", tmp_path / "backups" / "other", "--data", half)
    assert "no backup" in run.error("restore", tmp_path / "backups" / "objects", "--check")
    run.error("restore", backup, code=2)
    run.error("restore", backup, "--check", "--data", target, code=2)
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "FORMAT").write_text("alula 99\n")
    done = subprocess.run(
        [BINARY, "serve", "--data", str(tmp_path / "newer"), "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "newer Alula" in done.stderr


def test_names_are_never_paths(run: CommandLine, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    for name in (
        "../evil",
        "/tmp/evil",
        "a/b",
        "..",
        ".",
        "objects",
        "tmp",
        "lock",
        "x" * 65,
        "a b",
    ):
        assert "cannot be the name" in run.error("backup", name)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert run.json("backups")["backups"] == []


def test_two_at_once_and_one_that_is_given_up(live: Server, run: CommandLine) -> None:
    store = live.connect()
    store.load("score", {
        "id": np.arange(100_000), "event_time": times(100_000),
        "x": np.random.default_rng(2).integers(0, 2**62, 100_000), "note": ["n"] * 100_000,
    }, progress=False)  # fmt: skip
    slow = subprocess.Popen(
        run.words("backup", "slow", "--rate", "100KiB", "--json"), env=run.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert slow.stderr is not None
    line = slow.stderr.readline()
    assert "progress" in json.loads(line)
    while json.loads(line)["done"] == 0:
        line = slow.stderr.readline()
    assert "another backup" in run.error("backup", "fast")
    # Reads and writes go on, and a deletion is in every answer; its bytes wait.
    push(store, [5], 5, 5_000_000)
    assert read(store, [5])["x"] == [5]
    slow.kill()
    slow.wait()
    limit = time.monotonic() + 60
    while True:
        done = subprocess.run(
            run.words("backup", "fast"), env=run.environment, capture_output=True, text=True
        )
        if done.returncode == 0 or time.monotonic() > limit:
            break
    assert done.returncode == 0, done.stderr
    assert [backup.name for backup in store.backups()] == ["fast"]
    assert store.verify()
    store.close()


def test_a_server_killed_in_a_backup_leaves_none_that_counts(
    live: Server, run: CommandLine, tmp_path: Path
) -> None:
    push(live.connect(), range(PEOPLE), 1, 1)
    run("backup", "good")
    slow = subprocess.Popen(
        run.words("backup", "bad", "--rate", "50KiB", "--json"), env=run.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert slow.stderr is not None
    line = slow.stderr.readline()
    while json.loads(line)["done"] == 0:
        line = slow.stderr.readline()
    live.kill()
    slow.wait(60)
    assert not (tmp_path / "backups" / "bad").exists()
    live.start()
    assert not (tmp_path / "data" / "backup").exists()
    assert [backup["name"] for backup in run.json("backups")["backups"]] == ["good"]
    run("backup", "bad")
    assert list((tmp_path / "backups" / "tmp").iterdir()) == []
    for name in ("good", "bad"):
        restore(run, name, tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_of_backups_is_told_and_given_back(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if subprocess.run(small, capture_output=True).returncode != 0:
        pytest.skip("no small disk can be mounted here")
    server = Server(tmp_path / "data")
    try:
        server.options = ["--backups", str(disk / "backups")]
        server.start()
        run = CommandLine(server, tmp_path)
        run.apply(DEFINITIONS)
        with server.connect() as store:
            store.load("score", {
                "id": np.arange(200_000), "event_time": times(200_000),
                "x": np.random.default_rng(1).integers(0, 2**62, 200_000),
                "note": ["n"] * 200_000,
            }, progress=False)  # fmt: skip
            assert "space" in run.error("backup", "big") or "full" in run.error("backup", "big")
            assert store.backups() == []
            assert list((disk / "backups" / "tmp").iterdir()) == []
            assert [p for p in (disk / "backups" / "objects").rglob("*") if p.is_file()] == []
            push(store, [1], 1, 1_000_000)
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            run("backup", "big")
            assert store.verify()
        run.json("restore", disk / "backups" / "big", "--check")
    finally:
        server.stop()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_the_key_of_the_audit_log_stays_outside(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    key = tmp_path / "audit.key"
    server.options = ["--backups", str(tmp_path / "backups"), "--audit-key", str(key)]
    server.start()
    run = CommandLine(server, tmp_path)
    run.apply(DEFINITIONS)
    assert run.json("backup", "one")["audit_key_inside"] is False
    secret = key.read_text().strip().encode()
    for path in (tmp_path / "backups").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()
    backup = tmp_path / "backups" / "one"
    assert "--audit-key" in run.error("restore", backup, "--data", tmp_path / "no")
    run("restore", backup, "--data", tmp_path / "yes", "--audit-key", key)
    assert server.stop() == 0


def test_a_server_without_backups_says_so(own_server: Server, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    assert "--backups" in run.error("backup")
    assert "--backups" in run.error("backups")
    done = subprocess.run(
        [BINARY, "serve", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0", "--http",
         "none", "--backups", str(tmp_path / "d" / "inside")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "in the data directory itself" in done.stderr
