"""Artifacts against a real server: large files, directories, interruptions, garbage."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from server_process import Server, needs_server

import alula
from alula import _large
from alula._directory import FileOfDirectory, manifest_of, read_manifest

pytestmark = needs_server
LARGE = 150 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("artifacts") / "data").start()
    yield server
    server.stop()


@pytest.fixture()
def store(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[alula.Store]:
    monkeypatch.setenv("ALULA_CACHE", str(tmp_path / "cache"))
    with server.connect() as store:
        store.apply("project: artifacts\n")
        yield store


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "model.bin"
    path.write_bytes(random.Random(1).randbytes(LARGE))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def age(server: Server) -> None:
    """Makes everything kept two days old."""
    old = time.time() - 2 * 86_400
    for place, directories, files in os.walk(server.directory / "artifacts"):
        for name in directories + files:
            os.utime(Path(place) / name, (old, old))


def test_a_large_file_goes_and_comes_in_parts(
    store: alula.Store, large: Path, tmp_path: Path
) -> None:
    stored = store.put_artifact(large)
    assert (stored.digest, stored.bytes) == (sha256(large), LARGE)
    found = store.get_artifact(stored.digest, tmp_path / "again.bin")
    assert sha256(found) == stored.digest
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["again.bin"], ["again.bin", "cache"],
    )  # fmt: skip
    assert store.put_artifact(large) == stored


def test_an_interrupted_upload_is_gone_on_with(
    server: Server, store: alula.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "second.bin"
    path.write_bytes(random.Random(2).randbytes(LARGE))
    sent: list[int] = []
    send = _large._send_part

    def stumble(session, connection, source, upload, part, workers):  # type: ignore[no-untyped-def]
        if len(sent) >= 1:
            raise RuntimeError("the cable")
        send(session, connection, source, upload, part, workers)
        sent.append(part)

    monkeypatch.setattr(_large, "_send_part", stumble)
    with pytest.raises(RuntimeError):
        store.put_artifact(path)
    server.kill()
    server.start()
    again: list[int] = []

    def count(session, connection, source, upload, part, workers):  # type: ignore[no-untyped-def]
        again.append(part)
        send(session, connection, source, upload, part, workers)

    monkeypatch.setattr(_large, "_send_part", count)
    stored = store.put_artifact(path)
    assert stored.digest == sha256(path)
    assert sorted(sent + again) == [0, 1, 2]


def test_an_interrupted_download_is_gone_on_with(
    store: alula.Store, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put_artifact(large).digest
    get, calls = _large._get_range, 0

    def stumble(*given):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        if calls > 4:
            raise RuntimeError("the cable")
        get(*given)

    monkeypatch.setattr(_large, "_get_range", stumble)
    with pytest.raises(RuntimeError):
        store.get_artifact(digest, tmp_path / "part.bin")
    assert not (tmp_path / "part.bin").exists()
    monkeypatch.setattr(
        _large, "_get_range", lambda *given: (numbers.append(given[4]), get(*given))
    )
    numbers: list[int] = []
    assert sha256(store.get_artifact(digest, tmp_path / "part.bin")) == digest
    assert 0 < len(numbers) <= -(-LARGE // _large.RANGE_BYTES) - 4
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_damaged_partial_file_is_found(store: alula.Store, large: Path, tmp_path: Path) -> None:
    digest = store.put_artifact(large).digest
    part = tmp_path / f".x.bin.{digest[:16]}.part"
    part.write_bytes(bytes(LARGE))
    part.with_suffix(".ranges").write_text("0\n1\n")
    with pytest.raises(alula.DataLoss):
        store.get_artifact(digest, tmp_path / "x.bin")
    assert sha256(store.get_artifact(digest, tmp_path / "x.bin")) == digest


def test_checkpoints_that_differ_little_share_the_rest(
    server: Server, store: alula.Store, large: Path, tmp_path: Path
) -> None:
    store.put_artifact(large)
    chunks = server.directory / "artifacts" / "chunks"
    before = sum(path.stat().st_size for path in chunks.iterdir())
    content = bytearray(large.read_bytes())
    content[40 << 20 : (40 << 20) + 100] = bytes(100)
    other = tmp_path / "other.bin"
    other.write_bytes(content)
    store.put_artifact(other)
    added = sum(path.stat().st_size for path in chunks.iterdir()) - before
    assert 0 < added <= 16 << 20


def test_a_directory_of_a_version(store: alula.Store, tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "sub").mkdir(parents=True)
    (source / "weights.bin").write_bytes(b"w" * 1000)
    (source / "sub" / "config.json").write_text("{}")
    (source / "sub" / "same.json").write_text("{}")
    with store.run("e", code_revision="x") as run:
        version = run.register("m", [source])
    (artifact,) = store.versions("m")[0].artifacts
    assert (artifact.name, artifact.directory) == ("model", True)
    paths = store.model("m", version=version).download(tmp_path / "out")
    for name in ("weights.bin", "sub/config.json", "sub/same.json"):
        assert (paths["model"] / name).read_bytes() == (source / name).read_bytes()
    with pytest.raises(alula.InvalidArgument):
        store.get_artifact_directory(artifact.digest, tmp_path / "out" / "model")
    (source / "x.pkl").write_bytes(b"\x80\x04.")
    with store.run("e", code_revision="x") as run:
        pickled = run.register("m", [source])
    store.apply(
        "project: artifacts\ngates: [{model: m, to: production, require: [{lineage: complete}]}]\n"
    )
    for number, outcome in ((version, "passed"), (pickled, "failed")):
        rules = store.promote("m", number, "production", dry_run=True).rules
        (rule,) = [rule for rule in rules if rule.rule == "artifacts are no pickles"]
        assert rule.outcome == outcome and ("x.pkl" in rule.reason) == (outcome == "failed")


def test_a_directory_with_a_linked_one_is_refused(store: alula.Store, tmp_path: Path) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (source / "a").write_text("a")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b").write_text("b")
    (source / "linked").symlink_to(tmp_path / "other")
    with pytest.raises(alula.InvalidArgument, match="link to a directory"):
        store.put_artifact(source)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/./b", "", "a\\b", "a\n", "x" * 256])
def test_a_manifest_that_leads_elsewhere_is_refused(
    store: alula.Store, tmp_path: Path, path: str
) -> None:
    with pytest.raises(alula.InvalidArgument):
        manifest_of([FileOfDirectory(path, "0" * 64, 1)])
    evil = tmp_path / "evil"
    evil.write_bytes(b"alula-directory 1\n" + b"0" * 64 + f" 1 {path}\n".encode())
    with pytest.raises(alula.InvalidArgument):
        read_manifest(evil.read_bytes())
    stored = store.put_artifact(evil)
    with pytest.raises(alula.InvalidArgument):
        store.get_artifact_directory(stored.digest, tmp_path / "out")
    with store.run("e", code_revision="x") as run, pytest.raises(alula.AlulaError):
        run.register("evil", {"d": evil})


def test_garbage_is_what_nothing_refers_to(
    server: Server, store: alula.Store, large: Path, tmp_path: Path
) -> None:
    kept, loose = tmp_path / "kept", tmp_path / "loose"
    kept.write_bytes(b"kept")
    loose.write_bytes(b"loose")
    with store.run("e", code_revision="x") as run:
        version = run.register("held", [kept])
    held = store.model("held", version=version).artifacts[0].digest
    gone, whole = store.put_artifact(loose).digest, store.put_artifact(large).digest
    assert gone not in store.gc(dry_run=True).digests
    age(server)
    planned = store.gc(dry_run=True)
    assert {gone, whole} <= set(planned.digests) and held not in planned.digests
    store.put_artifact(large)
    done = store.gc()
    assert gone in done.digests and whole not in done.digests
    assert sha256(store.get_artifact(whole, tmp_path / "whole")) == whole
    with pytest.raises(alula.NotFound):
        store.get_artifact(gone, tmp_path / "gone")
    with pytest.raises(alula.Refused) as refused:
        store.gc(digest=held)
    assert "held version" in str(refused.value.details)
    assert store.gc(digest=whole).artifacts == 1
    with pytest.raises(alula.InvalidArgument):
        store.gc(older_than=timedelta(minutes=5))
    assert store.verify()


def test_uploads_at_once_of_the_same_and_a_kill(
    server: Server, store: alula.Store, tmp_path: Path
) -> None:
    path = tmp_path / "third.bin"
    path.write_bytes(random.Random(3).randbytes(LARGE))
    results: list[object] = []

    def upload() -> None:
        try:
            with server.connect() as other:
                results.append(other.put_artifact(path).digest)
        except alula.AlulaError as error:
            results.append(error)

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    server.kill()
    server.start()
    for thread in threads:
        thread.join()
    assert store.put_artifact(path).digest == sha256(path)
    assert sha256(store.get_artifact(sha256(path), tmp_path / "back")) == sha256(path)
    assert store.verify()
