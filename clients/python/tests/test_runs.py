"""Runs against a server that comes and goes: nothing stops a training, nothing is lost or twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_process import Server, needs_server
from waiting import wait_until

import alula
from alula._spool import spool_directory

pytestmark = needs_server


@pytest.fixture()
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("ALULA_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("ALULA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("alula._transport._FIRST_PAUSE", 0.005)
    monkeypatch.setattr("alula._transport._LONGEST_PAUSE", 0.02)
    monkeypatch.setattr("alula._sending.SPOOL_AFTER", 0.3)
    server = Server(tmp_path / "data").start()
    with server.connect() as store:
        store.apply("project: runs\n")
    yield server
    server.stop()


def spools() -> list[Path]:
    return sorted(spool_directory().glob("*.spool"))


def series(store: alula.Store, run: str) -> list[tuple[str, int, float]]:
    return [(point.name, point.step, point.value) for point in store.get_run(run).points]


def test_metrics_of_a_long_outage_wait_in_a_file_and_come_once_in_order(server: Server) -> None:
    with server.connect() as store:
        run = store.run("e", code_revision="")
        for step in range(100):
            run.log_metric("m", step, step)
        run.flush()
        server.kill()
        with pytest.warns(UserWarning, match="the server is away"):
            for step in range(100, 5_000):
                run.log_metric("m", step, step)
                if step % 1_000 == 0:
                    time.sleep(0.2)
            wait_until(spools)
        run.log_params({"late": 1})
        run.set_tags({"t": "x"})
        assert spools()
        server.start()
        run.flush(30)
        assert not spools()
        run.log_metric("m", 5_000, 5_000)
        assert run.end().status == "finished"
        assert series(store, run.id) == [("m", step, step) for step in range(5_001)]
        found = store.get_run(run.id)
        assert found.params == {"late": "1"} and found.tags == {"t": "x"}


def test_a_server_killed_again_and_again_loses_and_doubles_nothing(server: Server) -> None:
    draw = random.Random(7)
    with server.connect() as store:
        run, count = store.run("e", code_revision=""), 0
        for _ in range(4):
            for _ in range(draw.randrange(500, 1_500)):
                run.log_metric(f"m{count % 3}", count, count)
                count += 1
            server.kill()
            for _ in range(draw.randrange(100, 300)):
                run.log_metric(f"m{count % 3}", count, count)
                count += 1
            time.sleep(draw.random() * 0.6)
            server.start()
        run.end()
        expected = sorted((f"m{number % 3}", number, float(number)) for number in range(count))
        assert series(store, run.id) == expected


def test_leaving_while_the_server_is_away_says_so_and_is_delivered_later(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alula.runs.LEAVE_SECONDS", 1.0)
    store = server.connect()
    with pytest.warns(UserWarning, match="could not be delivered"):
        with store.run("e", code_revision="") as run:
            server.kill()
            for step in range(2_500):
                run.log_metric("m", step, step)
    assert len(spools()) == 1
    assert [d.waiting > 0 for d in store.deliver()] == [True]
    server.start()
    (delivery,) = store.deliver()
    assert delivery.run == run.id and delivery.waiting == delivery.refused == 0
    assert delivery.sent >= 4
    assert not spools() and store.deliver() == []
    assert series(store, run.id) == [("m", step, step) for step in range(2_500)]
    assert store.get_run(run.id).status == "finished"


def test_who_may_not_send_loses_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alula.runs.LEAVE_SECONDS", 1.0)
    store = server.connect()
    with pytest.warns(UserWarning, match="could not be delivered"):
        with store.run("e", code_revision="") as run:
            server.kill()
            for step in range(10):
                run.log_metric("m", step, step)
    server.start()
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise alula.PermissionDenied("this caller may not do that (logRun)")

        patch.setattr(store._session.transport, "unary", refuse)
        (delivery,) = store.deliver()
    assert delivery.sent == delivery.refused == 0 and delivery.waiting > 0
    assert "may not do that" in delivery.reason and len(spools()) == 1
    (delivery,) = store.deliver()
    assert delivery.waiting == delivery.refused == 0 and not spools()
    assert series(store, run.id) == [("m", step, step) for step in range(10)]


def test_points_that_are_lost_are_raised_and_the_end_is_not_among_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alula._sending.MOST_WAITING", 50)
    with server.connect() as store:
        run = store.run("e", code_revision="")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGSTOP)
        with pytest.warns(UserWarning, match="further ones are lost"):
            for step in range(1_200):
                run.log_metric("m", step, step)
        os.kill(server.process.pid, signal.SIGCONT)
        with pytest.raises(alula.ResourceExhausted, match="points are lost"):
            run.flush()
        run.end()
        assert store.get_run(run.id).status == "finished"


def test_pages_of_large_runs_are_taken(server: Server) -> None:
    with server.connect() as store:
        ids = set()
        for number in range(40):
            with store.run("e", params={"p": "x" * 15_000, "n": number}, code_revision="") as run:
                ids.add(run.id)
        assert {record.id for record in store.runs("e")} == ids
        large = store.run("e", code_revision="")
        with pytest.raises(alula.Refused, match="as an artifact"):
            for number in range(40):
                large.log_params({f"p{number}": "x" * 16_000})
        assert 30 <= len(store.get_run(large.id).params) < 40
        large.end()


def test_a_torn_end_of_the_file_is_not_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alula.runs.LEAVE_SECONDS", 0.5)
    store = server.connect()
    with pytest.warns(UserWarning, match="could not be delivered"):
        with store.run("e", code_revision="") as run:
            server.kill()
            run.log_metric("m", 1)
    (path,) = spools()
    path.write_bytes(path.read_bytes()[:-3])
    server.start()
    (delivery,) = store.deliver()
    assert delivery.sent == 1, "the point, but not the end"
    assert series(store, run.id) == [("m", 0, 1.0)]
    assert store.get_run(run.id).status == "running"


def test_a_refusal_is_raised_where_the_server_is_there(server: Server) -> None:
    with server.connect() as store:
        run = store.run("e", params={"c": 1}, code_revision="")
        with pytest.raises(alula.Refused):
            run.log_params({"c": 2})
        with pytest.raises(alula.AlulaError):
            run.log_input("view", "none")
        run.end()
        with pytest.raises(alula.Refused):
            store.open_run(run.id).log_batch([("m", 1.0, 1)])


def test_what_a_run_read_made_and_ran_in(server: Server, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("made")
    with server.connect() as store:
        with store.run("e", code_revision="abc", environment={"gpu": "none"}) as run:
            run.log_input("uri", "s3://raw/x", "raw")
            digest = run.log_artifact(tmp_path / "out.txt")
            version = run.register("m", [tmp_path / "out.txt"])
            run.log_output("version", f"m@{int(version)}")
        found = store.get_run(run.id)
        assert found.environment == {"gpu": "none"} and found.code_revision == "abc"
        assert [(i.kind, i.target, i.name) for i in found.inputs] == [("uri", "s3://raw/x", "raw")]
        assert {(o.kind, o.target, o.bytes) for o in found.outputs} == {
            ("artifact", digest, 4), ("version", "m@1", 0)
        }  # fmt: skip
        assert "python" in store.get_run(store.run("e").id).environment


def test_a_silent_run_is_lost_and_comes_back(server: Server) -> None:
    with server.connect() as store:
        silent = store.run("e", code_revision="", heartbeat=1)
        beating = store.run("e", code_revision="", heartbeat=1)
        quiet = store.run("e", code_revision="", heartbeat=0)
        silent._sender.close()
        wait_until(lambda: store.get_run(silent.id).status == "lost", 25)
        assert store.get_run(silent.id).ended is not None
        assert store.get_run(beating.id).status == "running"
        assert store.get_run(quiet.id).status == "running"
        store.open_run(silent.id).log_batch([("m", 1.0, 1)])
        assert store.get_run(silent.id).status == "running"
        assert store.get_run(silent.id).ended is None
        assert beating.end().status == "finished"
        acts = [entry.act for entry in store.audit() if silent.id in entry.object]
        assert acts == ["start run", "lose run", "revive run"]


def test_many_points_in_one_call(server: Server) -> None:
    with server.connect() as store, store.run("e", code_revision="") as run:
        run.log_batch([(f"m{step % 7}", step / 2, step) for step in range(3_000)], {"a": 1})
        run.log_batch([(f"m{step % 7}", step / 2, step) for step in range(3_000)])
        found = store.get_run(run.id)
        assert len(found.points) == 6_000 and found.params == {"a": "1"}
        assert found.metrics["m3"] == max(s for s in range(3_000) if s % 7 == 3) / 2
