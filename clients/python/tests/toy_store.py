"""A store in a few lines behind the fake server, and the vectors' own encoder of batches."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import struct
import time
from pathlib import Path
from typing import Any

from fake_server import END, ITEM, REQUEST, Frame, Peer

from alula._frames import Op
from alula._proto import (
    artifacts_pb2,
    catalog_pb2,
    common_pb2,
    features_pb2,
    registry_pb2,
    rollouts_pb2,
    training_pb2,
)
from alula._types import Field, Schema, ValueType, to_proto

_PATH = Path(__file__).resolve().parents[3] / "proto" / "vectors" / "make.py"
_spec = importlib.util.spec_from_file_location("make_vectors", _PATH)
assert _spec is not None and _spec.loader is not None
vectors: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(vectors)


def fields(text: str) -> Schema:
    """``a:int64 b:string`` as a schema."""
    return tuple(
        Field(name, ValueType.parse(type))
        for name, type in (part.split(":") for part in text.split())
    )


def batch_bytes(schema: Schema, rows: list[list[Any]]) -> bytes:
    """A batch by the vectors' encoder, which shares no code with the client."""
    encoded: bytes = vectors.batch([{"name": f.name, "type": str(f.type)} for f in schema], rows)
    return encoded


def answer_bytes(
    schema: Schema, rows: list[list[Any]], parts: list[tuple[list[int], list[int]]]
) -> bytes:
    """An answer to a read: the batch, then event times and statuses of each part."""
    encoded = batch_bytes(schema, rows)
    for times, statuses in parts:
        encoded += struct.pack(f"<{len(times)}q", *times)
        encoded += bytes(statuses) + bytes(-len(statuses) % 8)
    return encoded


class Found:
    """Takes the version that a toy answers with; a failure goes to the client."""

    def __init__(self, peer: Peer) -> None:
        self.fail = peer.fail
        self.version: Any = None

    def respond(self, frame: Frame, message: Any) -> None:
        self.version = message


class ToyStore:
    """One view and one service; keeps what it was sent."""

    keys = fields("id:int64 name:string")
    features = fields("score:float64 small:int32 tag:string vector:float32[2]")

    def __init__(self) -> None:
        self.vector = fields("score:float64 small:int32 amount:float64")
        self.request = fields("amount:float64")
        self.version = 1
        self.chunks: dict[int, tuple[int, bytes]] = {}
        self.begun: list[features_pb2.BeginImportRequest] = []
        self.state = "staging"
        self.metrics: list[registry_pb2.Metric] = []
        self.artifacts: dict[str, bytes] = {}
        self.upload = b""

    def handle(self, peer: Peer, frame: Frame) -> None:
        name = Op(frame.operation).name.lower()
        handler = getattr(self, name, None)
        if handler is None:
            peer.fail(frame, 12, f"the toy does not {name}")
        else:
            handler(peer, frame)

    def describe_catalog(self, peer: Peer, frame: Frame) -> None:
        view = catalog_pb2.ViewDefinition(
            name="v", entity="e", keys=to_proto(self.keys).fields,
            features=to_proto(self.features).fields, event_time_column="event_time",
            created_time_column="",
        )  # fmt: skip
        services = [
            catalog_pb2.ServiceDefinition(
                name="s", version=number, key_columns=to_proto(self.keys).fields,
                request_fields=to_proto(self.request).fields,
            )
            for number in range(1, self.version + 1)
        ]  # fmt: skip
        peer.respond(frame, catalog_pb2.CatalogResponse(views=[view], services=services))

    def begin_import(self, peer: Peer, frame: Frame) -> None:
        self.begun.append(features_pb2.BeginImportRequest.FromString(frame.control))
        peer.respond(
            frame,
            features_pb2.BeginImportResponse(
                import_id="imp",
                state=self.state,
                next_chunk=len(self.chunks),
                staged_rows=7,
                begun_us=time.time_ns() // 1000,
            ),
        )

    def stage_rows(self, peer: Peer, frame: Frame) -> None:
        if frame.kind == ITEM:
            chunk = features_pb2.StageChunk.FromString(frame.control)
            assert chunk.chunk <= len(self.chunks), (
                "chunks come in order; one that is there is skipped"
            )
            sent = (chunk.first_row, frame.data)
            assert self.chunks.setdefault(chunk.chunk, sent) == sent, "cuts are the same every time"
            peer.item(frame, features_pb2.StageProgress(next_chunk=len(self.chunks)))
        elif frame.kind == END:
            rows = sum(struct.unpack_from("<I", data)[0] for _, data in self.chunks.values())
            peer.respond(
                frame, features_pb2.StageProgress(next_chunk=len(self.chunks), staged_rows=rows)
            )

    def publish_import(self, peer: Peer, frame: Frame) -> None:
        rows = sum(struct.unpack_from("<I", data)[0] for _, data in self.chunks.values())
        self.state = "published"
        peer.respond(frame, features_pb2.PublishImportResponse(log_entry=5, rows=rows))

    def materialize(self, peer: Peer, frame: Frame) -> None:
        peer.item(frame, features_pb2.MaterializeProgress(view="v", keys_done=1))
        peer.respond(frame, features_pb2.MaterializeProgress(rows_written=3))

    def start_run(self, peer: Peer, frame: Frame) -> None:
        request = registry_pb2.StartRunRequest.FromString(frame.control)
        peer.respond(
            frame, registry_pb2.Run(id="run-1", experiment=request.experiment, status="running")
        )

    def log_run(self, peer: Peer, frame: Frame) -> None:
        self.metrics += registry_pb2.LogRunRequest.FromString(frame.control).metrics
        peer.respond(frame, common_pb2.Empty())

    def end_run(self, peer: Peer, frame: Frame) -> None:
        request = registry_pb2.EndRunRequest.FromString(frame.control)
        peer.respond(frame, registry_pb2.Run(id=request.run, status=request.status))

    def put_artifact(self, peer: Peer, frame: Frame) -> None:
        if frame.kind == REQUEST:
            self.upload = b""
            self.expected = artifacts_pb2.PutArtifactRequest.FromString(frame.control)
        elif frame.kind == ITEM:
            self.upload += frame.data
        elif frame.kind == END:
            digest = hashlib.sha256(self.upload).hexdigest()
            assert digest == self.expected.digest and len(self.upload) == self.expected.bytes
            self.artifacts[digest] = self.upload
            peer.respond(frame, artifacts_pb2.Artifact(digest=digest))

    def get_artifact(self, peer: Peer, frame: Frame) -> None:
        if frame.kind != REQUEST:
            return
        digest = artifacts_pb2.ArtifactRequest.FromString(frame.control).digest
        content = self.artifacts[digest]
        for start in range(0, len(content), 100_000):
            peer.item(frame, None, content[start : start + 100_000])
        peer.respond(frame, artifacts_pb2.Artifact(digest=digest))

    def register_version(self, peer: Peer, frame: Frame) -> None:
        request = registry_pb2.RegisterVersionRequest.FromString(frame.control)
        self.metrics_at_register = len(self.metrics)
        peer.respond(
            frame,
            registry_pb2.ModelVersion(
                model=request.model, version=4, run=request.run, artifacts=request.artifacts,
                service="s@1",
            ),
        )  # fmt: skip

    def stage_holders(self, peer: Peer, frame: Frame) -> None:
        """The one version that ``resolve_version`` of a toy with models finds, with all of it."""
        asked = rollouts_pb2.StageHoldersRequest.FromString(frame.control)
        request = registry_pb2.ResolveVersionRequest(model=asked.model, stage=asked.stage)
        found = Found(peer)
        getattr(self, "resolve_version")(  # noqa: B009
            found, dataclasses.replace(frame, control=request.SerializeToString())
        )
        if found.version is not None:
            holder = rollouts_pb2.HeldVersion(version=found.version, share=10_000)
            peer.respond(frame, rollouts_pb2.StageHolders(holders=[holder]))

    def promote(self, peer: Peer, frame: Frame) -> None:
        request = registry_pb2.PromoteRequest.FromString(frame.control)
        verdict = registry_pb2.RuleVerdict(
            rule="auc at least 0.7", outcome="failed", reason="0.6 is below"
        )
        peer.respond(
            frame,
            registry_pb2.PromoteResponse(
                passed=False, rules=[verdict], version=request.version, stage=request.stage
            ),
        )

    def training_items(self, peer: Peer, frame: Frame, digest: str) -> None:
        schema = fields("id:int64 amount:float64 label:int32 score:float64 small:int32")
        first = training_pb2.BatchItem(schema=to_proto(schema))
        peer.item(
            frame, first, batch_bytes(schema, [[1, 2.5, 0, 0.5, 7], [None, 1.5, 1, None, None]])
        )
        peer.item(frame, training_pb2.BatchItem(), batch_bytes(schema, [[3, 0.0, 1, "NaN", -1]]))
        peer.respond(
            frame,
            training_pb2.TrainingSet(
                id="ts-1", service="s@1", rows=3, digest=digest, schema=to_proto(schema), label="label",
                feature_columns=["score", "small", "amount"],
                reports=[training_pb2.ViewReport(label="v", matched=2, not_found=1)],
            ),
        )  # fmt: skip
