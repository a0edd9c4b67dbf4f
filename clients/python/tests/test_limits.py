"""Limits of a server against peers that are slow, silent, greedy or many: each is named where it is met, and
nobody else waits."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from raw_client import (
    DEFINITIONS,
    LIMIT,
    ROW_TYPES,
    Raw,
    batch,
    frame,
    head,
    keys_of,
    push_request,
    read_request,
    rows_of,
    schema,
)
from server_process import Server, needs_server
from torture.faults import Faults
from torture.faults import Kind as CallKind
from waiting import wait_until

from alula._frames import PREFACE, Kind, Op
from alula._proto import artifacts_pb2, common_pb2, training_pb2

pytestmark = needs_server

BIG = os.urandom(1 << 20) * 12


@contextmanager
def serving(directory: Path, *limits: str, faults: Faults | None = None) -> Iterator[Server]:
    server = Server(directory)
    server.options = [word for limit in limits for word in ("--limit", limit)]
    if faults is not None:
        server.environment = faults.environment()
    server.start()
    try:
        with server.connect() as store:
            store.apply(DEFINITIONS)
        with Raw(server.port) as raw:
            assert raw.ask(Op.PUSH, push_request(), rows_of(["known"])).kind == Kind.RESPONSE
        yield server
        assert server.stop() == 0
    finally:
        server.kill()


def upload(content: bytes, announced: int | None = None, timeout_ms: int = 0) -> Any:
    return artifacts_pb2.PutArtifactRequest(
        head=head(timeout_ms=timeout_ms), digest=hashlib.sha256(content).hexdigest(),
        bytes=len(content) if announced is None else announced,
    )  # fmt: skip


def put(server: Server, content: bytes, place: Path) -> None:
    place.write_bytes(content)
    with server.connect("abuse") as store:
        store.put_artifact(place)


def get(content: bytes) -> Any:
    digest = hashlib.sha256(content).hexdigest()
    return artifacts_pb2.ArtifactRequest(head=head(request_id=b""), digest=digest)


def read_takes(server: Server) -> float:
    """Seconds of a read on a connection of its own."""
    begun = time.monotonic()
    with Raw(server.port) as raw:
        assert raw.ask(Op.READ, read_request(), keys_of(["known"])).kind == Kind.RESPONSE
    return time.monotonic() - begun


def test_who_takes_nothing_of_what_is_written_is_let_go(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "stall-seconds=1", "stream-idle-seconds=60") as server:
        put(server, BIG, tmp_path / "big")
        taker = socket.create_connection(("127.0.0.1", server.port), LIMIT)
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw = Raw(server.port, preface=b"")
        raw.socket.close()
        raw.socket = taker
        taker.sendall(PREFACE)
        assert raw.exactly(8) == b"ALUL\x01\0\0\0"
        raw.request(Op.GET_ARTIFACT, get(BIG))
        for _ in range(2):
            window = common_pb2.Window(bytes=6 << 20)
            raw.send(Kind.WINDOW, Op.GET_ARTIFACT, 1, window.SerializeToString())
        until = time.monotonic() + LIMIT
        while "alula_connections 0" not in server.page("/metrics")[1]:
            assert time.monotonic() < until, "the server holds on to who takes nothing"
            assert read_takes(server) < LIMIT
            time.sleep(0.2)
        # What stands in the system's buffers would take minutes to arrive.
        raw.socket.close()


def test_a_stream_that_its_client_holds_up_ends_and_the_connection_lives(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "stream-idle-seconds=1") as server, Raw(server.port) as raw:
        put(server, BIG, tmp_path / "big")
        call = raw.request(Op.GET_ARTIFACT, get(BIG))
        while (got := raw.receive()).kind == Kind.ITEM:
            pass  # taken, and nothing granted again
        assert got.call == call and got.kind == Kind.ERROR
        assert got.failure.code == 4 and "(stream-idle-seconds)" in got.failure.message
        call = raw.request(Op.PUT_ARTIFACT, upload(b"", announced=10), more=True)
        got = raw.last(call)
        assert "(stream-idle-seconds)" in got.failure.message
        assert raw.is_alive()


def test_streams_of_one_connection_beyond_the_limit_wait_their_turn(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "streams-per-connection=2") as server, Raw(server.port) as raw:
        idle = [
            raw.request(Op.PUT_ARTIFACT, upload(b"idle", announced=4), more=True) for _ in range(2)
        ]
        waiting = raw.request(Op.PUT_ARTIFACT, upload(b"third"), more=True)
        raw.send(Kind.ITEM, Op.PUT_ARTIFACT, waiting, data=b"third")
        raw.send(Kind.END, Op.PUT_ARTIFACT, waiting)
        # Short calls go by; another connection has streams of its own.
        assert raw.is_alive()
        with Raw(server.port) as other:
            call = other.request(Op.PUT_ARTIFACT, upload(b"other"), more=True)
            other.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=b"other")
            other.send(Kind.END, Op.PUT_ARTIFACT, call)
            assert other.last(call).kind == Kind.RESPONSE
        raw.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            raw.socket.recv(1)
        raw.socket.settimeout(LIMIT)
        raw.send(Kind.CANCEL, Op.PUT_ARTIFACT, idle[0])
        answers = {got.call: got for got in (raw.receive(), raw.receive())}
        assert answers[idle[0]].failure.code == 1
        assert answers[waiting].kind == Kind.RESPONSE


def test_streams_that_are_cancelled_while_they_wait_leave_nothing(tmp_path: Path) -> None:
    def resident(server: Server) -> int:
        assert server.process is not None
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    with serving(tmp_path / "data", "streams-per-connection=2") as server, Raw(server.port) as raw:
        for _ in range(2):
            raw.request(Op.PUT_ARTIFACT, upload(b"idle", announced=4), more=True)

        def cancel_many(count: int) -> None:
            for _ in range(count):
                call = raw.request(
                    Op.PUT_ARTIFACT, upload(b"x", announced=1), data=bytes(900_000), more=True
                )
                raw.send(Kind.CANCEL, Op.PUT_ARTIFACT, call)
                assert raw.last(call).kind == Kind.ERROR

        cancel_many(10)
        before = resident(server)
        cancel_many(200)
        assert resident(server) - before < 60 << 20
        assert raw.is_alive()


def test_no_deadline_is_longer_than_the_limit(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "deadline-seconds=1") as server, Raw(server.port) as raw:
        begun = time.monotonic()
        asked = upload(b"x" * 10, timeout_ms=600_000)
        late = raw.request(Op.PUT_ARTIFACT, asked, more=True)
        got = raw.last(late)
        assert got.failure.code == 4 and "1000 ms" in got.failure.message
        assert 0.9 < time.monotonic() - begun < LIMIT
        # A stream without one has none.
        call = raw.request(Op.PUT_ARTIFACT, upload(b"ten bytes!"), more=True)
        time.sleep(1.5)
        raw.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=b"ten bytes!")
        raw.send(Kind.END, Op.PUT_ARTIFACT, call)
        assert raw.last(call).kind == Kind.RESPONSE


def test_pushes_that_wait_for_a_slow_disk_are_bounded_in_bytes(tmp_path: Path) -> None:
    """Some are refused, none is lost or done twice, and reads go on meanwhile."""
    (tmp_path / "disk").mkdir()
    faults = Faults(tmp_path / "disk", tmp_path / "faults")
    with serving(tmp_path / "disk" / "data", faults=faults) as server:
        faults.slow(CallKind.SYNC, 1.0, only="/online/")
        pushes = 150
        wide = "w" * 225_000
        accepted, refused, slowest = 0, 0, 0.0
        raws = [Raw(server.port) for _ in range(3)]
        for number in range(pushes):
            rows = batch(
                ROW_TYPES,
                {
                    "k": [f"{number}-{row}" for row in range(4)], "n": [1] * 4,
                    "@event_time": [1_700_000_000_000_000] * 4, "x": [0.5] * 4, "i": [7] * 4,
                    "s": [wide] * 4,
                },
            )  # fmt: skip
            raws[number % 3].request(Op.PUSH, push_request(), rows)
        for _ in range(5):
            slowest = max(slowest, read_takes(server))
        faults.disarm()
        for index, raw in enumerate(raws):
            raw.socket.settimeout(60)
            for _ in range(pushes // 3):
                got = raw.receive()
                if got.kind == Kind.RESPONSE:
                    accepted += 1
                    continue
                assert got.failure.code == 8, got.failure
                refused += 1
            raw.socket.close()
        assert refused > 0 and accepted > 32, (accepted, refused)
        assert slowest < 5, f"a read took {slowest} s behind slow writes"
        with server.connect("abuse") as store:
            found = store.export("v").read_all().num_rows
        assert found == 4 * accepted + 1


def test_ten_thousand_silent_connections_disturb_nobody(tmp_path: Path, capsys: Any) -> None:
    wanted = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 1_000:
        wanted = hard - 1_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 1_000), hard))
    silent: list[socket.socket] = []
    try:
        with serving(tmp_path / "data", "opening-seconds=3600") as server:
            before = server.memory()
            alone = sorted(read_takes(server) for _ in range(30))[15]
            for number in range(wanted):
                one = socket.create_connection(("127.0.0.1", server.port), LIMIT)
                silent.append(one)
                if number % 2:  # some have said hello, some not even that
                    one.sendall(PREFACE if number % 4 == 1 else PREFACE + frame(1, 1, 1)[:9])
            wait_until(lambda: f"alula_connections {wanted}" in server.page("/metrics")[1])
            with_all = sorted(read_takes(server) for _ in range(30))[15]
            taken = server.memory() - before
            with Raw(server.port) as raw:
                assert raw.ask(Op.PUSH, push_request(), rows_of(["more"])).kind == Kind.RESPONSE
            with capsys.disabled():
                print(
                    f"\n{wanted} silent connections: {taken / wanted / 1024:.1f} KiB each; "
                    f"connect and read {1e3 * alone:.2f} ms alone, {1e3 * with_all:.2f} ms beside them"
                )
            assert taken < wanted * 64 * 1024
            assert with_all < 10 * alone + 0.1
            for one in silent:
                one.close()
    finally:
        for one in silent:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_http_port_takes_so_many_connections_and_lets_others_wait(tmp_path: Path) -> None:
    def connect() -> socket.socket:
        line = socket.create_connection(("127.0.0.1", server.health), 20)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return line

    with serving(tmp_path / "data") as server:
        held = [connect() for _ in range(256)]
        for line in held:
            assert line.recv(4_096).startswith(b"HTTP/1.1 200")
        one_more = connect()
        one_more.settimeout(0.5)
        with pytest.raises(TimeoutError):
            one_more.recv(4_096)
        held.pop().close()
        one_more.settimeout(20)
        assert one_more.recv(4_096).startswith(b"HTTP/1.1 200")
        for line in (*held, one_more):
            line.close()


def test_training_sets_that_do_not_fit_beside_others_are_refused(tmp_path: Path) -> None:
    """While the spine arrives; reads go on, and there is room when the others are done."""
    types = {"k": "string", "n": "int64", "event_time": "timestamp"}
    count = 20_000
    rows: dict[str, Any] = {"k": ["known"] * count, "n": [1] * count, "event_time": range(count)}
    spine = batch(types, rows)
    with serving(tmp_path / "data", "working-bytes=1048576") as server, Raw(server.port) as raw:

        def begin(data: bytes) -> int:
            message = training_pb2.MakeTrainingSetRequest(
                head=head(), service="s", schema=schema(types), event_time="event_time"
            )
            call = raw.request(Op.MAKE_TRAINING_SET, message, more=True)
            raw.send(Kind.ITEM, Op.MAKE_TRAINING_SET, call, data=data)
            return call

        def working() -> int:
            found = re.search(r"^alula_working_bytes (\d+)", server.page("/metrics")[1], re.M)
            return int(found[1]) if found else -1

        calls = [begin(spine) for _ in range(9)]
        while (got := raw.receive()).kind != Kind.ERROR:
            pass
        refused = got.failure
        assert refused.code == 8 and "(working-bytes)" in refused.message, refused
        ended = {got.call: got.kind}
        assert 0 < working() <= 1 << 20
        assert read_takes(server) < LIMIT
        for call in calls:
            raw.send(Kind.END, Op.MAKE_TRAINING_SET, call)
        while len(ended) < len(calls):
            got = raw.receive()
            if got.kind in (Kind.RESPONSE, Kind.ERROR):
                ended[got.call] = got.kind
        assert Kind.RESPONSE in ended.values(), "those who were there before are made"
        again = begin(spine)
        raw.send(Kind.END, Op.MAKE_TRAINING_SET, again)
        assert raw.last(again).kind == Kind.RESPONSE
        assert working() == 0
