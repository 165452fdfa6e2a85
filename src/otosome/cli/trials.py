"""Experiments and trials: how many, and what a design can show; and the dose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Shelves, carry_out


def trial(
    designs: Annotated[
        list[Path], typer.Argument(help="Designs (otosome new trial); several stand side by side.")
    ],
    formula: Annotated[
        bool, typer.Option("--formula", help="Without simulated patients: in a second.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with ears that were simulated.")] = False,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<design>-trial].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """How many animals or people an experiment needs, and what it can show."""
    inputs = jobs.TrialInputs(
        designs=tuple(designs),
        formula=formula,
        workers=workers,
        resume=resume,
        shelves=tuple(shelves or ()),
        out=out,
        force=force,
    )
    carry_out("trial", as_json, lambda watch: jobs.trial(inputs, watch))


def optimise(
    dose: Annotated[Path, typer.Argument(help="What may vary, and within which limits (otosome new dose).")],
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate.")] = 1,
    shelves: Shelves = None,
    out: Annotated[
        Path | None, typer.Option(help="Result folder [default: results/<dose>-optimise].")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Which dose does most within its limits, and whether what is known supports a choice."""
    inputs = jobs.DoseInputs(dose=dose, workers=workers, shelves=tuple(shelves or ()), out=out, force=force)
    carry_out("optimise", as_json, lambda watch: jobs.optimise(inputs, watch))
