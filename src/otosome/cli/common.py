"""What every verb shares: its options, one message on bad input, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from otosome import __version__

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Shelves = Annotated[
    list[Path] | None,
    typer.Option("--shelves", help="A folder of your own shelves (it holds code: trust it)."),
]


def say(text: str) -> None:
    """A line for the person, on standard error."""
    print(text, file=sys.stderr)


def carry_out(command: str, as_json: bool, work: Callable[[], dict[str, Any]]) -> None:
    """Run a verb; print its answer, or the one message that says what was wrong with the input."""
    from otosome.catalog import own_fault
    from otosome.errors import BadInput

    try:
        answer = work()
    except KeyboardInterrupt:
        say(f"otosome {command}: interrupted; nothing was replaced")
        raise typer.Exit(130) from None
    except Exception as error:
        told = error if isinstance(error, BadInput) else own_fault(error)
        if told is None:
            raise
        if as_json:
            refuse(command, told.as_dict())
        say(f"otosome {command}: {told}")
        raise typer.Exit(2) from error
    if as_json:
        head = {"otosome": __version__, "command": command, "ok": True}
        print(json.dumps({**head, **answer}))


def refuse(command: str, error: dict[str, object]) -> None:
    """The one object for machines; in ASCII, which every terminal and every file name survives."""
    print(json.dumps({"otosome": __version__, "command": command, "ok": False, "error": error}))


def progress(doing: str = "simulating") -> Any:
    """A progress bar on standard error, silent where nobody watches."""
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Any:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
            task = shown.add_task(doing, total=None)

            def tick(done: int, of: int) -> None:
                shown.update(task, completed=done, total=of)

            yield tick

    return bar()
