"""What every verb shares: its options, one message on bad input, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, Protocol

import typer

from otosome import __version__
from otosome.errors import BadInput
from otosome.jobs import Progress, Watch

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Shelves = Annotated[list[Path] | None, typer.Option("--shelves", help="Your own shelves (code: trust it).")]
Retracted = Annotated[list[str] | None, typer.Option(help="A retracted source that may be used.")]
Force = Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")]


class Terminated(KeyboardInterrupt):
    """The system asks the program to end, as ``timeout``, Slurm and docker do."""

    exit_code = 143


class OutOfMemory(BadInput):
    """More memory is needed than there is."""

    exit_code = 71

    def __init__(self) -> None:
        super().__init__(
            "memory ran out; nothing was replaced", cure="ask for fewer --subjects, or run it elsewhere"
        )


class Done(Protocol):
    """What a job gives back."""

    def as_dict(self) -> dict[str, Any]:
        """For a machine."""

    def lines(self) -> list[str]:
        """For a person."""


def say(text: str) -> None:
    """A line for the person, on standard error."""
    print(text, file=sys.stderr)


def carry_out(command: str, as_json: bool, job: Callable[[Watch], Done]) -> None:
    """Do a job and print its result, or the one message that says what was wrong with the input."""
    from otosome.catalog import own_fault

    try:
        with _watched() as watch:
            done = job(watch)
        answer, lines = done.as_dict(), [] if as_json else done.lines()
    except Terminated:
        say(f"otosome {command}: ended from outside; nothing was replaced")
        raise typer.Exit(Terminated.exit_code) from None
    except KeyboardInterrupt:
        say(f"otosome {command}: interrupted; nothing was replaced")
        raise typer.Exit(130) from None
    except MemoryError as error:
        _end(command, as_json, OutOfMemory(), error)
    except Exception as error:
        fault = error if isinstance(error, BadInput) else own_fault(error)
        if fault is None:
            raise
        _end(command, as_json, fault, error)
    for note in answer["notes"]:
        say(f"note: {note}")
    if as_json:
        print(json.dumps({"otosome": __version__, "command": command, "ok": True, **answer}))
    else:
        print("\n".join(lines))


def _end(command: str, as_json: bool, fault: BadInput, error: BaseException) -> NoReturn:
    """End a verb with the one sentence that says why."""
    if as_json:
        refuse(command, fault.as_dict())
    say(f"otosome {command}: {fault}")
    raise typer.Exit(fault.exit_code) from error


def refuse(command: str, error: dict[str, object]) -> None:
    """The one object for machines; in ASCII, which every terminal and every file name survives."""
    print(json.dumps({"otosome": __version__, "command": command, "ok": False, "error": error}))


@contextmanager
def _watched() -> Iterator[Watch]:
    """A job's progress as a bar on standard error, where somebody watches."""
    if not sys.stderr.isatty():
        yield Watch()
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, description=progress.doing, completed=progress.done, total=progress.of)

        yield Watch(show)
