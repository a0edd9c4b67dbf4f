"""The classes of weakness that were found in other registries and feature stores, each tried from outside. A
test is named for its class; the numbers are of MLflow and Feast."""

from __future__ import annotations

import gzip
import http.client
import io
import os
import pickle
import re
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Certificates
from command_line import CommandLine, make_token
from raw_client import DEFINITIONS, ROW_TYPES, Raw, batch, head, push_request
from server_process import Server, needs_server

import alula
from alula._frames import Kind, Op
from alula._proto import common_pb2, registry_pb2, trust_pb2

pytestmark = needs_server

SECRET = "the canary sings at dawn"
NOT_TRIED = {Op.AUTHENTICATE, Op.APPROVE, Op.CREATE_TOKEN, Op.WATCH}
"""They end the connection, ask for a token, make one, or stay open."""


class Place:
    """A server in a directory with things beside it that are none of its business."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "canary").write_text(SECRET)
        (directory / "outside").mkdir()
        self.server = Server(directory / "data")
        self.server.options = ["--backups", str(directory / "backups")]
        self.server.start()
        self.command = CommandLine(self.server, directory)
        with self.server.connect() as store:
            store.apply(DEFINITIONS)
        self.callers: list[str] = []
        """Who has connected to the port that nobody has business with."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, peer = self.listener.accept()
            except OSError:
                return
            self.callers.append(str(peer))
            caller.close()

    def beside(self) -> dict[str, str]:
        """What lies outside the data and the backups."""
        return {
            str(path.relative_to(self.directory)): path.read_text() if path.is_file() else ""
            for path in self.directory.rglob("*")
            if path.relative_to(self.directory).parts[0] not in ("data", "backups")
        }

    def close(self) -> None:
        self.listener.close()
        assert self.server.stop() == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("cve"))
    yield made
    made.close()


@pytest.fixture
def store(place: Place) -> Iterator[alula.Store]:
    with place.server.connect("abuse") as connected:
        yield connected


def field(number: int, text: bytes) -> bytes:
    """A field of a message that has bytes or text."""
    assert len(text) < 128
    return bytes([number << 3 | 2, len(text)]) + text


def everywhere(place: Place, texts: list[bytes]) -> bytes:
    """Each text in each field of each operation; all that was answered."""
    said = b""
    with Raw(place.server.port) as raw:
        for operation in Op:
            if operation in NOT_TRIED:
                continue
            for text in texts:
                for number in range(2, 10):
                    control = common_pb2.HeadOnly(head=head(timeout_ms=3_000)).SerializeToString()
                    got = raw.ask(operation, control + field(number, text))
                    said += got.control + got.data
                    if got.kind == Kind.ERROR:
                        assert got.failure.code != 13, (
                            f"{operation!r} {number} {text!r}: {got.failure}"
                        )
        assert raw.is_alive()
    return said


def test_path_traversal(place: Place) -> None:
    """CVE-2023-1177, -2356, -2780, -3765, -6831, -6909, CVE-2024-1560, -1593, -2928, -3573, -3848, CVE-2026-53995."""
    before = place.beside()
    canary = place.directory / "canary"
    said = everywhere(
        place,
        [
            b"../../canary", b"../" * 12 + b"etc/passwd", str(canary).encode()[:120],
            b"..%2f..%2fcanary", b"%252e%252e%252fcanary", b"..;/../canary", b"#/../../canary",
            b"..\\..\\canary", b"../canary\x00.bin",
        ],
    )  # fmt: skip
    assert SECRET.encode() not in said and b"root:" not in said
    assert place.beside() == before
    known = re.compile(
        r"(catalog|offline)\.sqlite(-wal|-shm|-journal)?|online|artifacts|LOCK|FORMAT|audit\.key|backup"
    )
    for path in place.server.directory.iterdir():
        assert known.fullmatch(path.name), path
    assert all(path.name in ("tmp", "objects", "lock", "deletions") or (path / "manifest").exists()
               for path in (place.directory / "backups").iterdir())  # fmt: skip


def test_request_forgery(place: Place) -> None:
    """CVE-2023-6974, CVE-2026-2393, CVE-2026-64849, CVE-2025-52967; and local files by URL, CVE-2025-11201."""
    here = f"127.0.0.1:{place.port}".encode()
    said = everywhere(
        place,
        [
            b"http://" + here + b"/latest/meta-data", b"https://user@" + here, b"s3://" + here + b"/b",
            b"file://" + str(place.directory / "canary").encode()[:110], b"alula://" + here,
            b"dbfs:/canary", b"\\\\" + here + b"\\share",
        ],
    )  # fmt: skip
    assert not place.callers, "the server called somebody"
    assert SECRET.encode() not in said


def test_symbolic_links(place: Place, store: alula.Store, tmp_path: Path) -> None:
    """CVE-2025-15031 and -15036 wrote through links of an archive; here links stand where files are to go."""
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_text("from the store")
    kept = store.put_artifact(source)
    out, elsewhere = tmp_path / "out", place.directory / "outside"
    out.mkdir()
    (out / "sub").symlink_to(elsewhere)
    with pytest.raises((alula.AlulaError, OSError)):
        store.get_artifact_directory(kept.digest, out)
    assert not list(elsewhere.iterdir())
    # A link in a directory that is uploaded is refused, or its target's name goes nowhere.
    (source / "link").symlink_to(place.directory / "canary")
    try:
        linked = store.put_artifact(source)
    except (alula.AlulaError, OSError):
        pass
    else:
        plain = tmp_path / "plain"
        store.get_artifact_directory(linked.digest, plain)
        assert not (plain / "link").is_symlink()
    backup = store.backup("linked", progress=False)
    os.symlink(place.directory / "backups" / backup.name, place.directory / "backups" / "alias")
    try:
        assert "alias" not in [one.name for one in store.backups()], "a link is no backup"
    finally:
        os.unlink(place.directory / "backups" / "alias")


def test_pickles_and_archives_are_bytes(place: Place, store: alula.Store, tmp_path: Path) -> None:
    """CVE-2024-37052 to -37060, CVE-2026-56121 and -96775; archives that lead out, CVE-2025-15031; bombs."""
    sign = tmp_path / "sign"

    class Bad:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {sign}",)

    evil = tmp_path / "model.pkl"
    evil.write_bytes(pickle.dumps(Bad()))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../../../outside/evil")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"evil"))
    leads_out, bomb = tmp_path / "model.tar.gz", tmp_path / "bomb.gz"
    leads_out.write_bytes(out.getvalue())
    bomb.write_bytes(gzip.compress(bytes(64 << 20), 9))
    before = place.server.memory()
    with store.run("evil", code_revision="x") as run:
        registered = run.register("evil", [evil, leads_out, bomb])
    assert "evil" in place.command("lineage", "evil", registered.version)
    store.lineage("evil", registered.version)
    got = tmp_path / "got"
    store.model("evil", version=registered.version).download(got)
    assert (got / "model.pkl").read_bytes() == evil.read_bytes()
    assert not sign.exists(), "a pickle was opened"
    assert not list((place.directory / "outside").iterdir()), "an archive was unpacked"
    assert place.server.memory() - before < 48 << 20, "a bomb was unpacked"


def test_huge_lengths(place: Place) -> None:
    """A length that a message has of itself takes no memory before it is checked."""
    before = place.server.memory()
    huge = b"\xff\xff\xff\xff\x07"
    with Raw(place.server.port) as raw:
        for operation in Op:
            if operation in NOT_TRIED:
                continue
            for number in range(1, 8):
                got = raw.ask(operation, bytes([number << 3 | 2]) + huge)
                assert got.kind == Kind.ERROR
        for rows in (2**32 - 1, 2**31, 65_537):
            data = bytearray(batch(ROW_TYPES, {name: [] for name in ROW_TYPES}))
            data[:4] = rows.to_bytes(4, "little")
            got = raw.ask(Op.PUSH, push_request(), bytes(data))
            assert got.failure.code in (3, 8), got.failure
    assert place.server.memory() - before < 32 << 20


def test_lines_and_codes_in_names_do_not_reach_the_log(place: Place) -> None:
    """Header and log injection; CVE-2024-0520's file name from a header."""
    evil = "x\r\n2026-01-01T00:00:00+0000 notice alula: forged\x1b[2J"
    everywhere(place, [evil.encode()])
    with Raw(place.server.port) as raw:
        named = common_pb2.HeadOnly(head=head(project=evil[:60]))
        raw.ask(Op.STATUS, named)
        raw.ask(Op.STATUS, common_pb2.HeadOnly(head=head(request_id=evil.encode()[:16])))
    connection = http.client.HTTPConnection("127.0.0.1", place.server.health, timeout=20)
    connection.putrequest("GET", "/x%0d%0aforged:%20yes", skip_host=True)
    connection.putheader("Host", "localhost")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status in (400, 404) and "forged" not in str(answer.headers)
    time.sleep(0.2)
    assert not any(
        line.startswith("2026-01-01") or "\x1b" in line for line in place.server.said.splitlines()
    )
    # Where text may have any character, people are shown none that moves the cursor.
    with place.server.connect("abuse") as store, store.run("logs", name=evil, code_revision="x"):
        pass
    shown = place.command("runs", "--project", "abuse")
    assert "forged" in shown and "\x1b" not in shown and "\n2026" not in shown


def test_searches_end(place: Place, store: alula.Store) -> None:
    """Patterns that take for ever, CVE-2025-0453's deep queries, and quotes, CVE-2025-14287's injections."""
    with store.run("long", code_revision="x", tags={"t": "a" * 16_000}):
        pass
    filters = [
        "tag.t = '" + "a" * 3_000 + "b'", "(" * 33 + "tag.t = 'a'" + ")" * 33,
        " or ".join(["tag.t = 'a'"] * 200), "not " * 40 + "tag.t = 'a'",
        "tag.t like '" + "%a" * 500 + "b'", "tag.t = '' or 1 = 1 --", "tag.t = 'a'; drop table run",
        "tag.\"t\" = 'a' union select secret from token", "'", "\"", "\\", "tag.t ~ '(a+)+$'",
    ]  # fmt: skip
    for text in filters:
        begun = time.monotonic()
        try:
            found = list(store.search_runs(text))
        except alula.InvalidArgument:
            found = []
        assert not found, text
        assert time.monotonic() - begun < 10, text
    assert len(list(store.search_runs("tag.t != 'a'"))) >= 1, "the table is there"


@pytest.mark.parametrize("yaml", [
    "!!python/object/apply:os.system ['touch /tmp/x']", "project: !!python/name:os.system x",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nproject: *c", "project: [" * 1_000, "x:\n  " + "{" * 5_000,
    "<<: {project: abuse}", "project: \"\\u0000\"", "x:\n  " + "- " * 20_000,
])  # fmt: skip
def test_definitions_run_nothing_and_grow_nothing(store: alula.Store, yaml: str) -> None:
    """CVE-2025-11157's yaml.load, CVE-2025-15379, and a billion laughs."""
    begun = time.monotonic()
    with pytest.raises(alula.AlulaError) as caught:
        store.apply(yaml)
    assert not isinstance(caught.value, alula.InternalError)
    assert time.monotonic() - begun < 10


def test_names_that_would_be_one_after_decoding(store: alula.Store) -> None:
    """CVE-2024-3099: a model and another whose name is the same, encoded; CVE-2024-6838: names without end."""
    for name in (
        "credit%2f",
        "CREDIT ",
        "cre\u200bdit",
        "ｃｒｅｄｉｔ",
        "credit/",
        "c" * 129,
        "",
        ".",
    ):
        with pytest.raises(alula.AlulaError), store.run("names", code_revision="x") as run:
            run.register(name, [])
    assert not [model for model in store.models() if model.name.startswith(("c", "C", "ｃ", "."))]


def test_credentials_that_are_none(tmp_path: Path) -> None:
    """CVE-2025-1474 and -11200: empty and weak passwords; CVE-2026-92787: claims that nobody signed."""
    server = Server(tmp_path / "data")
    made = make_token(tmp_path / "data", "root", "admin")
    server.start()
    try:
        claims = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290Iiwicm9sZXMiOlsiYWRtaW4iXX0."
        for token in (
            "",
            "admin",
            "password",
            claims,
            made[:-1],
            made + "0",
            made.upper(),
            "alula_" + "0" * 64,
        ):
            with Raw(server.port) as raw:
                got = raw.ask(Op.AUTHENTICATE, trust_pb2.AuthenticateRequest(token=token))
                assert got.failure.code == 16, token
                assert raw.closed()
        with alula.connect(f"alula://127.0.0.1:{server.port}", token=made) as store:
            for weak in (b"", b"admin", bytes(31), bytes(33)):
                with Raw(server.port) as raw:
                    raw.ask(Op.AUTHENTICATE, trust_pb2.AuthenticateRequest(token=made))
                    asked = trust_pb2.CreateTokenRequest(
                        head=head(project=""), name="weak", roles=["admin"], secret_hash=weak
                    )
                    assert raw.ask(Op.CREATE_TOKEN, asked).failure.code == 3, weak
            assert [token.name for token in store.tokens()] == ["root"]
        assert not any(made in line for line in server.said.splitlines())
    finally:
        server.kill()


PAGES = [
    "/metrics", "/metrics/", "//metrics", "/%6detrics", "/METRICS", "/readyz/../metrics", "/metrics;x", "/metrics?x=1",
    "/./metrics", "/metrics%00", "/gateway/metrics", "http://localhost/metrics", "/metrics%2f..%2fmetrics",
]  # fmt: skip


def page(
    address: str, method: str, path: str, headers: dict[str, str], ca: str | None = None
) -> Any:
    import ssl

    where = address.split("//")[1]
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(where, timeout=20, context=ssl.create_default_context(cafile=ca))
        if ca else http.client.HTTPConnection(where, timeout=20)
    )  # fmt: skip
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer, answer.read()


def test_routes_that_ask_nobody_who_they_are(tmp_path: Path) -> None:
    """CVE-2026-0545, -2652, CVE-2026-23536 and -23537: pages beside the ones that are looked after."""
    certificates = Certificates(tmp_path)
    cert, key = certificates.make("server", "localhost", "DNS:localhost,IP:127.0.0.1")
    root = make_token(tmp_path / "data", "root", "admin")
    narrow = make_token(tmp_path / "data", "narrow", "reader", "--projects", "abuse")
    server = Server(
        tmp_path / "data", "--http", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key
    ).start()
    address = "https://127.0.0.1:" + server.http.rsplit(":", 1)[1]
    try:
        for path in PAGES:
            for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"):
                for sent in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic cm9vdDo="},
                             {"Authorization": f"Bearer {narrow}"}, {"Host": "127.0.0.1"}):  # fmt: skip
                    answer, body = page(address, method, path, sent, certificates.ca)
                    assert answer.status in (400, 401, 404, 405), (
                        method,
                        path,
                        sent,
                        answer.status,
                    )
                    assert b"alula_" not in body
        sent = {"Authorization": f"Bearer {root}"}
        assert page(address, "GET", "/metrics", sent, certificates.ca)[0].status == 200
        for path in ("/healthz", "/readyz"):
            answer, body = page(address, "GET", path, {}, certificates.ca)
            assert answer.status == 200 and body == b""
    finally:
        server.stop()


def test_pages_of_others_in_a_browser(place: Place) -> None:
    """CVE-2024-11602: answers that any origin may read; CVE-2023-43472, CVE-2025-14279: names that are made to
    lead here."""
    address = f"http://127.0.0.1:{place.server.health}"
    for path in ("/metrics", "/readyz", "/healthz"):
        answer, _ = page(address, "GET", path, {"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    for host in (
        "evil.example",
        f"evil.example:{place.server.health}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
    ):
        answer, body = page(address, "GET", "/metrics", {"Host": host})
        assert answer.status == 401 and b"alula_" not in body, host
    for host in ("localhost", f"127.0.0.1:{place.server.health}", "[::1]:7462"):
        assert page(address, "GET", "/metrics", {"Host": host})[0].status == 200, host
    # A page can have a browser send bytes to the port of calls.
    with socket.create_connection(("127.0.0.1", place.server.port), 20) as stranger:
        stranger.sendall(
            b"POST /ajax-api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        said = stranger.makefile("rb").read()
    assert b"HTTP/1.1 200" not in said


def test_files_are_the_owners_alone(place: Place) -> None:
    """CVE-2022-0736, CVE-2024-27134, CVE-2026-4137: directories that everybody may write to."""
    for path in (place.server.directory, place.directory / "backups"):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in place.server.directory.rglob("*"):
        assert path.stat().st_mode & 0o022 == 0, path
    assert (place.server.directory / "audit.key").stat().st_mode & 0o077 == 0


def test_a_version_comes_from_what_is_stored(place: Place) -> None:
    """CVE-2025-11201, CVE-2026-2614: a source that a version names, read later; here it is a digest that is there."""
    with Raw(place.server.port) as raw:
        for digest in ("file:///etc/passwd", "../../canary", "0" * 64, "0" * 63, ""):
            artifact = registry_pb2.VersionArtifact(name="model.bin", digest=digest, bytes=1)
            asked = registry_pb2.RegisterVersionRequest(
                head=head(), model="m", artifacts=[artifact], service="s@1"
            )
            assert raw.ask(Op.REGISTER_VERSION, asked).failure.code in (3, 5, 9), digest
        for name in ("../m", "/m", "a/../../m", "a\\b", "a\0b", "", "x" * 1_100):
            artifact = registry_pb2.VersionArtifact(name=name, digest="0" * 64, bytes=1)
            asked = registry_pb2.RegisterVersionRequest(
                head=head(), model="m", artifacts=[artifact]
            )
            assert raw.ask(Op.REGISTER_VERSION, asked).kind == Kind.ERROR, name
