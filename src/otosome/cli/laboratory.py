"""A laboratory's files in, what is filled in by hand begun, and lots decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Shelves, carry_out
from otosome.errors import BadInput


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders, as instruments write them.")],
    animals: Annotated[Path | None, typer.Option(help="The sheet with the group of each subject.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="What columns and wells hold.")] = None,
    species: Annotated[
        str, typer.Option(help="Of subjects the sheet does not name: mouse, rat, guinea_pig, human.")
    ] = "",
    voltage: Annotated[str, typer.Option(help="Unit where a file states none: nV, uV, mV, V.")] = "",
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables [default: results/import].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Read a laboratory's files into one table, with thresholds and a list of what was refused."""

    inputs = jobs.ImportInputs(
        paths=tuple(paths),
        animals=animals,
        mapping=mapping,
        species=species,
        voltage=voltage,
        shelves=tuple(shelves or ()),
        out=out,
        force=force,
    )
    carry_out("import", as_json, lambda watch: jobs.import_(inputs, watch))


def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="study, animals, mapping, fit, batch, specification, case, drug, trial, dose or experiment"
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="For animals: the files the sheet is for; a batch: its exports; a drug: its name."
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="For fit: a table, or an import's folder.")
    ] = None,
    shelves: Shelves = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write [default: my_study.toml and so on].")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="For a batch: copy its files beside it.")] = False,
    reference: Annotated[bool, typer.Option("--reference", help="For a batch: name them elsewhere.")] = False,
    as_json: Json = False,
) -> None:
    """Begin a file: a study, an animals sheet, a lot's record, a release specification, a published case, a drug."""

    def job(watch: jobs.Watch) -> jobs.Begun | jobs.Drafted:
        if copy and reference:
            raise BadInput("is one or the other", given="--copy and --reference")
        return jobs.new(
            jobs.NewInputs(
                kind=kind,
                paths=tuple(paths or ()),
                source=source,
                shelves=tuple(shelves or ()),
                out=out,
                outside="copy" if copy else "reference" if reference else "refuse",
            )
        )

    carry_out("new", as_json, job)


def quality(
    batch: Annotated[Path | None, typer.Argument(help="The record of a lot.")] = None,
    reference: Annotated[Path | None, typer.Option(help="The record of a lot to compare with.")] = None,
    history: Annotated[Path | None, typer.Option(help="A folder with the records of earlier lots.")] = None,
    study: Annotated[str | None, typer.Option(help="A study: what each limit is worth in it.")] = None,
    process: Annotated[str | None, typer.Option(help="A process instead: what it makes.")] = None,
    against: Annotated[str | None, typer.Option(help="Another process: what the change does.")] = None,
    lots: Annotated[int, typer.Option(help="Lots of the process.")] = 20,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Its folder [default: results/<lot>].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Release, refuse or cannot decide: a lot from its files; or what a process makes."""

    def job(watch: jobs.Watch) -> jobs.Lot | jobs.Process:
        own = tuple(shelves or ())
        if process is not None and batch is None:
            return jobs.process(process, against, lots, own)
        if batch is None or process is not None:
            raise BadInput("asks for a lot's record, or for --process", cure="otosome quality BATCH.toml")
        inputs = jobs.LotInputs(
            record=batch,
            reference=reference,
            history=history,
            study=study,
            shelves=own,
            out=out,
            force=force,
        )
        return jobs.assess(inputs, watch)

    carry_out("quality", as_json, job)
