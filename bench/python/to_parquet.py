"""Writes lines of JSON as Parquet, with pyarrow's defaults, in row groups of 64 MiB of lines.

Usage: to_parquet.py LINES PARQUET
"""

import sys

import pyarrow.json
import pyarrow.parquet

blocks = pyarrow.json.ReadOptions(block_size=64 << 20)
with pyarrow.json.open_json(sys.argv[1], read_options=blocks) as batches:
    with pyarrow.parquet.ParquetWriter(sys.argv[2], batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
