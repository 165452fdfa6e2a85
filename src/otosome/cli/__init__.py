"""The command line: every verb, in the order a person meets them."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from otosome import __version__, jobs
from otosome.cli.common import Terminated, refuse, say
from otosome.cli.evidence import changes, check, claims, forecast, ingest, list_, open_, qualify, review
from otosome.cli.laboratory import fit, import_, new, quality
from otosome.cli.study import compare, equations, ledger, measure, next_, optimise, run, show, sources, trial
from otosome.errors import BadInput

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Develop exosome therapies for hearing loss in silico. Research only; not for treating anyone.",
    epilog=jobs.examples(),
)
_WORK = (run, compare, measure, trial, optimise, ledger, next_, new, import_, fit, quality)
_RECORD = (list_, sources, equations, show, qualify, check, changes, claims, review, forecast, ingest, open_)
for _verb in (*_WORK, *_RECORD):
    app.command(name=(_name := _verb.__name__.rstrip("_")), epilog=jobs.examples(_name))(_verb)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"otosome {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)]


@app.callback()
def _root(version: Version = False) -> None:
    pass


def main() -> None:
    """Entry point: exit 0 done, 2 bad input, 71 no memory, 74 no room, 130 or 143 ended, 1 a defect of ours."""
    _survive_any_terminal()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does; nothing may be written to it again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except SystemExit as done:
        # Typer itself tells a person what is wrong with the command line, but no machine.
        if (usage := getattr(done.__context__, "format_message", None)) is not None:
            _refuse_machine(usage())
        raise
    except Exception:
        defect = "this is a defect of otosome, not of what you gave; please report it with the lines below"
        _refuse_machine(defect)
        say(f"otosome: {defect}")
        raise


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _survive_any_terminal() -> None:
    """Letters a terminal lacks, such as the micro sign on an old one, are printed escaped and end no verb."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_machine(message: str) -> None:
    """The one object, where the command line asks for it but was not understood or not carried out."""
    if "--json" in sys.argv:
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        refuse(command, BadInput(message).as_dict())
