"""The connection against a small server: split frames, errors, lost connections, retries, credit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_server import (
    CANCEL,
    END,
    ERROR,
    ITEM,
    REQUEST,
    WINDOW,
    FakeServer,
    Frame,
    Peer,
    frame_bytes,
)

import alula
from alula._endpoint import parse_address
from alula._frames import HEADER, Kind, Op, decode_header
from alula._proto import common_pb2, features_pb2, registry_pb2, server_pb2
from alula._session import Session
from alula._transport import Transport
from alula._types import MAX_CONTROL_BYTES

STATUS = server_pb2.StatusResponse(version="9", data_directory="/d")


def session_to(server: FakeServer, timeout: float = 5) -> Session:
    return Session(Transport(server.address, timeout), "p")


def test_an_answer_comes_back_with_the_project_in_the_head() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        head = common_pb2.HeadOnly.FromString(frame.control).head
        assert (head.project, head.request_id, head.timeout_ms) == ("p", b"", 5000)
        peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        store = alula.connect(server.address, project="p", timeout=5)
        assert store.status().version == "9"
        assert store.status().data_directory == "/d"
        assert server.connections == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 16, 17, 31])
def test_frames_split_anywhere_are_put_together(size: int) -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        raw = frame_bytes(
            2, frame.operation, frame.call, STATUS.SerializeToString(), b"12345678" * 5
        )
        raw = frame_bytes(2, 1, 4_000_000, b"unknown calls are ignored") + raw
        for start in range(0, len(raw), size):
            peer.send(raw[start : start + size])
            if start < 40:
                time.sleep(0.001)

    with FakeServer(handle) as server:
        session = session_to(server)
        for _ in range(3):
            answer, data = session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse)
            assert (answer.version, bytes(data)) == ("9", b"12345678" * 5)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 100_000, (1 << 20) - 16])
def test_data_of_every_size_arrives_whole(size: int) -> None:
    blob = os.urandom(size)

    def handle(peer: Peer, frame: Frame) -> None:
        peer.respond(frame, STATUS, blob)
        peer.send(b"")

    with FakeServer(handle) as server:
        session = session_to(server)
        for _ in range(3):
            _, data = session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse)
            assert bytes(data) == blob


@pytest.mark.parametrize(
    "code, kind",
    [
        (3, alula.InvalidArgument), (5, alula.NotFound), (9, alula.Refused), (8, alula.ResourceExhausted),
        (13, alula.InternalError), (12, alula.Unimplemented), (99, alula.AlulaError),
    ],
)  # fmt: skip
def test_an_error_becomes_its_exception_and_the_connection_lives(code: int, kind: Any) -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if len(server.frames) == 1:
            peer.fail(frame, code, "it is so", help="do this", details=["a", "b"], retry=2)
        else:
            peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(kind) as caught:
            store.status()
        error = caught.value
        assert (error.message, error.help, error.details, error.retry) == (
            "it is so", "do this", ["a", "b"], 2,
        )  # fmt: skip
        assert store.status().version == "9"
        assert server.connections == 1


def test_a_read_is_sent_again_after_a_lost_connection() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if server.connections < 3:
            peer.hang_up()
        peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        assert alula.connect(server.address).status().version == "9"
        assert server.connections == 3


def test_a_write_is_sent_again_with_the_same_request_id() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if server.connections < 3:
            peer.hang_up()
        if len(server.requests(Op.START_RUN)) == 3:
            peer.fail(frame, 14, "starting", retry=1)
        else:
            peer.respond(frame, registry_pb2.Run(id="run-1"))

    with FakeServer(handle) as server:
        assert alula.connect(server.address).run("e", code_revision="").id == "run-1"
        sent = [
            registry_pb2.StartRunRequest.FromString(f.control)
            for f in server.requests(Op.START_RUN)
        ]
        assert len(sent) == 4
        assert len({message.head.request_id for message in sent}) == 1
        assert len(sent[0].head.request_id) == 16


def test_two_writes_have_two_request_ids() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        peer.respond(frame, registry_pb2.Run(id="run-1"))

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        store.run("e", code_revision="")
        store.run("e", code_revision="")
        ids = {
            registry_pb2.StartRunRequest.FromString(f.control).head.request_id
            for f in server.requests(Op.START_RUN)
        }
        assert len(ids) == 2


def test_other_errors_are_not_repeated() -> None:
    with FakeServer(lambda peer, frame: peer.fail(frame, 8, "full", retry=1)) as server:
        with pytest.raises(alula.ResourceExhausted):
            alula.connect(server.address).status()
        assert len(server.frames) == 1


def test_a_server_that_stays_away_is_unavailable_after_some_tries(monkeypatch: Any) -> None:
    monkeypatch.setattr("alula._transport._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("alula._transport._LONGEST_PAUSE", 0.001)
    with FakeServer(lambda peer, frame: peer.hang_up()) as server:
        with pytest.raises(alula.Unavailable):
            alula.connect(server.address).status()
        assert server.connections == 8


def test_no_server_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(alula.Unavailable, match="no server answers") as caught:
        alula.connect(f"alula://127.0.0.1:{port}")
    assert "alula serve" in caught.value.help


def test_another_protocol_is_said_so() -> None:
    with FakeServer(lambda peer, frame: None, preface=b"HTTP/1.1") as server:
        with pytest.raises(alula.DataLoss, match="does not speak"):
            alula.connect(server.address).status()


def test_no_common_version_is_said_so() -> None:
    with FakeServer(lambda peer, frame: None, preface=b"ALUL\x00\x00\x00\x00") as server:
        with pytest.raises(alula.DataLoss, match="no protocol version"):
            alula.connect(server.address).status()


def test_an_error_of_call_0_ends_the_connection_with_its_reason() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        failure = common_pb2.Failure(code=3, message="broken frame")
        peer.send(frame_bytes(ERROR, 0, 0, failure.SerializeToString()))

    with FakeServer(handle) as server:
        with pytest.raises(alula.InvalidArgument, match="broken frame"):
            alula.connect(server.address).status()


@pytest.mark.parametrize("header", [b"\xff" * 16, frame_bytes(9, 1, 1), bytes(16)])
def test_a_frame_that_breaks_the_rules_ends_the_connection(header: bytes) -> None:
    with FakeServer(lambda peer, frame: peer.send(header)) as server:
        with pytest.raises(alula.DataLoss):
            alula.connect(server.address, timeout=5).status()


def test_a_call_past_its_deadline_is_cancelled_and_the_connection_lives() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if frame.kind == REQUEST and len(server.requests(Op.STATUS)) > 1:
            peer.respond(server.frames[0], server_pb2.StatusResponse(version="too late"))
            peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        session = session_to(server, timeout=0.1)
        with pytest.raises(alula.DeadlineExceeded):
            session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse)
        answer, _ = session.call(
            Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=5
        )
        assert answer.version == "9"
        assert [f.kind for f in server.frames] == [REQUEST, CANCEL, REQUEST]
        assert server.connections == 1


def test_many_threads_get_their_own_answers_on_connections_of_their_own() -> None:
    waiting: list[tuple[Peer, Frame]] = []
    lock = threading.Lock()

    def handle(peer: Peer, frame: Frame) -> None:
        with lock:
            waiting.append((peer, frame))
            if len(waiting) < 4:
                return
            batch = waiting[::-1]
            waiting.clear()
        for one, request in batch:
            name = registry_pb2.ListVersionsRequest.FromString(request.control).model
            one.respond(
                request, registry_pb2.Versions(versions=[registry_pb2.ModelVersion(model=name)])
            )

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        wrong: list[str] = []

        def work(me: int) -> None:
            for turn in range(50):
                name = f"m{me}-{turn}"
                if store.versions(name)[0].model != name:
                    wrong.append(name)

        threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not wrong and len(server.frames) == 200
        assert server.connections == 4


def test_a_slow_call_of_one_thread_does_not_hold_up_another() -> None:
    release = threading.Event()
    slow: list[Frame] = []

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.LIST_MODELS:
            slow.append(frame)
            threading.Thread(target=lambda: (release.wait(10), peer.respond(frame))).start()
        else:
            peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(store.models()))
        thread.start()
        while not slow:
            time.sleep(0.001)
        assert store.status().version == "9"
        assert not done
        release.set()
        thread.join(10)
        assert done == [[]]


@pytest.mark.parametrize("part", [1, 7, 600, 4_096, 1 << 19])
def test_an_item_in_parts_arrives_whole_at_a_slow_server(part: int) -> None:
    """More parts than one system call takes, empty ones among them, and a full socket."""
    blob = os.urandom(min(part * 3_000, 1 << 20) - 64)
    parts: list[Any] = []
    for start in range(0, len(blob), part):
        parts += [memoryview(blob)[start : start + part], b""]
    arrived: list[bytes] = []

    def handle(peer: Peer, frame: Frame) -> None:
        time.sleep(0.01)
        if frame.kind == ITEM:
            arrived.append(frame.data)
        elif frame.kind == END:
            peer.respond(frame, common_pb2.Empty())

    with FakeServer(handle) as server:
        session_to(server).stream(
            Op.PUT_ARTIFACT, common_pb2.HeadOnly(), common_pb2.Empty,
            lambda: ([(b"control", parts)] * 3, lambda c, d: None), upload=True, timeout=20,
        )  # fmt: skip
    assert arrived == [blob] * 3


def test_an_upload_waits_for_credit_and_stops_when_the_call_ends() -> None:
    taken = 0
    granted = threading.Event()

    def handle(peer: Peer, frame: Frame) -> None:
        nonlocal taken
        if frame.kind != ITEM:
            return
        taken += frame.size
        assert taken <= (4 << 20) + (1 << 20)
        if taken + (1 << 19) > (4 << 20) and not granted.is_set():
            granted.set()
            window = common_pb2.Window(bytes=1 << 20)
            peer.send(frame_bytes(WINDOW, frame.operation, frame.call, window.SerializeToString()))
        elif taken >= 5 << 20:
            peer.respond(frame, common_pb2.Empty())

    def endless() -> Iterator[tuple[bytes, bytes]]:
        while True:
            yield b"", bytes(1 << 19)

    with FakeServer(handle) as server:
        session_to(server).stream(
            Op.PUT_ARTIFACT, common_pb2.HeadOnly(), common_pb2.Empty,
            lambda: (endless(), lambda c, d: None), upload=True, write=True, timeout=20,
        )  # fmt: skip
        assert taken == 5 << 20
        assert END not in [f.kind for f in server.frames]


def test_a_download_grants_what_it_has_consumed() -> None:
    total, credit = 12 << 20, 4 << 20
    piece = bytes(1 << 18)

    def handle(peer: Peer, frame: Frame) -> None:
        left, allowed = total, credit
        while left:
            while allowed < len(piece):
                window = peer.next_frame()
                assert window.kind == WINDOW
                allowed += common_pb2.Window.FromString(window.control).bytes
            peer.item(frame, None, piece)
            allowed -= len(piece)
            left -= len(piece)
        peer.respond(frame, common_pb2.Empty())

    with FakeServer(handle) as server:
        seen: list[int] = []
        session_to(server).stream(
            Op.GET_ARTIFACT, common_pb2.HeadOnly(), common_pb2.Empty,
            lambda: ((), lambda c, d: seen.append(len(d))), timeout=20,
        )  # fmt: skip
        assert sum(seen) == total


def test_a_failing_source_cancels_its_upload() -> None:
    def broken() -> Iterator[tuple[bytes, bytes]]:
        yield b"", b"one"
        raise ValueError("the disk is gone")

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.STATUS:
            peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        session = session_to(server)
        with pytest.raises(ValueError):
            session.stream(
                Op.STAGE_ROWS, common_pb2.HeadOnly(), common_pb2.Empty,
                lambda: (broken(), lambda c, d: None), upload=True,
            )  # fmt: skip
        session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse)
        while len(server.frames) < 4:
            time.sleep(0.001)
        assert server.connections == 2  # streams have one of their own
        sent = [f.kind for f in server.frames if f.operation == Op.STAGE_ROWS]
        assert sent == [REQUEST, ITEM, CANCEL]


def test_a_stream_is_begun_again_with_the_same_request_id() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if frame.kind == ITEM and len(server.requests(Op.STAGE_ROWS)) == 1:
            peer.item(frame, features_pb2.StageProgress(next_chunk=1))
            peer.hang_up()
        if frame.kind == END:
            peer.respond(frame, features_pb2.StageProgress(next_chunk=2))

    with FakeServer(handle) as server:
        attempts: list[list[bytes]] = []

        def attempt() -> Any:
            attempts.append([])
            return iter([(b"", b"a"), (b"", b"b")]), lambda c, d: attempts[-1].append(bytes(c))

        done = session_to(server).stream(
            Op.STAGE_ROWS, features_pb2.StageRowsRequest(import_id="i"), features_pb2.StageProgress,
            attempt, upload=True, write=True,
        )  # fmt: skip
        assert done.next_chunk == 2 and len(attempts) == 2
        first, second = server.requests(Op.STAGE_ROWS)
        assert first.control == second.control


def _ask_in_child(store: Any, result: Any) -> None:
    result.put((store.status().version, os.getpid()))


def test_a_child_process_connects_anew() -> None:
    with FakeServer(lambda peer, frame: peer.respond(frame, STATUS)) as server:
        store = alula.connect(server.address)
        store.status()
        context = multiprocessing.get_context("fork")
        result = context.Queue()
        child = context.Process(target=_ask_in_child, args=(store, result))
        child.start()
        version, pid = result.get(timeout=20)
        child.join(20)
        assert version == "9" and pid != os.getpid()
        assert store.status().version == "9"
        assert server.connections == 2


def test_an_interrupt_ends_the_connection_and_the_next_call_has_another() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        if len(server.requests(Op.STATUS)) > 1:
            peer.respond(frame, STATUS)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                store.status()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert store.status().version == "9"
        assert [f.kind for f in server.frames] == [REQUEST, REQUEST]
        assert server.connections == 2


def test_a_closed_store_says_so() -> None:
    with FakeServer(lambda peer, frame: peer.respond(frame, STATUS)) as server:
        with alula.connect(server.address) as store:
            store.status()
        with pytest.raises(alula.InvalidArgument, match="closed"):
            store.status()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("alula://127.0.0.1:7461", ("127.0.0.1", 7461, False)),
        ("alula://host", ("host", 7461, False)),
        ("host:99", ("host", 99, False)),
        ("alulas://host:99", ("host", 99, True)),
        ("alula://[::1]:5", ("::1", 5, False)),
        ("http://host:99", None),
        ("alula://host:99/path", None),
        ("alula://host:x", None),
        ("alula://", None),
    ],
)
def test_addresses(text: str, expected: tuple[str, int, bool] | None) -> None:
    if expected is None:
        with pytest.raises(alula.InvalidArgument):
            parse_address(text)
    else:
        assert parse_address(text) == expected


def test_the_environment_names_server_and_project(monkeypatch: Any) -> None:
    seen: list[str] = []

    def handle(peer: Peer, frame: Frame) -> None:
        seen.append(common_pb2.HeadOnly.FromString(frame.control).head.project)
        peer.respond(frame, STATUS)

    with FakeServer(handle) as server:
        monkeypatch.setenv("ALULA_SERVER", server.address)
        monkeypatch.setenv("ALULA_PROJECT", "credit")
        alula.connect().status()
        assert seen == ["credit"]


def test_errors_survive_pickling() -> None:
    import pickle

    error = alula.Refused("no", "help", ["a"])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.help, again.details) == (
        alula.Refused,
        "no",
        "help",
        ["a"],
    )


def test_a_response_may_be_one_long_list() -> None:
    """What clients send is bounded tighter; pages of the audit log were taken for no server's."""
    long = MAX_CONTROL_BYTES + 1
    head = HEADER.pack(long, Kind.RESPONSE, 0, 0x67, 1, long)
    assert decode_header(head).control == long
    for kind, control in ((Kind.ITEM, long), (Kind.RESPONSE, (1 << 20) + 1)):
        with pytest.raises(alula.DataLoss, match="over its limits"):
            decode_header(HEADER.pack(control, kind, 0, 0x67, 1, control))
