"""Training sets larger than memory: streamed up and down, verified, cancelled."""

from __future__ import annotations

import gc
import hashlib
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_server import CANCEL, END, ITEM, REQUEST, WINDOW, FakeServer, Frame, Peer, frame_bytes
from server_process import Server, needs_server
from toy_store import ToyStore, fields

import alula
from alula._frames import Op
from alula._proto import common_pb2, training_pb2
from alula._types import to_proto

SCHEMA = fields("id:int64 amount:float64")
ROWS = 60_000


def digest_of(items: int) -> str:
    """SHA-256 over the canonical form of the columns that ``Endless`` sends, in plain words."""
    ids, amounts, present = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    for _ in range(items):
        ids.update(np.arange(ROWS, dtype="<i8").tobytes())
        amounts.update(np.ones(ROWS, "<f8").tobytes())
        present.update(b"\1" * ROWS)
    nothing = hashlib.sha256().digest()
    text = b"alula columns 1\n" + struct.pack("<QI", ROWS * items, 2)
    for name, kind, data in ((b"id", b"int64", ids), (b"amount", b"float64", amounts)):
        text += struct.pack("<I", len(name)) + name + struct.pack("<I", len(kind)) + kind
        text += present.digest() + nothing + nothing + data.digest()
    return hashlib.sha256(text).hexdigest()


class Endless(ToyStore):
    """Answers with so many items of nearly a MiB, as far as the credit goes."""

    def __init__(self, items: int, fails_at: int | None = None) -> None:
        super().__init__()
        self.items, self.fails_at, self.sent = items, fails_at, 0
        self.digest = digest_of(items) if items < 400 else ""
        self.credit = 4 << 20
        self.granted = threading.Condition()
        self.cancelled = threading.Event()
        self.spine: list[bytes] = []
        # A batch of fixed width: a header, then two buffers at multiples of 64.
        data = struct.pack("<IHH", ROWS, 2, 1) + b"\0"
        data += bytes(-len(data) % 64) + np.arange(ROWS, dtype="<i8").tobytes()
        data += bytes(-len(data) % 64) + np.ones(ROWS, "<f8").tobytes()
        self.data = data + bytes(-len(data) % 64)

    def get_training_set(self, peer: Peer, frame: Frame) -> None:
        self._answer(peer, frame)

    def make_training_set(self, peer: Peer, frame: Frame) -> None:
        if frame.kind == ITEM:
            self.spine.append(frame.data)
            window = common_pb2.Window(bytes=frame.size)
            peer.send(frame_bytes(WINDOW, frame.operation, frame.call, window.SerializeToString()))
        elif frame.kind != REQUEST:
            self._answer(peer, frame)

    def _answer(self, peer: Peer, frame: Frame) -> None:
        if frame.kind == CANCEL:
            self.cancelled.set()
        elif frame.kind == WINDOW:
            with self.granted:
                self.credit += common_pb2.Window.FromString(frame.control).bytes
                self.granted.notify()
        elif frame.kind in (REQUEST, END):
            threading.Thread(target=self._send, args=(peer, frame), daemon=True).start()

    def _send(self, peer: Peer, frame: Frame) -> None:
        try:
            for number in range(self.items):
                with self.granted:
                    while self.credit < len(self.data) and not self.cancelled.is_set():
                        self.granted.wait(0.05)
                    self.credit -= len(self.data)
                if self.cancelled.is_set():
                    return
                if number == self.fails_at:
                    peer.fail(frame, 13, "the disk is on fire")
                    return
                first = training_pb2.BatchItem(schema=to_proto(SCHEMA))
                peer.item(frame, None if number else first, self.data)
                self.sent = number + 1
            peer.respond(
                frame,
                training_pb2.TrainingSet(
                    id="ts-1", rows=self.items * ROWS, digest=self.digest, schema=to_proto(SCHEMA)
                ),
            )
        except OSError:
            return


def memory() -> int:
    """Bytes that this process holds now, without files that it maps."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) << 10


def test_a_stream_gives_every_batch_and_then_its_record() -> None:
    toy = Endless(5)
    with FakeServer(toy.handle) as server:
        stream = alula.connect(server.address).stream_training_set("ts-1")
        with pytest.raises(alula.InvalidArgument, match="all of its batches"):
            stream.record  # noqa: B018
        assert stream.schema.names == ["id", "amount"]
        table = pa.Table.from_batches(list(stream))
        assert table.num_rows == 5 * ROWS and table["id"][ROWS].as_py() == 0
        assert (stream.record.id, stream.record.digest) == ("ts-1", toy.digest)
        with pytest.raises(alula.InvalidArgument, match="once"):
            iter(stream)
        assert not toy.cancelled.is_set()


def test_a_set_of_many_frames_is_whole_and_proved() -> None:
    toy = Endless(40)
    with FakeServer(toy.handle) as server:
        train = alula.connect(server.address).get_training_set("ts-1")
        table = train.to_arrow()
        table.validate(full=True)
        assert table["id"].to_numpy().tolist() == list(range(ROWS)) * 40
        assert train.column("amount").sum() == 40 * ROWS
        train.verify()
        toy.digest = "0" * 64
        other = alula.connect(server.address).get_training_set("ts-1")
        with pytest.raises(alula.DataLoss, match="digest"):
            other.verify()
    assert not [t for t in threading.enumerate() if t.name == "alula-digest"]


def test_a_stream_with_another_digest_fails_at_its_end_and_leaves_no_file(tmp_path: Path) -> None:
    toy = Endless(12)
    toy.digest = "0" * 64
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        seen = 0
        with pytest.raises(alula.DataLoss, match="digest"):
            for batch in store.stream_training_set("ts-1"):
                seen += batch.num_rows
        assert seen == 12 * ROWS
        with pytest.raises(alula.DataLoss):
            store.stream_training_set("ts-1").write_parquet(tmp_path / "t.parquet")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["break", "close", "with", "drop", "error"])
def test_leaving_a_stream_cancels_the_call_at_once(how: str) -> None:
    toy = Endless(100_000)
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        stream: Any = store.stream_training_set("ts-1")
        if how == "break":
            for _ in stream:
                break
        elif how == "error":
            with pytest.raises(ZeroDivisionError):
                for _ in stream:
                    raise ZeroDivisionError
        elif how == "with":
            with stream:
                next(iter(stream))
        elif how == "close":
            next(iter(stream))
            stream.close()
        else:
            stream.schema  # noqa: B018
            del stream
            gc.collect()
        assert toy.cancelled.wait(5)
        assert toy.sent < 60, "no more than the credit was sent"
        assert store.views()[0].name == "v", "the connection lives on"


def test_an_error_in_the_middle_is_raised_in_the_loop() -> None:
    with FakeServer(Endless(50, fails_at=20).handle) as server:
        seen = 0
        with pytest.raises(alula.InternalError, match="on fire"):
            for _ in alula.connect(server.address).stream_training_set("ts-1"):
                seen += 1
        assert seen == 20


def test_a_lost_connection_ends_a_stream_with_what_to_do() -> None:
    toy = Endless(1_000)
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        stream = store.stream_training_set("ts-1")
        with pytest.raises(alula.Unavailable, match="again"):
            for number, _ in enumerate(stream):
                if number == 5:
                    for peer in server._peers:
                        peer.shutdown(2)


def test_streaming_keeps_memory_bounded_whatever_the_size(tmp_path: Path) -> None:
    toy = Endless(390)  # 375 MB
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        for _ in store.stream_training_set("ts-1"):
            pass
        gc.collect()
        before, most = memory(), 0
        stream = store.stream_training_set("ts-1")
        for number, _ in enumerate(stream):
            most = max(most, memory())
        assert number == 389 and most - before < 96 << 20
        most = 0
        done = threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(0.005):
                most = max(most, memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        record = store.stream_training_set("ts-1").write_parquet(tmp_path / "t.parquet")
        done.set()
        watcher.join()
        assert record.rows == 390 * ROWS == pq.read_metadata(tmp_path / "t.parquet").num_rows
        assert most - before < 320 << 20, "a row group of 64 MB, and what encoding it takes"


def spine_batches(count: int, rows: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield pa.RecordBatch.from_pydict(
            {
                "id": pa.array(np.arange(rows) + number * rows),
                "name": pa.array(["x"] * rows),
                "amount": pa.array(np.zeros(rows)),
                "event_time": pa.array(np.full(rows, 1_700_000_000_000_000), pa.timestamp("us")),
            }
        )


@pytest.mark.parametrize("kind", ["iterator", "reader", "parquet", "arrow"])
def test_a_spine_is_sent_piece_by_piece(kind: str, tmp_path: Path) -> None:
    count, rows = 300, 25_000  # 7.5 M rows, 250 MB on the wire
    given: Any
    schema = next(spine_batches(1, 1)).schema
    if kind == "iterator":
        given = spine_batches(count, rows)
    elif kind == "reader":
        given = pa.RecordBatchReader.from_batches(schema, spine_batches(count, rows))
    elif kind == "parquet":
        given = tmp_path / "spine.parquet"
        with pq.ParquetWriter(given, schema) as writer:
            for batch in spine_batches(count, rows):
                writer.write_batch(batch)
    else:
        given = tmp_path / "spine.arrow"
        with pa.OSFile(str(given), "wb") as file, pa.ipc.new_file(file, schema) as sink:
            for batch in spine_batches(count, rows):
                sink.write_batch(batch)
    toy = Endless(1)
    most = [0]
    taken = toy.make_training_set

    def counting(peer: Peer, frame: Frame) -> None:
        if frame.kind == ITEM:
            most[0] = max(most[0], memory())
            most.append(struct.unpack_from("<I", frame.data)[0])
        taken(peer, frame)
        toy.spine.clear()
        server.frames.clear()

    toy.make_training_set = counting  # type: ignore[method-assign]
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        gc.collect()
        before = memory()
        stream = store.stream_training_set("s", given)
        assert sum(batch.num_rows for batch in stream) == ROWS
        assert sum(most[1:]) == count * rows
        assert most[0] - before < 120 << 20


def losing(toy: Endless) -> Any:
    """Hangs up once, when the first rows of a spine have come."""
    lost = threading.Event()

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.MAKE_TRAINING_SET and frame.kind == ITEM and not lost.is_set():
            lost.set()
            peer.hang_up()
        toy.handle(peer, frame)

    return handle


def test_a_spine_that_is_read_once_is_not_sent_again() -> None:
    with FakeServer(losing(Endless(1))) as server:
        with pytest.raises(alula.Unavailable, match="only once"):
            store = alula.connect(server.address)
            store.stream_training_set("s", spine_batches(40, 70_000))
    with FakeServer(losing(Endless(1))) as server:
        store = alula.connect(server.address)
        table = pa.Table.from_batches(spine_batches(4, 70_000))
        assert sum(b.num_rows for b in store.stream_training_set("s", table)) == ROWS


@pytest.mark.parametrize(
    "given, said",
    [
        (iter([]), "record batches"),
        (iter([1, 2]), "record batches"),
        (iter([*spine_batches(1, 80_000), pa.RecordBatch.from_pydict({"id": [1]})]), "schemas"),
        (None, "by its id alone"),
    ],
)
def test_a_spine_that_is_no_spine_is_refused(given: Any, said: str) -> None:
    with FakeServer(Endless(1).handle) as server:
        with pytest.raises(alula.InvalidArgument, match=said):
            alula.connect(server.address).stream_training_set("s", given)


DEFINITIONS = """
project: streams
entities:
  - {name: e, keys: {id: int64}}
views:
  - {name: v, entity: e, features: {a: int64, b: float64, s: string}}
services:
  - {name: s, features: ["v:*"]}
"""


@needs_server
def test_a_real_stream_is_the_same_set_and_leaves_the_server_free(
    own_server: Server, tmp_path: Path
) -> None:
    rows = 40_000
    random = np.random.default_rng(5)
    history = {
        "id": random.integers(0, 5_000, rows), "event_time": random.integers(0, 10**12, rows).astype("M8[us]"),
        "a": random.integers(-9, 9, rows), "b": random.random(rows), "s": [f"s{i % 97}" for i in range(rows)],
    }  # fmt: skip
    count = 150_000
    spine = pa.table(
        {
            "id": random.integers(0, 6_000, count),
            "event_time": pa.array(random.integers(0, 10**12, count).astype("M8[us]")),
            "y": random.integers(0, 2, count),
        }
    )
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        store.load("v", history, progress=False)
        whole = store.training_set("s", spine)
        pq.write_table(spine, tmp_path / "spine.parquet")
        stream = store.stream_training_set("s", tmp_path / "spine.parquet")
        record = stream.write_parquet(tmp_path / "set.parquet")
        assert record.digest == whole.digest and record.id != whole.id
        assert pq.read_table(tmp_path / "set.parquet").equals(whole.to_arrow())
        again = store.stream_training_set(record.id)
        assert again.reader().read_all().equals(whole.to_arrow())
        assert again.record.digest == whole.digest
        begun = time.monotonic()
        for _ in range(10):  # more than may run at once: each is gone when the next begins
            for _ in store.stream_training_set("s", spine):
                break
        assert store.training_set("s", spine.slice(0, 10)).rows == 10
        assert time.monotonic() - begun < 60
