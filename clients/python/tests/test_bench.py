"""`alula bench` against a real server: what it says was asked and answered is so."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_process import BINARY, Server, needs_server

import alula

pytestmark = needs_server
UTC = dt.timezone.utc
ROWS = 400

DEFINITIONS = """
project: bench
entities:
  - {name: user, keys: {user_id: int64}}
  - {name: pair, keys: {name: string, n: int64}}
views:
  - {name: stats, entity: user, features: {a: float64, b: int64, e: "float32[4]", s: string}}
  - {name: old, entity: user, max_age: 1d, features: {c: float64}}
  - {name: pairs, entity: pair, features: {t: string}}
services:
  - {name: both, features: ["stats:*", "old:*"], request: {amount: float64}}
  - {name: pairs, features: ["pairs:*"]}
"""


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[alula.Store]:
    with server.connect() as connected:
        connected.apply(DEFINITIONS)
        now = dt.datetime.now(UTC)
        rows: dict[str, Any] = {
            "user_id": list(range(ROWS)),
            "event_time": [now] * ROWS,
            "a": [float(number) if number % 2 else None for number in range(ROWS)],
            "b": list(range(ROWS)),
            "e": [[1.0] * 4] * ROWS,
            "s": ["text"] * ROWS,
        }
        connected.load("stats", rows, progress=False)
        late = [now - dt.timedelta(days=2)] * ROWS
        connected.load(
            "old",
            {"user_id": list(range(ROWS)), "event_time": late, "c": [1.0] * ROWS},
            progress=False,
        )
        connected.push(
            "pairs", {"name": ["é", ""], "n": [1, 2], "event_time": [now] * 2, "t": ["x", "y"]}
        )
        yield connected


def bench(server: Server, *words: str) -> list[dict[str, Any]]:
    address = f"alula://127.0.0.1:{server.port}"
    told = subprocess.run(
        [BINARY, "bench", *words, "--server", address, "--project", "bench", "--json",
         "--duration", "0.5", "--warm-up", "0.1", "--decode-every", "1"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)["loads"]  # type: ignore[no-any-return]


def test_what_was_read_has_the_statuses_that_are_there(server: Server, store: alula.Store) -> None:
    (load,) = bench(
        server, "both", "--entities", "20", "--ids", "0-399", "--value", "amount=2", "--connections", "3"
    )  # fmt: skip
    assert load["answered"] > 0 and load["failed"] == 0 and load["unanswered"] == 0
    statuses, decoded = load["statuses"], load["decoded"]
    values = 20 * decoded
    # Of five features one is expired, and one of the others is null for every second user.
    assert statuses["expired"] == values and "notFound" not in statuses
    assert statuses["present"] + statuses["null"] == 4 * values
    assert abs(statuses["null"] / values - 0.5) < 0.2
    latency = load["latency_us"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    (absent,) = bench(server, "both", "--ids", "1000000-1000010", "--zipf", "1.1")
    assert set(absent["statuses"]) == {"notFound"}


def test_a_writer_beside_it_writes_rows_that_are_newer(server: Server, store: alula.Store) -> None:
    before = store.status().log_last
    reads, writes = bench(
        server, "both", "--rate", "100", "--ids", "400", "--write", "stats:500", "--write-batch", "50"
    )  # fmt: skip
    assert 40 <= reads["answered"] <= 51 and reads["unanswered"] == 0
    assert set(writes["statuses"]) == {"accepted"} and writes["answered"] > 0
    assert store.status().log_last > before
    assert "older" not in bench(server, "--push", "stats", "--entities", "30")[0]["statuses"]


def test_keys_of_a_file_an_echo_and_the_floor(
    server: Server, store: alula.Store, tmp_path: Path
) -> None:
    path = tmp_path / "keys.csv"
    path.write_text('name,n\né,1\n"",2\n')
    load, floor = bench(
        server, "pairs", "--key-file", str(path), "--entities", "5", "--floor", "--connections", "2"
    )
    assert set(load["statuses"]) == {"present"} and load["answered"] > 0
    assert floor["request_bytes"] == load["request_bytes"] and floor["answered"] > 0
    assert abs(floor["answer_bytes"] - load["answer_bytes"]) <= 5
    (echo,) = bench(server, "--echo", "500:20000")
    assert echo["request_bytes"] == 500 and abs(echo["answer_bytes"] - 20_000) <= 100


@pytest.mark.parametrize(
    "words, said",
    [
        (["nothing"], 'no service "nothing"'),
        (["pairs"], "--key-file"),
        (["both", "--value", "wrong=1"], '"wrong"'),
        (["both", "--ids", "9-1"], "expected a count, or FIRST-LAST"),
        (["both", "--rate", "0"], "a rate is above 0"),
        (["both", "--write", "stats"], "expected VIEW:ROWS"),
        (["--push", "nothing"], 'no view "nothing"'),
        (["--echo", "4:4"], "16 to 1048576 bytes"),
    ],
)
def test_what_makes_no_sense_is_said(
    server: Server, store: alula.Store, words: list[str], said: str
) -> None:
    address = f"alula://127.0.0.1:{server.port}"
    told = subprocess.run(
        [BINARY, "bench", *words, "--server", address, "--project", "bench"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert told.returncode == 1 and said in told.stderr, told.stderr
