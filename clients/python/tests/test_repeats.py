"""Every write repeated: the first answer again, and nothing changed; and what a registry is not to take."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from raw_client import ROW_TYPES, Raw, head, push_request, rows_of, schema
from server_process import Server, needs_server
from test_abuse import BIG, BIG_DIGEST, SPINE, SPINE_TYPES, put_artifact, rows_in_history
from test_abuse import server as server  # the same kind of server, one for this module

from alula._frames import Kind, Op
from alula._proto import (
    artifacts_pb2,
    catalog_pb2,
    features_pb2,
    registry_pb2,
    training_pb2,
)

pytestmark = needs_server


def test_an_artifact_is_what_was_announced(server: Server) -> None:
    content = os.urandom(100_000)
    with Raw(server.port) as raw:
        assert "cut short" in put_artifact(raw, content, 100_001).failure.message
        assert "longer" in put_artifact(raw, content, 99_999).failure.message
        wrong = artifacts_pb2.PutArtifactRequest(head=head(), digest="12" * 32, bytes=3)
        call = raw.request(Op.PUT_ARTIFACT, wrong, more=True)
        raw.send(Kind.ITEM, Op.PUT_ARTIFACT, call, data=b"abc")
        raw.send(Kind.END, Op.PUT_ARTIFACT, call)
        assert raw.last(call).failure.code in (3, 15)
        for digest in ("", "12", "zz" * 32, "../" * 20, "AB" * 32 + "/x", "12" * 32):
            asked = artifacts_pb2.ArtifactRequest(head=head(), digest=digest)
            assert raw.ask(Op.GET_ARTIFACT, asked).failure.code in (3, 5), digest


def test_a_repeat_gets_the_first_answer_and_changes_nothing(server: Server) -> None:
    view = f"repeat{os.getpid()}"
    yaml = f"project: abuse\nviews:\n  - {{name: {view}, entity: e, features: {{a: int64}}}}\n"
    with Raw(server.port) as raw:

        def audit() -> int:
            message = registry_pb2.ListAuditRequest(head=head(request_id=b""), limit=10_000)
            entries = registry_pb2.AuditEntries.FromString(
                raw.ask(Op.LIST_AUDIT, message).control
            ).entries
            return int(entries[-1].number)

        def twice(operation: int, make: Callable[[Any], Any], data: bytes = b"") -> bytes:
            message = make(head())
            first = raw.ask(operation, message, data)
            assert first.kind == Kind.RESPONSE, first.failure
            acts = audit()
            calls = [raw.request(operation, message, data) for _ in range(5)]
            answers = {}
            while len(answers) < len(calls):
                got = raw.receive()
                answers[got.call] = got
            for got in answers.values():
                assert (got.kind, got.control) == (Kind.RESPONSE, first.control)
            assert audit() == acts
            return first.control

        def definitions(head: Any) -> Any:
            return catalog_pb2.ApplyRequest(
                head=head, files=[catalog_pb2.DefinitionFile(name="f", yaml=yaml)]
            )

        applied = catalog_pb2.ApplyResponse.FromString(twice(Op.APPLY, definitions))
        assert [change.name for change in applied.changes] == [view]
        twice(Op.PUSH, lambda head: features_pb2.PushRequest(head=head, view="v", schema=schema(ROW_TYPES)),
              rows_of(["repeated"] * 3))  # fmt: skip
        assert rows_in_history(server, "repeated") == 3
        run = registry_pb2.Run.FromString(
            twice(
                Op.START_RUN,
                lambda head: registry_pb2.StartRunRequest(head=head, experiment="repeats"),
            )
        )
        metrics = [registry_pb2.Metric(name="auc", value=0.9, step=1, time_us=1)]
        twice(
            Op.LOG_RUN,
            lambda head: registry_pb2.LogRunRequest(head=head, run=run.id, metrics=metrics),
        )
        twice(
            Op.END_RUN,
            lambda head: registry_pb2.EndRunRequest(head=head, run=run.id, status="finished"),
        )
        artifact = registry_pb2.VersionArtifact(name="model.bin", digest=BIG_DIGEST, bytes=len(BIG))
        version = registry_pb2.ModelVersion.FromString(
            twice(Op.REGISTER_VERSION, lambda head: registry_pb2.RegisterVersionRequest(
                head=head, model="m", run=run.id, artifacts=[artifact], service="s@1"))
        )  # fmt: skip
        twice(Op.PROMOTE, lambda head: registry_pb2.PromoteRequest(
            head=head, model="m", version=version.version, stage="staging"))  # fmt: skip
        begin = features_pb2.BeginImportRequest(
            head=head(), view="v", source_name="repeat", source_digest=os.urandom(32)
        )
        begun = features_pb2.BeginImportResponse.FromString(raw.ask(Op.BEGIN_IMPORT, begin).control)
        staging = features_pb2.StageRowsRequest(
            head=head(), import_id=begun.import_id, schema=schema(ROW_TYPES)
        )
        for _ in range(3):
            call = raw.request(Op.STAGE_ROWS, staging, more=True)
            raw.send(Kind.ITEM, Op.STAGE_ROWS, call, data=rows_of(["staged"] * 3))
            raw.send(Kind.END, Op.STAGE_ROWS, call)
            assert features_pb2.StageProgress.FromString(raw.last(call).control).staged_rows == 3
        twice(Op.PUBLISH_IMPORT, lambda head: features_pb2.PublishImportRequest(
            head=head, import_id=begun.import_id))  # fmt: skip
        assert rows_in_history(server, "staged") == 3
        sets = set()
        message = training_pb2.MakeTrainingSetRequest(
            head=head(), service="s", schema=schema(SPINE_TYPES), event_time="event_time"
        )
        for _ in range(3):
            call = raw.request(Op.MAKE_TRAINING_SET, message, more=True)
            raw.send(Kind.ITEM, Op.MAKE_TRAINING_SET, call, data=SPINE)
            raw.send(Kind.END, Op.MAKE_TRAINING_SET, call)
            made = training_pb2.TrainingSet.FromString(raw.last(call).control)
            sets.add((made.id, made.digest))
        assert len(sets) == 1


@pytest.mark.parametrize("operation, message", [
    (Op.PUSH, features_pb2.PushRequest(head=head(request_id=b""), view="v", schema=schema(ROW_TYPES))),
    (Op.START_RUN, registry_pb2.StartRunRequest(head=head(request_id=b""), experiment="x")),
    (Op.APPLY, catalog_pb2.ApplyRequest(head=head(request_id=b""))),
    (Op.PROMOTE, registry_pb2.PromoteRequest(head=head(request_id=b""), model="m", version=1, stage="staging")),
])  # fmt: skip
def test_a_write_without_a_request_id_is_refused(
    server: Server, operation: int, message: Any
) -> None:
    with Raw(server.port) as raw:
        failure = raw.ask(
            operation, message, rows_of(["noid"]) if operation == Op.PUSH else b""
        ).failure
        assert failure.code == 3 and "request id" in failure.message


def test_one_request_sent_on_many_connections_at_once_is_done_once(server: Server) -> None:
    message, data = push_request(request_id=os.urandom(16)), rows_of(["atonce"])
    raws = [Raw(server.port) for _ in range(20)]
    calls = [raw.request(Op.PUSH, message, data) for raw in raws]
    answers = {raw.last(call).control for raw, call in zip(raws, calls)}
    for raw in raws:
        raw.socket.close()
    assert len(answers) == 1 and rows_in_history(server, "atonce") == 1


def test_metrics_that_are_no_numbers_do_not_break_the_registry(server: Server) -> None:
    with Raw(server.port) as raw:
        start = registry_pb2.StartRunRequest(head=head(), experiment="nan")
        run = registry_pb2.Run.FromString(raw.ask(Op.START_RUN, start).control)
        for value in (np.nan, np.inf, -np.inf):
            metrics = [registry_pb2.Metric(name="auc", value=value, step=-1, time_us=-(2**63))]
            got = raw.ask(
                Op.LOG_RUN, registry_pb2.LogRunRequest(head=head(), run=run.id, metrics=metrics)
            )
            assert got.kind == Kind.RESPONSE or got.failure.code == 3
        shown = raw.ask(
            Op.GET_RUN, registry_pb2.GetRunRequest(head=head(), run=run.id, history=True)
        )
        assert shown.kind == Kind.RESPONSE
