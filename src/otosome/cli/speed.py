"""How fast otosome is, beside the solvers people use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from otosome.cli.common import Json, carry_out, say


def bench(
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write what was measured as a document (docs/performance.md)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time otosome beside CVODE, LSODA and BDF at matched error; some minutes. They come with otosome[bench]."""

    def work() -> dict[str, Any]:
        # One thread is what is measured; libraries read this once, when they are first loaded.
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
        from otosome.benchmark import bench as measure
        from otosome.benchmark.document import check_writable, document, ratios_told

        if write is not None:
            check_writable(write)
        found = measure(say=say)
        if write is not None:
            write.write_text(document(found), encoding="utf-8")
        if not as_json:
            print(ratios_told(found["ratios"]))
        out = {} if write is None else {"out": str(write)}
        return {**out, "result": found, "notes": []}

    carry_out("bench", as_json, work)
