"""Sources of a load: read piece by piece, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alula._sources import open_source


def test_a_parquet_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    rows = 600_000
    path = tmp_path / "large.parquet"
    values = np.random.default_rng(1).random((20, rows))
    table = pa.table({f"f{n}": column for n, column in enumerate(values)})
    pq.write_table(table, path, row_group_size=rows // 32)
    del table
    before, most = pa.total_allocated_bytes(), 0
    for piece in open_source(path, {}).pieces([f"f{n}" for n in range(20)], None):
        most = max(most, pa.total_allocated_bytes() - before)
        assert piece.table.num_rows
    assert most < 50_000_000, "a batch has 16 MB, the file 96 MB"
