"""A bounded piece of the torture: `python -m torture` goes on for as long as one likes. And the fault layer
itself: what it fails, what it forgets."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from server_process import DidNotStart, Server, needs_server
from torture.cycles import torture
from torture.faults import FOREVER, Action, Faults, Kind
from torture.powercut import Survival
from torture.sweep import sweep
from torture.world import World
from torture.writers import START

import alula

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(os.environ.get("CC", "cc")) is None, reason="no C compiler"),
]

SEED = int(os.environ.get("ALULA_CRASH_SEED", "20261"))


def run(faults: Faults, script: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process under the layer; `d` is the directory, `put` writes a whole file."""
    start = f"""
import os
d = {str(faults.under)!r}
def put(name, text, sync=False, at=None):
    f = os.open(d + "/" + name, os.O_WRONLY | os.O_CREAT, 0o600)
    n = os.pwrite(f, text.encode(), at or 0)
    assert n == len(text), n
    if sync: os.fsync(f)
    os.close(f)
def sync(name="."):
    f = os.open(d + "/" + name, os.O_RDONLY)
    try: os.fsync(f)
    finally: os.close(f)
"""
    return subprocess.run(
        [sys.executable, "-c", start + script], env={**os.environ, **faults.environment()},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    (tmp_path / "disk").mkdir()
    return Faults(tmp_path / "disk", tmp_path / "faults", journal=True)


LOSSES: dict[str, tuple[str, dict[str, str]]] = {
    "what was synced stays": ("put('a', 'old', sync=True); sync()", {"a": "old"}),
    "a name that was not synced goes": ("put('a', 'old', sync=True)", {}),
    "bytes that were not synced go": (
        "put('a', 'old', sync=True); sync(); put('a', 'newer')", {"a": "old"},
    ),
    "bytes between synced ones come back": (
        "put('a', 'abcdef', sync=True); sync(); put('a', 'XX', at=2)", {"a": "abcdef"},
    ),
    "a rename goes back": (
        "put('a', 'new', sync=True); put('b', 'old', sync=True); sync(); os.rename(d+'/a', d+'/b')",
        {"a": "new", "b": "old"},
    ),
    "a synced rename stays": (
        "put('a', 'new', sync=True); put('b', 'old', sync=True); os.rename(d+'/a', d+'/b'); sync()",
        {"b": "new"},
    ),
    "what was removed comes back": (
        "put('a', 'old', sync=True); sync(); os.unlink(d+'/a')", {"a": "old"},
    ),
    "a directory goes with what is in it": ("os.mkdir(d+'/e'); put('e/a', 'x', sync=True)", {}),
    "a cut goes back": (
        "put('a', 'abcdef', sync=True); sync(); f = os.open(d+'/a', os.O_RDWR); os.ftruncate(f, 2)",
        {"a": "abcdef"},
    ),
    "the present content under an older name": (
        "put('a', 'old', sync=True); sync(); put('a', 'new', sync=True); os.rename(d+'/a', d+'/b')",
        {"a": "new"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_power_cut_takes_what_was_not_synced(faults: Faults, name: str) -> None:
    script, left = LOSSES[name]
    ended = run(faults, script)
    assert ended.returncode == 0, ended.stderr
    faults.power_cut(random.Random(1), Survival.NOTHING)
    files = [path for path in faults.under.rglob("*") if path.is_file()]
    assert {path.name: path.read_text() for path in files} == left


@pytest.mark.parametrize("synced", ["", "t", "b", "t b"])
@pytest.mark.parametrize("survival", [Survival.NOTHING, Survival.EVERYTHING])
def test_a_directory_that_was_moved_has_one_name(
    faults: Faults, synced: str, survival: Survival
) -> None:
    """A cut that took half of a rename back took a durable directory from where it was."""
    ended = run(
        faults,
        f"""
os.mkdir(d+'/t'); os.mkdir(d+'/b'); os.mkdir(d+'/t/x'); put('t/x/m', 'y', sync=True)
for name in ['t/x', 't', 'b', '.']: sync(name)
os.rename(d+'/t/x', d+'/b/x')
for name in {synced!r}.split(): sync(name)
""",
    )
    assert ended.returncode == 0, ended.stderr
    faults.power_cut(random.Random(1), survival)
    found = [str(path.relative_to(faults.under)) for path in faults.under.rglob("m")]
    is_moved = synced or survival is Survival.EVERYTHING
    assert found == (["b/x/m"] if is_moved else ["t/x/m"])


def test_a_directory_is_not_taken_for_one_that_is_gone(faults: Faults) -> None:
    """A file system gives the number of a directory that was removed to the next one."""
    ended = run(
        faults,
        """
os.mkdir(d+'/old'); os.mkdir(d+'/kept'); sync(); sync('kept')
os.rmdir(d+'/old')
for number in range(40):
    os.mkdir(d+f'/kept/{number}'); put(f'kept/{number}/m', 'y', sync=True); sync(f'kept/{number}')
sync('kept')
try: os.rmdir(d+'/kept'); raise SystemExit('removed')
except OSError as error: assert error.errno == 39
""",
    )
    assert ended.returncode == 0, ended.stderr
    faults.power_cut(random.Random(1), Survival.NOTHING)
    assert sorted(path.name for path in faults.under.iterdir()) == ["kept", "old"]
    assert not list((faults.under / "old").iterdir())
    assert len(list(faults.under.rglob("m"))) == 40


def test_a_second_sync_brings_nothing_back(faults: Faults) -> None:
    """What was dirty when a sync failed is lost, though the next one succeeds; what was written since is not."""
    faults.arm(Kind.SYNC, Action.EIO, 3)
    ended = run(
        faults,
        """
put('a', 'old', sync=True); sync()
put('a', 'new')
try: sync('a'); raise SystemExit('no error')
except OSError as error: assert error.errno == 5
sync('a')
put('a', 'more', sync=True, at=3)
""",
    )
    assert ended.returncode == 0, ended.stderr
    assert faults.failed_syncs == 1
    faults.power_cut(random.Random(1), Survival.EVERYTHING)
    assert (faults.under / "a").read_text() == "oldmore"


def test_what_survives_is_something_between(faults: Faults) -> None:
    seen = set()
    for seed in range(12):
        run(faults, "put('a', 'o' * 2048, sync=True); sync(); put('a', 'n' * 2048)")
        faults.power_cut(random.Random(seed), Survival.SOME)
        text = (faults.under / "a").read_text()
        parts = [text[start : start + 512] for start in range(0, 2048, 512)]
        assert all(part in ("o" * 512, "n" * 512) for part in parts)
        seen.add("".join(part[0] for part in parts))
    assert len(seen) > 3


def test_the_nth_call_fails_as_told(faults: Faults) -> None:
    faults.arm(Kind.WRITE, Action.ENOSPC, 2)
    ended = run(faults, "put('a', 'x'); put('b', 'y')")
    assert "No space left" in ended.stderr and faults.injected == 1 and faults.counted == 2
    faults.arm(Kind.WRITE, Action.KILL_TORN, 1)
    assert run(faults, "put('c', 'whole')").returncode == -9
    assert (faults.under / "c").read_text() == "wh"
    faults.arm(Kind.RENAME, Action.EIO, 1, repeat=FOREVER, only="never")
    assert run(faults, "os.rename(d+'/a', d+'/z')").returncode == 0
    faults.disarm()
    faults.limit_disk(10)
    ended = run(faults, "put('c', 'x' * 20)")
    assert "AssertionError: 12" in ended.stderr
    ended = run(faults, "f = os.statvfs(d); assert f.f_bavail == 0; put('big2', 'x')")
    assert "No space left" in ended.stderr


@needs_server
def test_a_piece_of_the_torture(tmp_path: Path, capsys: Any) -> None:
    lines: list[str] = []
    try:
        counts = torture(tmp_path, 500, SEED, 20, lines.append)
    except BaseException:
        print("\n".join(lines))
        raise
    with capsys.disabled():
        print(f"\n{dict(counts)}")
    assert counts["cycles"] >= 2 and counts["rows pushed"]


@needs_server
@pytest.mark.parametrize(
    "kinds, action",
    [(Kind.SYNC, Action.EIO), (Kind.WRITE, Action.TORN), (Kind.OPEN, Action.ENOSPC)],
)
def test_a_few_numbers_of_the_sweep(tmp_path: Path, kinds: Kind, action: Action) -> None:
    own = random.Random(SEED)
    for number in (own.randrange(5, 60), own.randrange(60, 160)):
        sweep(tmp_path / str(number), kinds, action, number, SEED)


@needs_server
def test_after_a_failed_sync_no_write_is_taken_and_reads_go_on(tmp_path: Path) -> None:
    """Of each store: it is said why in status, metrics and /readyz, and a restart with power cut loses nothing."""
    (tmp_path / "disk").mkdir()
    faults = Faults(tmp_path / "disk", tmp_path / "faults", journal=True)
    server = Server(tmp_path / "disk" / "data")
    server.environment = faults.environment()
    server.start()
    world = World(server, tmp_path / "outside", SEED)
    world.define_all()
    own = random.Random(SEED)
    try:
        for store_name, act in [
            ("/online/", world.push), ("catalog.sqlite", world.define), ("offline.sqlite", world.load),
            ("/artifacts/", world.upload),
        ]:  # fmt: skip
            with server.connect("torture") as store:
                world.push(store, own)
                faults.arm(Kind.SYNC, Action.EIO, 1, only=store_name)
                with pytest.raises(alula.AlulaError):
                    for _ in range(3):
                        act(store, own)
                assert faults.injected == 1
                faults.disarm()
                for other in [world.push, world.define, world.upload, world.load]:
                    with pytest.raises(alula.Refused, match="since the disk failed"):
                        other(store, own)
                assert "disk failed" in store.status().not_ready
                world.reads_go_on()
            assert server.page("/readyz")[0] == 503 and server.page("/healthz")[0] == 200
            metrics = server.page("/metrics")[1]
            assert 'alula_not_ready{reason="storage"} 1' in metrics and "alula_ready 0" in metrics
            server.kill()
            faults.power_cut(own)
            server.start()
            world.wait_until_ready()
            world.check()
    finally:
        server.kill()


@needs_server
def test_a_name_that_a_killed_start_has_made_is_put_on_disk_by_the_next(tmp_path: Path) -> None:
    """What made the files of the directory had ended before it synced their names, and what found them there
    did not: all of it went with the power."""
    for number in range(1, 200, 23):
        place = tmp_path / str(number)
        (place / "disk").mkdir(parents=True)
        faults = Faults(place / "disk", place / "faults", journal=True)
        server = Server(place / "disk" / "data")
        server.environment = faults.environment()
        faults.arm(Kind.ALL, Action.KILL_AFTER, number)
        with contextlib.suppress(DidNotStart):
            server.start()
            server.kill()
        faults.disarm()
        server.start()
        try:
            world = World(server, place / "outside", SEED)
            world.define_all()
            with server.connect("torture") as store:
                for act in [world.push, world.upload, world.load]:
                    act(store, random.Random(number))
            server.kill()
            faults.power_cut(random.Random(number), Survival.NOTHING)
            server.start()
            world.check()
        finally:
            server.kill()


@needs_server
def test_a_full_disk_refuses_early_and_takes_writes_again(tmp_path: Path) -> None:
    """The refusal says what is wanted; nothing has to be restarted when there is room."""
    (tmp_path / "disk").mkdir()
    faults = Faults(tmp_path / "disk", tmp_path / "faults")
    server = Server(tmp_path / "disk" / "data")
    server.environment = faults.environment()
    server.start()
    world = World(server, tmp_path / "outside", SEED)
    world.define_all()
    own = random.Random(SEED)
    try:
        with server.connect("torture") as store:
            for act in (world.push, world.register, world.upload):
                act(store, own)
            faults.limit_disk(100 << 20)  # of which 128 MiB are kept
            for act in (world.push, world.define, world.upload, world.load, world.make_set):
                with pytest.raises(alula.ResourceExhausted, match="disk-reserve-bytes") as caught:
                    act(store, own)
                assert "free or add" in str(caught.value)
            world.reads_go_on()
            # What decides and what gives room goes on.
            store.set_alias("m", "newest", 1)
            assert "disk is full" in store.status().not_ready
            assert server.page("/readyz")[0] == 503
            assert 'alula_not_ready{reason="disk"} 1' in server.page("/metrics")[1]
            faults.limit_disk(300 << 20)
            big = tmp_path / "big"
            with big.open("wb") as file:
                file.truncate(200 << 20)
            with pytest.raises(alula.ResourceExhausted, match="the artifact takes 200 MiB"):
                store.put_artifact(big)
            world.push(store, own)
            faults.limit_disk(None)
            for act in (world.push, world.define, world.upload, world.load, world.register):
                act(store, own)
        world.wait_until_ready()
        world.check()
        assert server.stop() == 0
    finally:
        server.kill()


@needs_server
def test_a_start_says_how_far_it_has_come(tmp_path: Path) -> None:
    """Killed with much in the log that history does not have: red until it has, and said in the log."""
    server = Server(tmp_path / "data").start()
    with server.connect() as store:
        store.apply(
            "project: torture\nentities: [{name: e, keys: {k: string}}]\n"
            "views: [{name: pushed, entity: e, features: {id: int64}}]\n"
        )
        for part in range(12):
            rows = {
                "k": [f"k{number}" for number in range(20_000)],
                "event_time": [START] * 20_000,
                "id": range(part * 20_000, (part + 1) * 20_000),
            }
            store.push("pushed", rows)
        behind = store.status()
    server.kill()
    begun = time.monotonic()
    server.start()
    codes = []
    while not codes or codes[-1] != 200:
        codes.append(server.page("/readyz")[0])
        assert time.monotonic() < begun + 60
        time.sleep(0.02)
    with server.connect("torture") as store:
        assert store.status().not_ready == ""
        assert store.status().offline_applied == behind.log_last
    if behind.offline_applied < behind.log_last:
        assert codes[0] == 503, "green before history had what was acknowledged"
    assert server.stop() == 0


@needs_server
def test_a_file_that_could_not_be_changed_to_wal_is_refused(tmp_path: Path) -> None:
    """SQLite answered that it was, and went on with a journal, whose last commit a power cut takes back."""
    for number in range(2, 40, 2):
        place = tmp_path / str(number)
        (place / "disk").mkdir(parents=True)
        faults = Faults(place / "disk", place / "faults")
        server = Server(place / "disk" / "data")
        server.environment = faults.environment()
        faults.arm(Kind.WRITE, Action.EIO, number, only=".sqlite")
        try:
            server.start()
        except DidNotStart:
            assert "alula: " in server.said
            continue
        try:
            for name in ("catalog.sqlite", "offline.sqlite"):
                with (server.directory / name).open("rb") as file:
                    assert file.read(20)[18:] == bytes([2, 2]), f"{name} after {faults.last}"
        finally:
            server.kill()
