"""What a broken or hostile client can do to a real server: an error that names what was wrong, and
nothing for anybody else."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from raw_client import (
    DEFINITIONS,
    KEY_TYPES,
    LIMIT,
    ROW_TYPES,
    Frame,
    Raw,
    batch,
    frame,
    head,
    keys_of,
    push_request,
    read_request,
    rows_of,
    schema,
)  # fmt: skip
from server_process import Server, needs_server
from waiting import wait_until

from alula._frames import HEADER, PREFACE, Kind, Op
from alula._proto import (
    artifacts_pb2,
    common_pb2,
    features_pb2,
    training_pb2,
)  # fmt: skip

pytestmark = needs_server

GATED = """
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.6}]}
"""
BIG = os.urandom(1 << 20) * 12
BIG_DIGEST = hashlib.sha256(BIG).hexdigest()
MEBIBYTE = 1 << 20
SPINE_TYPES = {**KEY_TYPES, "event_time": "timestamp"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("abuse")).start()
    store = running.connect()
    store.apply(DEFINITIONS + GATED)
    with Raw(running.port) as raw:
        assert raw.ask(Op.PUSH, push_request(), rows_of(["known"])).kind == Kind.RESPONSE
        wide = push_request()
        assert raw.ask(Op.PUSH, wide, rows_of(["wide"], s="w" * 200_000)).kind == Kind.RESPONSE
        assert put_artifact(raw, BIG).kind == Kind.RESPONSE
    store.close()
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def answers_others(server: Server) -> Iterator[None]:
    """After each abuse another connection is answered at once, short calls and streams."""
    yield
    with Raw(server.port) as other:
        assert other.is_alive()
        history = features_pb2.HistoryRequest(
            head=head(request_id=b""), view="v", schema=schema(KEY_TYPES)
        )
        assert other.ask(Op.HISTORY, history, keys_of(["known"])).kind == Kind.RESPONSE
        assert other.ask(Op.READ, read_request(), keys_of(["known"])).kind == Kind.RESPONSE


def put_artifact(raw: Raw, content: bytes, announced: int | None = None) -> Frame:
    size = len(content) if announced is None else announced
    digest = hashlib.sha256(content).hexdigest()
    call = raw.request(
        Op.PUT_ARTIFACT,
        artifacts_pb2.PutArtifactRequest(head=head(), digest=digest, bytes=size),
        more=True,
    )
    credit = 4 * MEBIBYTE
    for start in range(0, len(content), MEBIBYTE // 2):
        piece = content[start : start + MEBIBYTE // 2]
        while credit < len(piece):
            got = raw.receive()
            if got.kind != Kind.WINDOW:
                return got
            credit += common_pb2.Window.FromString(got.control).bytes
        raw.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=piece)
        credit -= len(piece)
    raw.send(Kind.END, Op.PUT_ARTIFACT, call)
    return raw.last(call)


def rows_in_history(server: Server, key: str) -> int:
    history = features_pb2.HistoryRequest(
        head=head(request_id=b""), view="v", schema=schema(KEY_TYPES)
    )
    with Raw(server.port) as raw:
        got = raw.ask(Op.HISTORY, history, keys_of([key]))
    return int(features_pb2.HistoryResponse.FromString(got.control).rows)


# Frames


def header(payload: int, kind: int, flags: int, operation: int, call: int, control: int) -> bytes:
    return HEADER.pack(payload, kind, flags, operation, call, control)


UPLOAD = frame(
    Kind.REQUEST, Op.PUT_ARTIFACT, 1,
    artifacts_pb2.PutArtifactRequest(head=head(), digest="ab" * 32, bytes=1 << 30).SerializeToString(), flags=1,
)  # fmt: skip
BROKEN: dict[str, tuple[bytes, str]] = {
    "a payload one past the limit": (header(MEBIBYTE + 1, 1, 0, 1, 1, 0), "1048577"),
    "the greatest payload": (header(2**32 - 1, 1, 0, 1, 1, 0), "4294967295"),
    "a control message one past the limit": (header(300_000, 1, 0, 1, 1, 262_145), "262145"),
    "control longer than payload": (header(10, 1, 0, 1, 1, 11), "over its payload"),
    "kind 0": (header(0, 0, 0, 1, 1, 0), "kind 0"),
    "kind 8": (header(0, 8, 0, 1, 1, 0), "kind 8"),
    "kind 255": (header(0, 255, 0, 1, 1, 0), "kind 255"),
    "unknown flags": (header(0, 1, 2, 1, 1, 0), "flags 2"),
    "flags on an item": (header(0, 3, 1, 1, 1, 0), "flags 1"),
    "call 0": (header(0, 1, 0, 1, 0, 0), "call 0"),
    "a response": (header(0, 2, 0, 1, 1, 0), "only servers send"),
    "an error": (header(0, 5, 0, 1, 0, 0), "only servers send"),
    "a call in use": (UPLOAD + frame(1, Op.STATUS, 1), "call 1 is in use"),
    "a window that is no message": (UPLOAD + frame(7, Op.PUT_ARTIFACT, 1, b"\xff"), "Window"),
    "an item after the end": (
        UPLOAD + frame(4, Op.PUT_ARTIFACT, 1) + frame(3, Op.PUT_ARTIFACT, 1, data=b"x" * 8), "after the end",
    ),
    "an item for a call without upload": (
        frame(1, Op.MATERIALIZE, 1, features_pb2.MaterializeRequest(head=head()).SerializeToString())
        + frame(3, Op.MATERIALIZE, 1, data=b"x" * 8), "after the end",
    ),
    "an item of nothing": (UPLOAD + frame(3, Op.PUT_ARTIFACT, 1), "empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_is_told_and_the_connection_closed(server: Server, name: str) -> None:
    sent, said = BROKEN[name]
    with Raw(server.port) as raw:
        raw.socket.sendall(sent)
        got = raw.last(0)
        if got.call != 0 and name == "an item for a call without upload":
            return  # the call had ended: what comes for it is ignored
        assert got.call == 0 and got.failure.code == 3 and said in got.failure.message
        assert raw.closed()


def test_what_is_within_the_limits_is_taken(server: Server) -> None:
    with Raw(server.port) as raw:
        raw.socket.sendall(frame(1, Op.STATUS, 2**32 - 1, b"", bytes(MEBIBYTE)))
        assert raw.last(2**32 - 1).kind == Kind.RESPONSE
        raw.socket.sendall(frame(1, Op.STATUS, 7, bytes(262_144)))
        assert "control message" in raw.last(7).failure.message
        raw.socket.sendall(
            frame(3, Op.STATUS, 99, data=b"late") + frame(4, 0, 99) + frame(6, 0, 99)
        )
        assert raw.is_alive()


def test_uploads_beyond_the_credit_close_the_connection(server: Server) -> None:
    # Enough idle uploads of this connection run that the last one is not yet read by anyone.
    with Raw(server.port) as raw:
        for _ in range(60):
            call = raw.request(
                Op.PUT_ARTIFACT,
                artifacts_pb2.PutArtifactRequest(head=head(), digest="cd" * 32, bytes=1 << 30), more=True,
            )  # fmt: skip
        for _ in range(5):
            raw.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=bytes(MEBIBYTE - 8))
        assert "credit" in raw.last(0).failure.message and raw.closed()


def test_windows_never_overflow(server: Server) -> None:
    with Raw(server.port) as raw:
        call = raw.request(
            Op.GET_ARTIFACT, artifacts_pb2.ArtifactRequest(head=head(), digest=BIG_DIGEST)
        )
        for _ in range(2_000):
            raw.send(
                Kind.WINDOW,
                Op.GET_ARTIFACT,
                call,
                common_pb2.Window(bytes=2**32 - 1).SerializeToString(),
            )
        assert raw.last(call).kind == Kind.RESPONSE


@pytest.mark.parametrize("abrupt", [False, True])
def test_a_connection_cut_at_any_byte_writes_nothing(server: Server, abrupt: bool) -> None:
    name = f"cut-{abrupt}"
    whole = PREFACE + frame(1, Op.PUSH, 1, push_request().SerializeToString(), rows_of([name]))
    for count in range(len(whole)):
        raw = Raw(server.port, whole[:count])
        raw.reset() if abrupt else raw.socket.close()
    assert rows_in_history(server, name) == 0


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes_end_the_connection_or_wait_for_more(server: Server, seed: int) -> None:
    source = random.Random(seed)
    with Raw(server.port) as raw:
        for _ in range(source.randrange(1, 40)):
            sent = bytearray(header(source.randrange(64), source.randrange(9), source.randrange(2),
                                    source.choice(list(Op)), source.randrange(4), source.randrange(64)))  # fmt: skip
            sent += source.randbytes(source.randrange(64))
            if source.random() < 0.3:
                sent = bytearray(source.randbytes(len(sent)))
            try:
                raw.socket.sendall(sent)
            except OSError:
                break


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"ALUX\x01\x01\0\0", b"a"]
)
def test_a_stranger_is_told_what_this_is(server: Server, sent: bytes) -> None:
    with Raw(server.port, sent) as raw:
        assert "Alula" in raw.receive().failure.message and raw.closed()


@pytest.mark.parametrize("lowest, highest", [(0, 0), (2, 9), (255, 255), (9, 1)])
def test_without_a_common_version_the_answer_is_0(
    server: Server, lowest: int, highest: int
) -> None:
    with Raw(server.port, b"ALUL" + bytes([lowest, highest, 0, 0]) + frame(1, Op.STATUS, 1)) as raw:
        assert raw.exactly(8) == b"ALUL\0\0\0\0" and raw.closed()
    with Raw(server.port, b"ALUL\x00\xff\0\0") as raw:
        assert raw.exactly(8) == b"ALUL\x01\0\0\0" and raw.is_alive()


# Requests that are well framed and wrong


def test_an_unknown_operation_fails_alone(server: Server) -> None:
    with Raw(server.port) as raw:
        for operation in (0, min(set(range(1, 256)) - set(Op)), 0x7777, 0xFFFF):
            failure = raw.ask(operation).failure
            assert failure.code == 12 and str(operation) in failure.message
        assert raw.is_alive()


#: A token that is refused ends the connection; who shows none may not approve, whatever is said.
CALLS = [operation for operation in Op if operation not in (Op.AUTHENTICATE, Op.APPROVE)]


@pytest.mark.parametrize("operation", CALLS, ids=[operation.name for operation in CALLS])
def test_any_control_message_is_answered(server: Server, operation: int) -> None:
    source = random.Random(operation)
    good = common_pb2.HeadOnly(head=head(timeout_ms=5_000)).SerializeToString()
    with Raw(server.port) as raw:
        assert "control message" in raw.ask(operation, b"\xff\xff\xff").failure.message
        short = common_pb2.HeadOnly(head=head(request_id=b"short")).SerializeToString()
        assert "5 bytes" in raw.ask(operation, short).failure.message
        long = common_pb2.HeadOnly(head=head(project="p" * 129)).SerializeToString()
        assert "project" in raw.ask(operation, long).failure.message
        for _ in range(25):
            control = good + source.randbytes(source.randrange(60))
            got = raw.ask(operation, control, source.randbytes(source.randrange(80)))
            assert got.kind == Kind.RESPONSE or got.failure.code != 13, got.failure
        assert raw.is_alive()


def push(raw: Raw, data: bytes) -> Frame:
    return raw.ask(Op.PUSH, push_request(), data)


def read(raw: Raw, data: bytes) -> Frame:
    return raw.ask(Op.READ, read_request(), data)


def spine(raw: Raw, data: bytes) -> Frame:
    message = training_pb2.MakeTrainingSetRequest(
        head=head(), service="s", schema=schema(SPINE_TYPES), event_time="event_time"
    )
    call = raw.request(Op.MAKE_TRAINING_SET, message, more=True)
    raw.send(Kind.ITEM, Op.MAKE_TRAINING_SET, call, data=data or b"\0")
    raw.send(Kind.END, Op.MAKE_TRAINING_SET, call)
    return raw.last(call)


def stage(raw: Raw, data: bytes) -> Frame:
    begin = features_pb2.BeginImportRequest(
        head=head(), view="v", source_name="raw", source_digest=hashlib.sha256(b"raw").digest()
    )
    begun = features_pb2.BeginImportResponse.FromString(raw.ask(Op.BEGIN_IMPORT, begin).control)
    message = features_pb2.StageRowsRequest(
        head=head(), import_id=begun.import_id, schema=schema(ROW_TYPES)
    )
    call = raw.request(Op.STAGE_ROWS, message, more=True)
    raw.send(Kind.ITEM, Op.STAGE_ROWS, call, data=data or b"\0")
    raw.send(Kind.END, Op.STAGE_ROWS, call)
    return raw.last(call)


SPINE = batch(SPINE_TYPES, {"k": ["a", "b"], "n": [1, 2], "event_time": [1, 2]})
TAKERS: dict[str, tuple[Callable[[Raw, bytes], Frame], bytes]] = {
    "push": (push, rows_of(["a", "b"])), "read": (read, keys_of(["a", "b"])),
    "spine": (spine, SPINE), "stage": (stage, rows_of(["a", "b"])),
}  # fmt: skip


@pytest.mark.parametrize("taker", TAKERS)
def test_a_batch_cut_at_any_byte_is_refused(server: Server, taker: str) -> None:
    take, good = TAKERS[taker]
    with Raw(server.port) as raw:
        for count in range(len(good)):
            failure = take(raw, good[:count]).failure
            assert failure.code == 3 and failure.message, (count, failure)
        assert take(raw, good + bytes(8)).failure.code == 3
        assert raw.is_alive()


@pytest.mark.parametrize("taker", TAKERS)
def test_a_batch_with_flipped_bits_is_taken_or_refused_by_name(server: Server, taker: str) -> None:
    take, good = TAKERS[taker]
    with Raw(server.port) as raw:
        for seed in range(150):
            source = random.Random(seed)
            bad = bytearray(good)
            for _ in range(source.randrange(1, 4)):
                bad[source.randrange(min(len(bad), 64))] ^= 1 << source.randrange(8)
            if taker == "stage":
                bad[0:4] = b"\x09\0\0\0"  # nothing of it is to be staged
            got = take(raw, bytes(bad))
            assert got.kind == Kind.RESPONSE or got.failure.code in (3, 10), (seed, got.failure)
        assert raw.is_alive()


def replaced(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


KEYS = keys_of(["ab", "cd"])  # header 8, map 1, then offsets at 16: 0, 2, 4, text at 32
BAD_BATCHES: dict[str, tuple[bytes, str]] = {
    "more rows than came": (replaced(KEYS, 0, b"\x07\0\0\0"), ""),
    "more rows than a batch holds": (replaced(KEYS, 0, b"\x01\0\x02\0"), "131073"),
    "the greatest number of rows": (replaced(KEYS, 0, b"\xff\xff\xff\xff"), "4294967295"),
    "another number of columns": (replaced(KEYS, 4, b"\x03\0"), "column"),
    "unknown flags": (replaced(KEYS, 6, b"\x80\0"), "flag"),
    "offsets that do not begin at 0": (replaced(KEYS, 16, b"\x01\0\0\0"), "offset"),
    "offsets that go back": (replaced(KEYS, 20, b"\x09\0\0\0"), "offset"),
    "a negative offset": (replaced(KEYS, 20, b"\xff\xff\xff\xff"), "offset"),
    "an offset past the end": (replaced(KEYS, 24, b"\xff\xff\xff\x7f"), ""),
    "text that is not UTF-8": (replaced(KEYS, 32, b"\xc3\x28"), "UTF-8"),
    "text cut within a character": (replaced(KEYS, 33, b"\xc3"), "UTF-8"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_broken_batch_is_named(server: Server, name: str) -> None:
    data, said = BAD_BATCHES[name]
    with Raw(server.port) as raw:
        failure = read(raw, data).failure
        assert failure.code == 3 and said in failure.message, failure
        assert raw.is_alive()


# Clients that are slow, silent or gone


def big_artifact(raw: Raw) -> int:
    return raw.request(
        Op.GET_ARTIFACT, artifacts_pb2.ArtifactRequest(head=head(), digest=BIG_DIGEST)
    )


def big_read(raw: Raw) -> int:
    return raw.request(Op.READ, read_request(), keys_of(["wide"] * 60))


def idle_upload(raw: Raw) -> int:
    message = artifacts_pb2.PutArtifactRequest(
        head=head(), digest=os.urandom(32).hex(), bytes=1 << 30
    )
    call = raw.request(Op.PUT_ARTIFACT, message, more=True)
    raw.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=b"x" * 100_000)
    return call


def idle_spine(raw: Raw) -> int:
    message = training_pb2.MakeTrainingSetRequest(
        head=head(), service="s", schema=schema(SPINE_TYPES), event_time="event_time"
    )
    call = raw.request(Op.MAKE_TRAINING_SET, message, more=True)
    raw.send(Kind.ITEM, Op.MAKE_TRAINING_SET, call, data=SPINE)
    return call


def half_push(raw: Raw) -> int:
    whole = frame(1, Op.PUSH, 1, push_request().SerializeToString(), rows_of(["half"] * 100))
    raw.socket.sendall(whole[: len(whole) // 2])
    return 1


STANDING: dict[str, Callable[[Raw], int]] = {
    "result stream": big_artifact, "large read": big_read, "artifact upload": idle_upload,
    "spine upload": idle_spine, "half a push": half_push,
}  # fmt: skip


def others_are_answered(server: Server) -> None:
    start = time.monotonic()
    with Raw(server.port) as other:
        assert other.is_alive()
        assert read(other, keys_of(["known"])).kind == Kind.RESPONSE
        assert spine(other, SPINE).kind == Kind.RESPONSE
    assert time.monotonic() - start < LIMIT


@pytest.mark.parametrize("what", STANDING)
def test_many_that_stand_still_on_one_connection_hold_up_nobody(server: Server, what: str) -> None:
    with Raw(server.port) as raw:
        for _ in range({"half a push": 1, "large read": 40}.get(what, 100)):
            STANDING[what](raw)
        others_are_answered(server)
        others_are_answered(server)


@pytest.mark.parametrize("what", STANDING)
def test_forty_clients_that_stand_still_hold_up_nobody(server: Server, what: str) -> None:
    standing = [Raw(server.port) for _ in range(40)]
    for raw in standing:
        STANDING[what](raw)
    others_are_answered(server)
    for raw in standing:
        raw.socket.close()


@pytest.mark.parametrize("what", STANDING)
def test_clients_that_go_leave_no_thread_and_no_file_behind(server: Server, what: str) -> None:
    for turn in range(150):
        raw = Raw(server.port)
        STANDING[what](raw)
        raw.reset() if turn % 2 else raw.socket.close()
    others_are_answered(server)
    assert rows_in_history(server, "half") == 0
    kept = server.directory / "artifacts"

    def left_behind() -> list[Path]:
        files = [path for path in kept.rglob("*") if path.is_file()]
        return [path for path in files if "tmp" in str(path.relative_to(kept))]

    wait_until(lambda: not left_behind(), LIMIT, tell=left_behind)


def test_answers_that_nobody_reads_do_not_fill_the_memory(server: Server) -> None:
    before = server.memory()
    wanted = frame(1, Op.READ, 0, read_request().SerializeToString(), keys_of(["wide"] * 4))
    raws = [Raw(server.port) for _ in range(4)]
    for raw in raws:
        raw.socket.settimeout(1)
        try:
            for call in range(1, 1_500):
                raw.socket.sendall(replaced(wanted, 8, call.to_bytes(4, "little")))
        except TimeoutError:
            pass
    time.sleep(1)
    assert server.memory() - before < 1_200 * MEBIBYTE
    for raw in raws:
        raw.socket.close()


def test_at_most_256_calls_are_in_flight_on_a_connection(server: Server) -> None:
    with Raw(server.port) as raw:
        calls = [idle_upload_of_nothing(raw) for _ in range(256)]
        failure = raw.ask(Op.STATUS, common_pb2.HeadOnly()).failure
        assert failure.code == 8 and "256" in failure.message
        raw.send(Kind.CANCEL, Op.PUT_ARTIFACT, calls[0])
        assert raw.last(calls[0]).failure.code == 1
        assert raw.is_alive()


def idle_upload_of_nothing(raw: Raw) -> int:
    message = artifacts_pb2.PutArtifactRequest(
        head=head(), digest=os.urandom(32).hex(), bytes=1 << 30
    )
    return raw.request(Op.PUT_ARTIFACT, message, more=True)


def test_a_client_may_send_byte_by_byte(server: Server) -> None:
    with Raw(server.port, b"A") as raw:
        whole = PREFACE + frame(
            1, Op.READ, 1, read_request().SerializeToString(), keys_of(["known"])
        )
        for place in range(1, len(whole)):
            raw.socket.sendall(whole[place : place + 1])
            if place % 20 == 0:
                with Raw(server.port) as other:
                    assert other.is_alive()
        assert raw.exactly(8) == b"ALUL\x01\0\0\0" and raw.last(1).kind == Kind.RESPONSE


def test_half_a_connection_is_closed(server: Server) -> None:
    with Raw(server.port) as raw:
        idle_upload(raw)
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.closed()


def test_those_who_connect_and_say_nothing_hold_up_nobody(server: Server) -> None:
    silent = [Raw(server.port, b"") for _ in range(300)]
    others_are_answered(server)
    for raw in silent:
        raw.socket.close()


def test_a_cancelled_call_ends_and_frees_its_thread(server: Server) -> None:
    with Raw(server.port) as raw:
        for turn in range(200):
            call = [big_artifact, idle_upload, idle_spine][turn % 3](raw)
            raw.send(Kind.CANCEL, 0, call)
            assert raw.last(call).failure.code == 1
        others_are_answered(server)


def test_a_call_past_its_deadline_fails_and_says_what_a_write_may_do(server: Server) -> None:
    late = head(timeout_ms=50)
    with Raw(server.port) as raw:
        message = artifacts_pb2.PutArtifactRequest(head=late, digest="ef" * 32, bytes=5)
        failure = raw.last(raw.request(Op.PUT_ARTIFACT, message, more=True)).failure
        assert (
            failure.code == 4 and "50 ms" in failure.message and "same request id" in failure.help
        )
        get = artifacts_pb2.ArtifactRequest(head=late, digest=BIG_DIGEST)
        call = raw.request(Op.GET_ARTIFACT, get)
        while (got := raw.receive()).kind == Kind.ITEM:
            pass  # nothing is granted, so that the stream stands still
        assert got.call == call and got.failure.code == 4
        assert raw.is_alive()
