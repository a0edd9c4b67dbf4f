"""Frames of every size, cut anywhere, come out as they went in; work ahead ends when it should."""

from __future__ import annotations

import io
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fake_server import frame_bytes

from alula import _progress
from alula._ahead import Ahead
from alula._progress import Progress
from alula._reader import FrameReader
from alula.errors import Unavailable

PREFACE = b"ALUL\x01\x00\x00\x00"


def payload(own: random.Random) -> tuple[bytes, bytes]:
    kind = own.random()
    if kind < 0.4:
        return own.randbytes(own.randrange(200)), b""
    if kind < 0.6:
        return own.randbytes(own.randrange(40)), own.randbytes(own.randrange(1, 40_000))
    size = own.choice([32_768, 32_760, 33_000, 300_000, 900_000, (1 << 20) - 64])
    return own.randbytes(own.choice([0, 0, 5, 24])), own.randbytes(1_000) * (size // 1_000)


@pytest.mark.parametrize("seed", range(8))
def test_frames_come_out_as_they_went_in(seed: int) -> None:
    own = random.Random(seed)
    frames = []
    while len(frames) < 120:
        # Runs of large ones, as in a stream, and small ones between.
        one = payload(own)
        frames += [one] * (own.choice([1, 1, 6]) if len(one[1]) > 1 << 16 else 1)
    raw = PREFACE + b"".join(
        frame_bytes(3, 0x40, number, control, data) for number, (control, data) in enumerate(frames)
    )
    here, there = socket.socketpair()
    here.setblocking(False)

    def send() -> None:
        at = 0
        while at < len(raw):
            size = own.choice([1, 7, 16, 1_000, 70_000, 1 << 20, 5 << 20])
            there.sendall(raw[at : at + size])
            at += size
        there.close()

    sender = threading.Thread(target=send)
    sender.start()
    reader = FrameReader(here)
    kept: list[Any] = []
    for number in range(len(frames)):
        got = None
        while got is None:
            got = reader.next_frame(own.choice([0, 5, None]))
        header, content = got
        assert header.call == number
        kept.append((header.control, content))
    with pytest.raises(Unavailable, match="closed"):
        reader.next_frame(None)
    sender.join()
    for (control, data), (length, content) in zip(frames, kept):
        whole = bytes(content)
        assert whole[:length] == control
        assert whole[length + (-length % 8 if data else 0) :] == data
    large = [c for (control, data), (_, c) in zip(frames, kept) if len(data) > 40_000]
    assert large
    here.close()


def test_a_small_answer_does_not_keep_the_memory_of_a_stream() -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    large = frame_bytes(3, 0x40, 1, b"", bytes(500_000))
    raw = PREFACE + large * 4 + frame_bytes(2, 0x30, 2, b"small") + large
    threading.Thread(target=there.sendall, args=(raw,), daemon=True).start()
    reader = FrameReader(here)
    contents = []
    while len(contents) < 6:
        got = reader.next_frame(None)
        assert got is not None
        contents.append(got[1])
    assert isinstance(contents[4], bytes) and contents[4] == b"small"
    here.close()
    there.close()


def numbers(count: int, fails: bool = False) -> Iterator[int]:
    yield from range(count)
    if fails:
        raise ZeroDivisionError


def test_work_ahead_keeps_order_and_raises_in_its_place() -> None:
    assert list(Ahead(numbers(500), 3)) == list(range(500))
    seen = []
    with pytest.raises(ZeroDivisionError):
        for number in Ahead(numbers(7, fails=True), 3):
            seen.append(number)
    assert seen == list(range(7))


def test_work_ahead_ends_when_nobody_takes_it_and_stays_bounded() -> None:
    made = []

    def source() -> Iterator[int]:
        for number in range(10**9):
            made.append(number)
            yield number

    for number in Ahead(source(), 4):
        if number == 10:
            time.sleep(0.05)
            break
    count = len(made)
    assert count <= 10 + 4 + 3
    time.sleep(0.3)
    assert len(made) <= count + 1
    assert not [thread for thread in threading.enumerate() if thread.name == "alula-ahead"]


def test_progress_tells_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    out = io.StringIO()
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(_progress.sys, "stderr", out)
    bar = Progress("load v", "rows", 10_000_000, None)
    bar.start_from(1_000_000)
    now[0] += 10
    bar.update(3_000_000)
    assert out.getvalue().endswith(" 30% 3,000,000 of 10,000,000 rows, 200,000/s, 35 s left\n")
    now[0] += 10
    bar.update(3_100_000)
    assert out.getvalue().endswith("105,000/s, 1 min 6 s left\n")
    bar.begin("publish", None)
    now[0] += 10
    bar.update(5)
    assert out.getvalue().splitlines()[-1].startswith("publish: 5 rows")
    bar.finish("done")
    assert out.getvalue().endswith("publish: done in 10.0 s\n")
