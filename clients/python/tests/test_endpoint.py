"""Tokens and TLS: what a connection begins with, and whom it trusts."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fake_server import ITEM, REQUEST, FakeServer, Frame, Peer, frame_bytes
from server_process import Server, needs_server

import alula
from alula import aio
from alula._endpoint import Endpoint
from alula._frames import Op
from alula._proto import common_pb2, server_pb2, trust_pb2
from alula._session import Session

STATUS = server_pb2.StatusResponse(version="9", data_directory="/d")
TOKEN = "alula_" + "0123456789abcdef" * 4


def handle(peer: Peer, frame: Frame) -> None:
    """Takes TOKEN or none, echoes uploads, and sends large items."""
    if frame.operation == Op.AUTHENTICATE:
        if trust_pb2.AuthenticateRequest.FromString(frame.control).token != TOKEN:
            failure = common_pb2.Failure(code=16, message="the token is not in force")
            peer.send(frame_bytes(5, frame.operation, 0, failure.SerializeToString()))
            peer.hang_up()
        peer.respond(frame, trust_pb2.AuthenticateResponse(name="me"))
    elif frame.kind == ITEM:
        peer.item(frame, None, frame.data)
    elif frame.kind == REQUEST and frame.flags:
        return
    elif frame.kind in (REQUEST, 4):
        peer.respond(frame, STATUS, bytes(900_000) if frame.operation == Op.VERIFY else b"")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: Any) -> None:
    for name in ("SERVER", "TOKEN", "TOKEN_FILE", "TLS_CA", "TLS_CERT", "TLS_KEY"):
        monkeypatch.delenv(f"ALULA_{name}", raising=False)


def test_a_token_goes_ahead_of_every_call_of_every_connection() -> None:
    with FakeServer(handle) as server:
        with alula.connect(server.address, token=TOKEN) as store:
            assert store.status().version == "9"
            store._transport.connection().open(Op.STATUS, b"", b"", 5).result()
        first = [frame.operation for frame in server.frames]
        assert first == [Op.AUTHENTICATE, Op.STATUS, Op.AUTHENTICATE, Op.STATUS]
        assert len({(frame.operation, frame.call) for frame in server.frames}) == 2


def test_a_token_that_is_not_in_force_is_said_so() -> None:
    with FakeServer(handle) as server:
        store = alula.connect(server.address, token="alula_" + "0" * 64)
        with pytest.raises(alula.Unauthenticated, match="not in force"):
            store.status()

        async def work() -> None:
            awaited = await aio.connect(server.address, token="alula_" + "0" * 64)
            try:
                with pytest.raises(alula.Unauthenticated, match="not in force"):
                    await (await awaited._transport.connection()).unary(Op.STATUS, b"", b"")
            finally:
                await awaited.close()

        asyncio.run(work())


def test_where_tokens_come_from(monkeypatch: Any, tmp_path: Path) -> None:
    assert Endpoint.of().token == ""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    monkeypatch.setenv("ALULA_TOKEN_FILE", str(path))
    assert Endpoint.of().token == TOKEN
    monkeypatch.setenv("ALULA_TOKEN", "alula_env")
    assert Endpoint.of().token == "alula_env"
    assert Endpoint.of(token="alula_given").token == "alula_given"
    assert TOKEN not in str(Endpoint.of(token=TOKEN))
    monkeypatch.delenv("ALULA_TOKEN")
    path.write_text("two words")
    with pytest.raises(alula.InvalidArgument, match="does not hold one token"):
        Endpoint.of()
    monkeypatch.setenv("ALULA_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(alula.InvalidArgument, match="cannot be read"):
        Endpoint.of()


@pytest.mark.parametrize("address", ["host", "alula://10.0.0.1:5", "alula://1270.0.0.1"])
def test_a_token_never_travels_in_the_clear(address: str) -> None:
    with pytest.raises(alula.Refused, match="in the clear"):
        alula.connect(address, token=TOKEN)
    assert Endpoint.of(
        address.replace("alula://", "alulas://"), "" if "//" not in address else TOKEN
    )


@needs_server
def test_tokens_are_made_listed_and_revoked(own_server: Server, tmp_path: Path) -> None:
    with own_server.connect() as store:
        store.apply("project: p\nentities: [{name: e, keys: {id: int64}}]")
        admin = store.create_token("root", "admin")
    with pytest.raises(alula.AlulaError) as refused:
        own_server.connect().tokens()
    assert isinstance(refused.value, (alula.Unauthenticated, alula.PermissionDenied))
    address = f"alula://127.0.0.1:{own_server.port}"
    with alula.connect(address, token=admin) as store:
        reader = store.create_token(
            "web", ["reader"], projects="p", views=["v"], expires=datetime.timedelta(days=1)
        )
        assert str(reader).startswith("alula_") and str(reader) not in repr(reader)
        found = {token.name: token for token in store.tokens()}
        assert found["web"] == reader.record and found["root"].roles == ["admin"]
        assert (found["web"].roles, found["web"].projects, found["web"].views) == (
            ["reader"],
            ["p"],
            ["v"],
        )
        left = found["web"].expires - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(hours=23) < left <= datetime.timedelta(days=1)
        with alula.connect(address, token=reader, project="p") as other:
            other.status()
            with pytest.raises(alula.PermissionDenied):
                other.tokens()
            assert [token.id for token in store.revoke_token("web")] == [reader.record.id]
            with pytest.raises(alula.Unauthenticated):
                other.status()
        assert {token.name: bool(token.revoked) for token in store.tokens()}["web"]


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def secure(tmp_path: Path) -> Any:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    chain, key = certificate(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["alula/1"])
    with FakeServer(handle, tls=context) as server:
        yield server, server.address.replace("alula://", "alulas://"), chain


def test_calls_and_streams_through_tls(secure: Any) -> None:
    server, address, chain = secure
    with alula.connect(address, token=TOKEN, tls_ca=chain) as store:
        for _ in range(3):
            assert store.status().version == "9"
        session: Session = store._session
        _, data = session.call(Op.VERIFY, common_pb2.HeadOnly(), server_pb2.StatusResponse)
        assert len(data) == 900_000
        blobs = [bytes([number]) * 700_000 for number in range(5)]
        back: list[bytes] = []
        session.stream(
            Op.PUT_ARTIFACT, common_pb2.HeadOnly(), server_pb2.StatusResponse,
            lambda: (((b"", blob) for blob in blobs), lambda c, d: back.append(bytes(d))),
            upload=True, timeout=30,
        )  # fmt: skip
        assert back == blobs
        server.handler = lambda peer, frame: None
        store.status()  # the handler of this frame was chosen before
        with pytest.raises(alula.DeadlineExceeded):
            store._transport.unary(Op.STATUS, b"", b"", 0.05)


def test_reads_on_a_loop_through_tls(secure: Any) -> None:
    _, address, chain = secure

    async def work() -> int:
        async with await aio.connect(address, token=TOKEN, tls_ca=chain) as store:
            connection = await store._transport.connection()
            replies = [connection.unary(Op.VERIFY, b"", b"") for _ in range(5)]
            return sum([len(data) for _, data, _ in await asyncio.gather(*replies)])

    assert asyncio.run(work()) == 5 * 900_000


def test_a_server_that_is_not_trusted_is_not_talked_to(secure: Any, tmp_path: Path) -> None:
    server, address, _ = secure
    other, _ = certificate(tmp_path, "other")
    for options in ({}, {"tls_ca": other}):
        with pytest.raises(alula.Unauthenticated, match="TLS with alulas://"):
            alula.connect(address, token=TOKEN, **options)
    assert not server.frames
    with pytest.raises(alula.InvalidArgument, match="cannot be used"):
        alula.connect(address, tls_ca=tmp_path / "none.pem")
