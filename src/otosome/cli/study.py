"""A study run, its arms compared, a trial of it designed, the numbers it rests on; and any result read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Result, Retracted, Shelves, ask, carry_out

Asked = Annotated[str, typer.Argument(help="A file, or a shipped study.", autocompletion=jobs.studies_like)]
Subjects = Annotated[int, typer.Option(min=1, max=1_000_000, help="Ears to simulate.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")]
Batch = Annotated[Path | None, typer.Option(help="A lot's record, a batch TOML or an instrument export.")]
Despite = Annotated[bool, typer.Option("--despite-quality", help="Run a lot that its specification refuses.")]
Audiogram = Annotated[Path | None, typer.Option(help="A person's audiogram, in place of the study's people.")]
Person = Annotated[str | None, typer.Option(help="Whose audiogram, where the file holds several.")]
Side = Annotated[str | None, typer.Option(help="left, right or better [default: better].")]
Interpolate = Annotated[bool, typer.Option("--interpolate", help="Fill missing frequencies from neighbours.")]
Against = Annotated[Path | None, typer.Option(help="Your readings, drawn over a run: a table or an import.")]
Fit = Annotated[Path | None, typer.Option(help="A result of otosome fit: its numbers replace the shelf's.")]
Prior = Annotated[str | None, typer.Option(help="as_printed (default), mechanism, sceptic or none.")]
Insist = Annotated[bool, typer.Option("--insist", help="Run although it may take over an hour or 8 GB.")]
Out = Annotated[Path | None, typer.Option(help="Result folder [default: results/<study>].")]


def _of_a_study(name: str, about: str) -> Callable[..., None]:
    """A verb that asks a study; all of them have the same options."""

    def verb(
        study: Asked,
        subjects: Subjects = 200,
        seed: Seed = None,
        batch: Batch = None,
        despite_quality: Despite = False,
        audiogram: Audiogram = None,
        person: Person = None,
        ear: Side = None,
        interpolate: Interpolate = False,
        shelves: Shelves = None,
        allow_retracted: Retracted = None,
        against: Against = None,
        fit: Fit = None,
        prior: Prior = None,
        out: Out = None,
        force: Force = False,
        insist: Insist = False,
        as_json: Json = False,
    ) -> None:
        ask(name, getattr(jobs, {"next": "next_experiment"}.get(name, name)), jobs.StudyInputs, locals())

    verb.__name__, verb.__doc__ = name, about
    return verb


run = _of_a_study("run", "Simulate a study and write its report.")
compare = _of_a_study("compare", "Compare the arms of a study: words, cells, adverse events, which is best.")
ledger = _of_a_study("ledger", "Where a dose goes, and which measurement would narrow that most.")
next_ = _of_a_study("next", "Which experiment would narrow a comparison most, and the cheapest like it.")
equations = _of_a_study("equations", "The model of a study: states, numbers and units, as text and LaTeX.")


def measure(
    result: Result,
    endpoint: Annotated[str, typer.Option(help="What to measure: otosome list endpoints.")],
    at: Annotated[list[str], typer.Option(help='When; a moment that the result holds: "7 d".')],
    frequency: Annotated[list[str] | None, typer.Option(help='At which frequency: "8 kHz".')] = None,
    cell: Annotated[str | None, typer.Option(help="Of a count: OHC, IHC, synapse or SGN.")] = None,
    level: Annotated[str | None, typer.Option(help='Level of the stimulus: "80 dB SPL".')] = None,
    material: Annotated[str | None, typer.Option(help="Word test: otosome list materials.")] = None,
    speech: Annotated[str | None, typer.Option(help='Level of the words: "65 dB SPL".')] = None,
    noise: Annotated[str | None, typer.Option(help='Level of noise amid words: "60 dB SPL".')] = None,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """Measure any endpoint of a stored result, from the cells it keeps; nothing is simulated anew."""
    ask("measure", jobs.measure, jobs.MeasureInputs, locals())


def trial(
    designs: Annotated[list[Path], typer.Argument(help="Designs (otosome new trial), side by side.")],
    formula: Annotated[bool, typer.Option("--formula", help="By formula alone, in a second.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask cluster: tcp://host:8786.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue with ears simulated so far.")] = False,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<design>-trial].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """How many animals or people an experiment needs, and what it can show."""
    ask("trial", jobs.trial, jobs.TrialInputs, locals())


def optimise(
    dose: Annotated[Path, typer.Argument(help="What may vary, and within which limits (otosome new dose).")],
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate.")] = 1,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Folder [default: results/<dose>-optimise].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Which dose does most within its limits, and whether what is known supports a choice."""
    ask("optimise", jobs.optimise, jobs.DoseInputs, locals())


def sources(study: Asked, batch: Batch = None, shelves: Shelves = None, as_json: Json = False) -> None:
    """The papers a study rests on, and which of its numbers are only assumed."""
    carry_out("sources", as_json, lambda watch: jobs.sources(study, batch, tuple(shelves or ())))


def show(result: Result, as_json: Json = False) -> None:
    """What a result says: of a study, an import or a lot."""
    carry_out("show", as_json, lambda watch: jobs.show(result))
