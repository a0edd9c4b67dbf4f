"""Tokens and TLS against a real server: certificates are made by openssl as the tests run."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from certificates import Certificates
from command_line import command, make_token
from server_process import Server, needs_server
from waiting import wait_until

import alula
import alula.aio

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: person, keys: {id: int64}}
views:
  - {name: history, entity: person, features: {due: int64, note: string}}
services:
  - {name: credit, features: ["history:*"]}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.make("server", "localhost", "DNS:localhost,IP:127.0.0.1")
    made.make("robot", "robot")
    return made


class World:
    """A guarded server with TLS, and tokens to call it with."""

    def __init__(self, directory: Path, certificates: Certificates) -> None:
        self.certificates = certificates
        self.data = directory / "data"
        self.root = make_token(self.data, "root", "admin")
        self.all = make_token(self.data, "anna", "reader,writer,trainer,definer,promoter")
        self.robot = str(certificates.directory / "robot.pem")
        made = command("token", "create", "robot", "--roles", "reader", "--data", str(self.data),
                       "--certificate", self.robot)  # fmt: skip
        assert made.returncode == 0 and not made.stdout, made.stderr
        place = certificates.directory
        self.server = Server(
            self.data,
            "--tls-cert", str(place / "server.pem"), "--tls-key", str(place / "server.key"),
            "--tls-client-ca", certificates.ca,
        ).start()  # fmt: skip

    def connect(self, token: str | None = None, **more: str) -> alula.Store:
        return alula.connect(
            self.server.address, token=token, tls_ca=self.certificates.ca, timeout=20, **more
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("guarded"), certificates)
    with made.connect(made.all) as store:
        store.apply(DEFINITIONS)
        rows = {
            "id": np.arange(20_000),
            "event_time": np.full(20_000, np.datetime64("2026-01-01T00:00:00", "us")),
            "due": np.arange(20_000) * 3,
            "note": ["x" * 100] * 20_000,
        }
        store.push("history", {name: values[:5] for name, values in rows.items()})
        store.load("history", rows)
    yield made
    made.server.stop()


def test_calls_through_tls_with_a_token(world: World) -> None:
    assert world.server.address.startswith("alulas://")
    with world.connect(world.all) as store:
        answer = store.read("credit", {"id": list(range(3_000))}).to_pandas()
        assert list(answer["due"]) == [3 * number for number in range(3_000)]
        train = store.training_set(
            "credit", spine={"id": np.arange(20_000), "t": np.full(20_000, np.datetime64("2026-02-01"))},
            event_time="t",
        )  # fmt: skip
        assert train.to_pandas()["due"].sum() == 3 * sum(range(20_000))


def test_many_threads_share_a_store_through_tls(world: World) -> None:
    failures: list[BaseException] = []
    with world.connect(world.all) as store:

        def work(seed: int) -> None:
            try:
                for step in range(30):
                    key = (seed * 31 + step * 7) % 20_000
                    got = store.read("credit", {"id": [key]}).to_pandas()["due"][0]
                    assert got == 3 * key
            except BaseException as error:  # told by the main thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures, failures[0]


def test_an_event_loop_calls_through_tls(world: World) -> None:
    async def main() -> int:
        store = await alula.aio.connect(
            world.server.address, token=world.all, tls_ca=world.certificates.ca
        )
        try:
            answer = await store.read("credit", {"id": [7]})
            return int(answer.to_pandas()["due"][0])
        finally:
            await store.close()

    assert asyncio.run(main()) == 21


def test_a_deadline_holds_through_tls(certificates: Certificates) -> None:
    place = certificates.directory
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "server.pem", place / "server.key")
    context.set_alpn_protocols(["alula/1"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        with context.wrap_socket(peer, server_side=True) as secured:
            while secured.recv(4_096):
                pass

    threading.Thread(target=serve, daemon=True).start()
    store = alula.connect(
        f"alulas://127.0.0.1:{listener.getsockname()[1]}", tls_ca=certificates.ca, timeout=0.5
    )
    begun = time.monotonic()
    with pytest.raises(alula.DeadlineExceeded):
        store.status()
    assert time.monotonic() - begun < 5
    store.close()
    listener.close()


def test_a_server_nobody_vouches_for_is_not_called(world: World) -> None:
    with pytest.raises(alula.Unauthenticated, match="TLS with"):
        alula.connect(world.server.address, token=world.all, timeout=5)
    refused = command("status", "--server", world.server.address, "--token", world.all)
    assert refused.returncode == 1 and "TLS with" in refused.stderr


def test_no_token_and_a_wrong_one(world: World) -> None:
    for token in (None, "alula_" + "0" * 64, "nonsense"):
        with world.connect(token) as store, pytest.raises(alula.Unauthenticated):
            store.status()


def test_a_role_that_is_missing(world: World) -> None:
    with world.connect(world.root) as store:
        store.status()
        with pytest.raises(alula.PermissionDenied, match="read"):
            store.read("credit", {"id": [1]})


def test_a_client_certificate_is_a_token(world: World) -> None:
    key = str(world.certificates.directory / "robot.key")
    with world.connect(tls_cert=world.robot, tls_key=key) as store:
        assert store.read("credit", {"id": [2]}).to_pandas()["due"][0] == 6
        with pytest.raises(alula.PermissionDenied):
            store.apply(DEFINITIONS)
    certificate, other = world.certificates.make("stranger", "robot")
    with world.connect(tls_cert=certificate, tls_key=other) as store:
        with pytest.raises(alula.Unauthenticated):
            store.status()


def test_a_renewed_certificate_is_taken_without_a_restart(world: World) -> None:
    place = world.certificates.directory

    def serial() -> int:
        host, port = world.server.address.removeprefix("alulas://").split(":")
        context = ssl.create_default_context(cafile=world.certificates.ca)
        context.set_alpn_protocols(["alula/1"])
        with socket.create_connection((host, int(port))) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                assert secured.version() == "TLSv1.3"
                assert secured.selected_alpn_protocol() == "alula/1"
                return int(secured.getpeercert()["serialNumber"], 16)  # type: ignore[index]

    before = serial()
    with world.connect(world.all) as store:
        store.status()
        (place / "server.pem").write_text("not a certificate")
        world.server.until_it_says("were not taken")
        assert serial() == before
        world.certificates.make("server", "localhost", "DNS:localhost,IP:127.0.0.1")
        world.server.until_it_says("were read again")
        assert serial() != before
        store.status()
        said = len(world.server.said)
        world.server.signal(signal.SIGHUP)
        wait_until(lambda: "were read again" in world.server.said[said:], 20)
        store.status()


def test_a_revoked_token_ends_at_once(world: World) -> None:
    address, ca = world.server.address, world.certificates.ca
    made = command("token", "create", "temp", "--roles", "reader", "--expires", "1h", "--json",
                   "--server", address, "--tls-ca", ca, ALULA_TOKEN=world.root)  # fmt: skip
    assert made.returncode == 0, made.stderr
    fields = json.loads(made.stdout)
    with world.connect(fields["token"]) as store:
        store.status()
        gone = command("token", "revoke", fields["id"], "--server", address, "--tls-ca", ca,
                       ALULA_TOKEN=world.root)  # fmt: skip
        assert gone.returncode == 0, gone.stderr
        with pytest.raises(alula.Unauthenticated):
            store.status()
    listed = command("token", "list", "--server", address, "--tls-ca", ca, ALULA_TOKEN=world.root)
    assert "revoked by root" in listed.stdout and fields["token"] not in listed.stdout
    with world.connect(world.root) as store:
        acts = [entry.act for entry in store.audit()]
    assert "create token" in acts and "revoke token" in acts


def test_pages_over_https(world: World) -> None:
    context = ssl.create_default_context(cafile=world.certificates.ca)
    assert world.server.http.startswith("https://")
    with urllib.request.urlopen(world.server.http + "/healthz", context=context) as page:
        assert page.status == 200
    with urllib.request.urlopen(world.server.http + "/metrics", context=context) as page:
        text = page.read().decode()
    assert 'alula_requests_total{operation="read",outcome="ok"}' in text
    for secret in (world.root, world.all):
        assert secret not in text and secret.removeprefix("alula_") not in text


def test_beyond_this_machine_it_takes_tls_and_tokens(
    tmp_path: Path, certificates: Certificates
) -> None:
    everywhere = ["serve", "--listen", "0.0.0.0:0", "--http", "0.0.0.0:0"]
    tls = ["--tls-cert", str(certificates.directory / "server.pem"),
           "--tls-key", str(certificates.directory / "server.key")]  # fmt: skip
    plain = command(*everywhere, "--data", str(tmp_path / "data"))
    assert plain.returncode == 1 and "TLS" in plain.stderr
    nobody = command(*everywhere, *tls, "--data", str(tmp_path / "data"))
    assert nobody.returncode == 1 and "no tokens" in nobody.stderr
    token = make_token(tmp_path / "data", "root", "admin")
    server = Server(tmp_path / "data", *everywhere[1:], *tls).start()
    try:
        port = server.address.rsplit(":", 1)[1]
        with alula.connect(
            f"alulas://127.0.0.1:{port}", token=token, tls_ca=certificates.ca
        ) as one:
            one.status()
        page = f"https://127.0.0.1:{server.http.rsplit(':', 1)[1]}/metrics"
        context = ssl.create_default_context(cafile=certificates.ca)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(page, context=context)
        assert refused.value.code == 401
        asked = urllib.request.Request(page, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, context=context) as answer:
            assert b"alula_info" in answer.read()
    finally:
        server.stop()


def test_the_first_token_shuts_the_door(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = Server(data).start()
    try:
        refused = command("token", "create", "ci", "--roles", "writer", "--server", server.address)
        assert refused.returncode == 1 and "admin" in refused.stderr
        made = command("token", "create", "root", "--roles", "admin", "--server", server.address)
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
        assert re.fullmatch(r"alula_[0-9a-f]{64}", token)
        assert command("status", "--server", server.address).returncode == 1
        file = tmp_path / "token"
        file.write_text(token + "\n")
        for words, environment in (
            (["--token", token], {}),
            (["--token-file", str(file)], {}),
            ([], {"ALULA_TOKEN": token}),
            ([], {"ALULA_TOKEN_FILE": str(file)}),
        ):
            done = command("status", "--server", server.address, *words, **environment)
            assert done.returncode == 0, done.stderr
    finally:
        server.stop()
    server = Server(data, "--allow-local").start()
    try:
        assert command("status", "--server", server.address).returncode == 0
    finally:
        server.stop()
    for file in data.rglob("*"):
        if file.is_file():
            assert bytes.fromhex(token.removeprefix("alula_")) not in file.read_bytes()


def test_definitions_and_gates_take_both_roles(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_token(data, "root", "admin")
    definer = make_token(data, "definer", "definer")
    releaser = make_token(data, "releaser", "releaser")
    both = make_token(data, "both", "definer,releaser")
    gate = "gates:\n  - {model: credit, to: staging, require: [{metric: auc, better: higher, min: %s}]}\n"
    server = Server(data).start()
    try:

        def apply(token: str, text: str) -> None:
            with alula.connect(server.address, token=token) as store:
                store.apply(text)

        file = DEFINITIONS + gate % 0.5
        for token in (definer, releaser):
            with pytest.raises(alula.PermissionDenied):
                apply(token, file)
        apply(both, file)
        # The gate stays as it is: only definitions change.
        apply(definer, file.replace("note: string", "note: string, more: float64"))
        with pytest.raises(alula.PermissionDenied, match="definitions"):
            apply(releaser, DEFINITIONS.replace("note", "other"))
        apply(releaser, "project: p\n" + gate % 0.7)
        with pytest.raises(alula.PermissionDenied, match="gates"):
            apply(definer, "project: p\n" + gate % 0.9)
    finally:
        server.stop()


def test_slow_calls_are_told_without_their_keys(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--slow-call", "1us", "--log", "json").start()
    try:
        with alula.connect(server.address) as store:
            store.apply(DEFINITIONS)
            store.push("history", {"id": [987654321], "event_time": ["2026-01-01"], "due": [424242],
                                   "note": ["private words"]})  # fmt: skip
            store.status()
        server.until_it_says('"operation":"push"')
        said = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
        push = next(line for line in said if line.get("operation") == "push")
        assert push["message"] == "slow call" and push["caller"] == "local"
        assert re.fullmatch("[0-9a-f]{32}", push["request"])
        with urllib.request.urlopen(server.http + "/metrics") as page:
            text = page.read().decode()
        assert 'alula_view_rows{project="p",view="history"}' in text
        assert 'alula_view_online_rows{project="p",view="history"} 1\n' in text
        newest = (
            'alula_view_online_newest_event_seconds{project="p",view="history"} 1767225600.000000\n'
        )
        assert newest in text
        for secret in ("987654321", "424242", "private words"):
            assert secret not in text and secret not in server.said
    finally:
        server.stop()


def test_a_handshake_for_another_protocol_is_ended(world: World) -> None:
    host, port = world.server.address.removeprefix("alulas://").split(":")
    for protocols in (["http/1.1"], []):
        context = ssl.create_default_context(cafile=world.certificates.ca)
        if protocols:
            context.set_alpn_protocols(protocols)
        said = b""
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as secured:
                    secured.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    while piece := secured.recv(4_096):
                        said += piece
            except OSError:
                pass  # an alert ends it, too
        assert b"200" not in said


def test_a_thousand_idle_connections_disturb_nobody(world: World) -> None:
    context = ssl.create_default_context(cafile=world.certificates.ca)
    context.set_alpn_protocols(["alula/1"])
    host, port = world.server.address.removeprefix("alulas://").split(":")
    idle = []
    try:
        for number in range(1_000):
            plain = socket.create_connection((host, int(port)), timeout=20)
            idle.append(context.wrap_socket(plain, server_hostname=host) if number < 50 else plain)
        with world.connect(world.all) as store:
            begun = time.monotonic()
            for key in range(100):
                assert store.read("credit", {"id": [key]}).to_pandas()["due"][0] == 3 * key
            assert time.monotonic() - begun < 10
    finally:
        for connection in idle:
            connection.close()


def test_a_token_does_not_travel_in_the_clear() -> None:
    with pytest.raises(alula.Refused, match="in the clear"):
        alula.connect("alula://192.0.2.1:7461", token="alula_" + "0" * 64, timeout=1)
    refused = command("status", "--server", "alula://192.0.2.1:7461", "--token", "alula_x")
    assert refused.returncode == 1 and "in the clear" in refused.stderr
