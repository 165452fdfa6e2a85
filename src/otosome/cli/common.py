"""What every verb shares: its options, one message on bad input, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from otosome import __version__
from otosome.errors import Fault
from otosome.jobs import GOES_ON, Done, Watch, fault_of, inputs_of, watched

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Inputs = TypeVar("Inputs", bound="DataclassInstance")
Stated = Mapping[str, object]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Shelves = Annotated[list[Path] | None, typer.Option("--shelves", help="Your own shelves (code: trust it).")]
Retracted = Annotated[list[str] | None, typer.Option(help="A retracted source that may be used.")]
Result = Annotated[Path, typer.Argument(help="A result folder.")]
Force = Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")]


class Terminated(KeyboardInterrupt):
    """The system asks the program to end, as ``timeout``, Slurm and docker do."""


def say(text: str) -> None:
    """A line for the person, on standard error."""
    print(text, file=sys.stderr)


def ask(verb: str, job: Callable[[Inputs, Watch], Done], kind: type[Inputs], stated: Stated) -> None:
    """Do the job of a verb, whose parameters are named as the fields of its inputs."""
    carry_out(verb, bool(stated["as_json"]), lambda watch: job(inputs_of(kind, stated), watch))


def carry_out(command: str, as_json: bool, job: Callable[[Watch], Done]) -> None:
    """Do a job and print its result, or the one message that says what was wrong with the input."""
    try:
        with watched(command) as watch:
            done = job(watch)
        answer, lines = done.as_dict(), [] if as_json else done.lines()
    except KeyboardInterrupt as ended:
        how, code = ("ended from outside", 143) if isinstance(ended, Terminated) else ("interrupted", 130)
        say(f"otosome {command}: {how}; nothing was replaced{GOES_ON.get(command, '')}")
        raise typer.Exit(code) from None
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        if as_json:
            refuse(command, fault.as_dict())
        say(f"otosome {command}: {fault}")
        raise typer.Exit(fault.exit_code) from error
    for note in answer["notes"]:
        say(f"note: {note}")
    whole = {"otosome": __version__, "command": command, "ok": True, **answer}
    print(json.dumps(whole) if as_json else "\n".join(lines))


def refuse(command: str, error: Fault) -> None:
    """The one object for machines; in ASCII, which every terminal and every file name survives."""
    print(json.dumps({"otosome": __version__, "command": command, "ok": False, "error": error}))
