"""The table of readings, written and read back some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Rows that are held at once.
_ROWS = 1 << 14


def write_readings(
    file: Path, tables: Iterable[pd.DataFrame], shown: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Write tables under each other as one Parquet table; returns what is ``shown`` of them."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    chosen = []
    batches = _batches(tables)
    first = next(batches)
    schema = pa.Schema.from_pandas(first, preserve_index=False)
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in chain([first], batches):
            writer.write_table(pa.Table.from_pandas(batch, schema, preserve_index=False))
            chosen.append(shown(batch))
    return pd.concat(chosen, ignore_index=True)


def read_readings(file: Path) -> Iterator[pd.DataFrame]:
    """The rows that were written, in their order; at least one table, though it were empty."""
    from pyarrow import parquet

    with parquet.ParquetFile(file) as table:
        for number in range(table.num_row_groups):
            yield table.read_row_group(number).to_pandas()
        if not table.num_row_groups:
            yield table.read().to_pandas()


def count(file: Path) -> int:
    """How many readings there are."""
    from pyarrow import parquet

    with parquet.ParquetFile(file) as table:
        return int(table.metadata.num_rows)


def _batches(tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same rows in fewer tables."""
    import pandas as pd

    waiting: list[pd.DataFrame] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _ROWS:
            yield pd.concat(waiting, ignore_index=True)
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)
