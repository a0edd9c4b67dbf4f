"""What TLS and a token cost: the same read over a plain connection, one with a token, and one with TLS and a token.

    Benchmarks/trust.py --entities 100 --features 50

One connection each, calls in turn (interleaved), so that whatever else the machine does meets all of them. `raw` is a
socket that sends bytes made before and takes the frame of the answer whole; `client` is `store.read(…).to_numpy()`.
"""
from __future__ import annotations

import argparse
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import alula
from alula._frames import HEADER, PREFACE, Kind, Op
from alula._proto import common_pb2, features_pb2, trust_pb2
from server import BINARY, table

ENTITIES = 100_000


def frame(operation: int, call: int, message: Any, data: bytes = b"") -> bytes:
    control = message.SerializeToString()
    payload = control + (bytes(-len(control) % 8) + data if data else b"")
    return HEADER.pack(len(payload), Kind.REQUEST, 0, operation, call, len(control)) + payload


class Raw:
    """One connection of sockets and bytes."""

    def __init__(self, address: str, ca: str | None, token: str | None) -> None:
        host, port = address.split("//")[1].split(":")
        self.socket: socket.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.startswith("alulas"):
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["alula/1"])
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
        self.buffer = memoryview(bytearray(4 << 20))
        self.socket.sendall(PREFACE)
        self.take(8)
        if token:
            self.ask(frame(Op.AUTHENTICATE, 1, trust_pb2.AuthenticateRequest(token=token)))

    def take(self, count: int, at: int = 0) -> None:
        while at < count:
            got = self.socket.recv_into(self.buffer[at:], len(self.buffer) - at)
            if not got:
                raise SystemExit("the server closed the connection")
            at += got
        self.end = at

    def ask(self, request: bytes) -> int:
        """Bytes of the answer, one frame."""
        self.socket.sendall(request)
        self.end = 0
        self.take(HEADER.size)
        length, kind, *_ = HEADER.unpack(self.buffer[: HEADER.size])
        self.take(HEADER.size + length, self.end)
        if kind != Kind.RESPONSE:
            failure = common_pb2.Failure.FromString(bytes(self.buffer[HEADER.size : HEADER.size + length]))
            raise SystemExit(f"the read failed: {failure.message or kind}")
        return int(length)


class Guarded:
    """A server with a certificate of an authority of its own, or without."""

    def __init__(self, place: str, tls: bool, token: bool) -> None:
        self.data = f"{place}/{tls}-{token}"
        self.token = None
        if token:
            command = [BINARY, "token", "create", "bench", "--roles", "admin,reader,writer,definer", "--data", self.data]
            self.token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.ca = f"{place}/ca.pem" if tls else None
        options = ["--tls-cert", f"{place}/server.pem", "--tls-key", f"{place}/server.key"] if tls else []
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--http", "none", *options],
            stdout=subprocess.PIPE, text=True,
        )
        self.address = next(line for line in self.process.stdout if "listening" in line).split()[-1]

    def connect(self) -> alula.Store:
        return alula.connect(self.address, token=self.token, tls_ca=self.ca, project="trust", timeout=60)


def certificates(place: str) -> None:
    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
    run("req", "-new", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(f"{place}/ext", "w") as file:
        file.write("subjectAltName=IP:127.0.0.1\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "ext", "-out", "server.pem")


def load(store: alula.Store, features: int) -> None:
    names = [f"f{number}" for number in range(features)]
    store.apply(
        "project: trust\nentities: [{name: user, keys: {user_id: int64}}]\nviews:\n  - {name: v, entity: user, features: {"
        + ", ".join(f"{name}: float64" for name in names) + "}}\nservices: [{name: s, features: ['v:*']}]\n"
    )
    random = np.random.default_rng(1)
    store.load("v", {
        "user_id": np.arange(ENTITIES), "event_time": np.full(ENTITIES, 1_700_000_000_000_000).astype("M8[us]"),
        **{name: random.random(ENTITIES) for name in names},
    }, progress=False)


def request(keys: np.ndarray, plan: int) -> bytes:
    field = common_pb2.Field(name="user_id", type=common_pb2.ValueType(scalar=3))
    message = features_pb2.ReadRequest(
        head=common_pb2.CallHead(project="trust"), service="s", schema=common_pb2.Schema(fields=[field])
    )
    del plan
    data = len(keys).to_bytes(4, "little") + (1).to_bytes(2, "little") + bytes(3)
    data += bytes(-len(data) % 8) + keys.astype("<i8").tobytes()
    return frame(Op.READ, 7, message, data)


def interleaved(calls: dict[str, Callable[[int], object]], rounds: int) -> dict[str, list[float]]:
    """Microseconds of each call, one of each kind after the other."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(-rounds // 10, rounds):
        for place in range(len(names)):
            name = names[(place + number) % len(names)]
            begun = time.perf_counter_ns()
            calls[name](number)
            if number >= 0:
                times[name].append((time.perf_counter_ns() - begun) / 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=100)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3_000)
    given = parser.parse_args()
    place = tempfile.mkdtemp(prefix="alula-trust-")
    servers: dict[str, Guarded] = {}
    try:
        certificates(place)
        for name, tls, token in [("plain", False, False), ("token", False, True), ("TLS and token", True, True)]:
            servers[name] = Guarded(place, tls, token)
            with servers[name].connect() as store:
                load(store, given.features)
        random = np.random.default_rng(2)
        keys = [random.integers(0, ENTITIES, given.entities) for _ in range(1_000)]
        requests = [request(some, 0) for some in keys]
        raws = {name: Raw(server.address, server.ca, server.token) for name, server in servers.items()}
        stores = {name: server.connect() for name, server in servers.items()}
        results = []
        for kind, calls in [
            ("raw", {name: lambda n, raw=raw: raw.ask(requests[n % 1_000]) for name, raw in raws.items()}),
            ("client", {
                name: lambda n, store=store: store.read("s", {"user_id": keys[n % 1_000]}).to_numpy()
                for name, store in stores.items()
            }),
        ]:
            times = interleaved(calls, given.rounds)
            plain = statistics.median(times["plain"])
            for name, taken in times.items():
                pairs = [one / other for one, other in zip(taken, times["plain"])]
                results.append({
                    "read": kind, "connection": name, "p50 us": statistics.median(taken),
                    "p99 us": sorted(taken)[len(taken) * 99 // 100],
                    "of medians": statistics.median(taken) / plain, "median of pairs": statistics.median(pairs),
                })
        print(table(results))
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait(60)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
