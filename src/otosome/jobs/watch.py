"""A job watched: how far it is, how long it still takes, and an end to it."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import Protocol, TextIO

from otosome.errors import BadInput, own_fault
from otosome.model.team import processes, usual
from otosome.units import Json

Tick = Callable[[int, int], None]
# The environment names a file here that another program watches: a verb writes its progress there, as JSON.
PROGRESS = "OTOSOME_PROGRESS"
# How many processes share the work of a verb; each gives the same answer.
WORKERS = "OTOSOME_WORKERS"
# Verbs that are spread over processes, and what each of these imports while the first reads what is asked.
_SPREAD = {
    "run": ("otosome.answers.answer", "otosome.review.priors.rows"),
    "compare": ("otosome.answers.therapies", "otosome.review.priors.rows"),
    "claims": ("otosome.review.claims", "otosome.review.priors.rows"),
    "qualify": ("otosome.review.qualification",),
}
_EVERY = 0.2
# Seconds over which a rate is taken: what is done now, and not what the first part took to begin.
_RECENT = 10.0
# Where nobody watches a bar, a line says how far a job is: of none in its first seconds, then so often.
_QUIET, _OFTEN, _SELDOM, _LONG = 3.0, 10.0, 60.0, 120.0
_BEAT = 0.5


class Done(Protocol):
    """What a job gives back."""

    def as_dict(self) -> Json:
        """For a machine."""

    def lines(self) -> list[str]:
        """For a person."""


class OutOfMemory(BadInput):
    """More memory is needed than there is."""

    exit_code = 71

    def __init__(self) -> None:
        super().__init__(
            "memory ran out; nothing was replaced", cure="ask for fewer --subjects, or run it elsewhere"
        )


def fault_of(error: Exception) -> BadInput | None:
    """What an error says of the input, of the machine, or of a formula of one's own; None where it is our defect."""
    if isinstance(error, MemoryError):
        return OutOfMemory()
    return error if isinstance(error, BadInput) else own_fault(error)


# What is said of a verb that was ended, where what it had done is kept.
GOES_ON = dict.fromkeys(("fit", "trial"), "; where draws had begun, the same command with --resume goes on")


class Cancelled(Exception):
    """A job was ended from outside; nothing was replaced."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``of`` parts of what it is ``doing``, and seconds ``left`` if they go on so.

    ``unit``  what the parts are, where they are counted one by one;  ``rate``  of them a second, of late
    """

    doing: str
    done: int
    of: int
    left: float | None
    unit: str = ""
    rate: float | None = None


@dataclass(frozen=True)
class Watch:
    """Called with the progress of a job; ``cancel`` from any thread ends the job at its next part.

    ``show``  called with each ``Progress``, in the thread of the job
    """

    show: Callable[[Progress], None] | None = None
    _end: Event = field(default_factory=Event)

    def cancel(self) -> None:
        """End the job at its next part: it raises ``Cancelled`` and leaves what was there as it was."""
        self._end.set()

    def check(self) -> None:
        """Raise ``Cancelled`` where the job was cancelled."""
        if self._end.is_set():
            raise Cancelled

    def ticks(self, doing: str, began: float | None = None, unit: str = "", before: int = 0) -> Tick:
        """What a job calls with the parts done and all parts; ``began`` on the monotonic clock, now by default.

        ``before``  parts that were there when it began, as of a job that goes on: they took no time of it
        ``unit``  what is counted, such as "animals": then the first call, before any work, says how many were there
        """
        if unit:
            return self._counting(doing, unit)
        began = time.monotonic() if began is None else began
        self.check()

        def tick(done: int, of: int) -> None:
            self.check()
            if self.show is not None:
                took, own = time.monotonic() - began, done - before
                self.show(Progress(doing, done, of, took * (of - done) / own if own else None))

        return tick

    def _counting(self, doing: str, unit: str) -> Tick:
        """What a job calls with how many of a unit are done; the rate is that of the last seconds."""
        marks: deque[tuple[float, int]] = deque()

        def tick(done: int, of: int) -> None:
            self.check()
            marks.append((time.monotonic(), done))
            while len(marks) > 2 and marks[-1][0] - marks[1][0] >= _RECENT:
                marks.popleft()
            took, more = marks[-1][0] - marks[0][0], done - marks[0][1]
            rate = more / took if took > 0 and more > 0 else None
            if self.show is not None:
                self.show(Progress(doing, done, of, (of - done) / rate if rate else None, unit, rate))

        return tick

    def stage(self, doing: str) -> None:
        """Say what the job does now, where it cannot say how far it is; raises ``Cancelled`` as ``check`` does."""
        self.ticks(doing)(0, 1)


SILENT = Watch()


@contextmanager
def watched(verb: str = "") -> Iterator[Watch]:
    """A verb's progress shown, and the processes it is spread over, which end with it."""
    with processes(workers() if verb in _SPREAD else 1, _SPREAD.get(verb, ())), _shown(verb) as watch:
        yield watch


def workers() -> int:
    """Over how many processes a verb is spread: as ``WORKERS`` says, or as this computer has cores; raises BadInput."""
    stated = os.environ.get(WORKERS)
    if stated is None:
        return usual()
    if not stated.isdecimal() or int(stated) < 1:
        raise BadInput("is no number of processes", key=WORKERS, given=stated, allowed="1 or more")
    return int(stated)


@contextmanager
def _shown(verb: str) -> Iterator[Watch]:
    """A job's progress on standard error: a bar on a terminal, lines elsewhere; or in the file ``PROGRESS`` names."""
    if os.environ.get(PROGRESS):
        yield Watch(_noting(Path(os.environ[PROGRESS])))
        return
    if not sys.stderr.isatty():
        with _lines(sys.stderr, f"otosome {verb}".rstrip()) as show:
            yield Watch(show)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[left]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, left="")

        def show(progress: Progress) -> None:
            # A stage that cannot say how far it is moves to and fro.
            total = progress.of if progress.of > 1 or progress.done else None
            bar.update(
                task,
                description=progress.doing,
                completed=progress.done,
                total=total,
                left=", ".join(
                    filter(None, (rate_text(progress.rate, progress.unit), left_text(progress.left)))
                ),
            )

        yield Watch(show)


@dataclass
class Lines:
    """A job's progress as lines of text: of each thing it does, and now and then while it does it.

    ``at``  what the clock shows, s; a job of less than three seconds says nothing
    """

    began: float
    last: float = -math.inf
    doing: str = ""

    def line(self, progress: Progress, at: float, ago: float = 0.0) -> str:
        """What is to be written now, of progress that was told ``ago`` seconds before; empty where nothing is."""
        took, doing = at - self.began, progress.doing.partition(",")[0]
        often = _OFTEN if took < _LONG else _SELDOM
        if took < _QUIET or (doing == self.doing and at - self.last < often):
            return ""
        self.doing, self.last = doing, at
        left = None if progress.left is None or progress.left <= ago else progress.left - ago
        return progress_text(replace(progress, left=left), took)


def progress_text(progress: Progress, took: float) -> str:
    """How far a job is, in words; ``took``  seconds since it began."""
    parts = f"{progress.done} of {progress.of}" if progress.of > 1 else ""
    words = (
        parts,
        rate_text(progress.rate, progress.unit),
        left_text(progress.left),
        f"{time_text(took)} so far",
    )
    return f"{progress.doing}: {', '.join(filter(None, words))}"


@contextmanager
def _lines(stream: TextIO, who: str) -> Iterator[Callable[[Progress], None]]:
    """What writes progress as lines; also of a job that is long at one part, so that nobody takes it for dead."""
    lines, end = Lines(time.monotonic()), Event()
    newest: deque[tuple[float, Progress]] = deque(maxlen=1)

    def beat() -> None:
        while not end.wait(_BEAT):
            now = time.monotonic()
            text = "".join(lines.line(progress, now, now - then) for then, progress in tuple(newest))
            if text:
                print(f"{who}: {text}", file=stream, flush=True)

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lambda progress: newest.append((time.monotonic(), progress))
    finally:
        end.set()
        thread.join()


def left_text(seconds: float | None) -> str:
    """How long a job still takes, in words; blank where that is not known."""
    return "" if seconds is None else f"{time_text(seconds)} left"


def time_text(seconds: float) -> str:
    """How long something takes, in words."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def rate_text(rate: float | None, unit: str) -> str:
    """How many of a unit are done in a second, in words; blank where that is not known."""
    from otosome.answers.numbers import number

    if rate is None:
        return ""
    digits = 1 - math.floor(math.log10(rate))
    shown = number(rate, 2) if rate < 10 else f"{round(rate, digits):,.0f}"
    return f"{shown} {unit} a second"


def _noting(file: Path) -> Callable[[Progress], None]:
    """Progress written into a file, some times a second, and whenever something else is done."""
    last, doing = -_EVERY, ""

    def note(progress: Progress) -> None:
        nonlocal last, doing
        if time.monotonic() - last < _EVERY and progress.doing == doing:
            return
        last, doing = time.monotonic(), progress.doing
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(progress)), encoding="utf-8", newline="\n")
        part.replace(file)

    return note
