"""A line through TLS: bytes arrive in pieces of any size, late, or not to the end."""

from __future__ import annotations

import random
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from alula._secure import SecureLine

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


class Counting(socket.socket):
    """A socket that counts how often it was read."""

    reads = 0

    def recv_into(self, *given: object) -> int:  # type: ignore[override]
        self.reads += 1
        return super().recv_into(*given)  # type: ignore[arg-type]


class Far:
    """The other end: what it seals is sent when, and in what pieces, the test says."""

    def __init__(self, connected: socket.socket, context: ssl.SSLContext) -> None:
        self.socket = connected
        self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.arrived, self.leaving, server_side=True)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.leaving.read())
                self.arrived.write(self.socket.recv(65536))
        self.socket.sendall(self.leaving.read())

    def sealed(self, data: bytes) -> bytes:
        sent = 0
        while sent < len(data):
            sent += self.tls.write(data[sent:])
        return self.leaving.read()

    def received(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                data += self.tls.read(size - len(data))
            except ssl.SSLWantReadError:
                self.arrived.write(self.socket.recv(65536))
        return data


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("tls")
    chain, key = place / "chain.pem", place / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(chain)],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


@pytest.fixture
def pair(certificate: tuple[Path, Path]) -> Iterator[tuple[SecureLine, Far, Counting]]:
    chain, key = certificate
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    near, far = socket.socketpair()
    counting = Counting(near.family, near.type, near.proto, near.detach())
    other = Far(far, server)
    thread = threading.Thread(target=other.shake_hands)
    thread.start()
    line = SecureLine(counting, ssl.create_default_context(cafile=str(chain)), "127.0.0.1")
    line.shake_hands()
    thread.join()
    yield line, other, counting
    line.close()
    far.close()


def taken(line: SecureLine, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(65536)
        assert part, "the end came too early"
        data += bytes(part)
    return data


Pair = tuple[SecureLine, Far, Counting]


def test_what_comes_in_pieces_is_what_was_sent(pair: Pair) -> None:
    line, far, _ = pair
    draw = random.Random(7)
    for size, largest in [(1, 1), (300, 1), (40_000, 5), (40_000, 16_401), (300_000, 70_000)]:
        data = draw.randbytes(size)
        sealed = far.sealed(data)

        def send(sealed: bytes = sealed, largest: int = largest) -> None:
            at = 0
            while at < len(sealed):
                count = draw.randint(1, largest)
                far.socket.sendall(sealed[at : at + count])
                at += count

        sender = threading.Thread(target=send)
        sender.start()
        assert taken(line, size) == data
        sender.join()


def test_an_answer_of_three_records_takes_one_system_call(pair: Pair) -> None:
    line, far, counting = pair
    data = random.Random(1).randbytes(40_960)
    far.socket.sendall(far.sealed(data))
    before = counting.reads
    assert bytes(line.recv(65536)) == data
    assert counting.reads == before + 1


def test_room_for_less_than_has_come_leaves_the_rest(pair: Pair) -> None:
    line, far, counting = pair
    data = random.Random(2).randbytes(50_000)
    far.socket.sendall(far.sealed(data))
    parts = [bytes(line.recv(16)), bytes(line.recv(20_000))]
    before = counting.reads
    parts.append(taken(line, 50_000 - 20_016))
    assert b"".join(parts) == data and counting.reads == before


def test_a_wait_that_runs_out_of_time_loses_nothing(pair: Pair) -> None:
    line, far, _ = pair
    line.settimeout(None)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 20_000))
    data = random.Random(3).randbytes(20_000)
    sealed = far.sealed(data)
    got = b""
    for first in range(0, len(sealed), 7_000):
        with pytest.raises(BlockingIOError):
            got += bytes(line.recv(65536))
            got += bytes(line.recv(65536))
        far.socket.sendall(sealed[first : first + 7_000])
    assert got + taken(line, len(data) - len(got)) == data


@pytest.mark.parametrize("keep", [0, 3, 900, 16_500])
def test_an_end_in_the_middle_is_an_end(pair: Pair, keep: int) -> None:
    line, far, _ = pair
    sealed = far.sealed(bytes(30_000))
    far.socket.sendall(sealed[:keep])
    far.socket.shutdown(socket.SHUT_WR)
    whole = 16_384 if keep > 16_406 else 0
    assert len(taken(line, whole)) == whole
    assert line.recv(65536) == b"" and line.recv(65536) == b""


def test_bytes_changed_on_the_way_are_refused(pair: Pair) -> None:
    line, far, _ = pair
    sealed = bytearray(far.sealed(bytes(1_000)))
    sealed[500] ^= 1
    far.socket.sendall(sealed)
    with pytest.raises(ssl.SSLError):
        line.recv(65536)


def test_much_is_sent_whole(pair: Pair) -> None:
    line, far, _ = pair
    data = random.Random(4).randbytes(1_000_000)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(far.received(len(data))))
    reader.start()
    assert line.send(data) == len(data)
    reader.join()
    assert got == [data]
