"""Work spread over this process and its helpers: what comes back is the same for any number of them.

Helpers are processes that a verb of the command line starts before all else, so that they import what they need while
this process reads a study. A program of one's own, which must not be run again by every process it starts, has threads
in their place. Whoever waits for a result works too: there is one helper less than workers.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Condition, Thread, current_thread, main_thread
from typing import Any, Generic, TypeVar

from otosome.errors import BadInput, own_fault

Item = TypeVar("Item")
Result = TypeVar("Result")
# Workers where nobody says how many: each takes some hundreds of megabytes, and more of them wait for the longest.
MOST = 4
# Libraries that would start threads of their own in each process.
_ALONE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
# Of glibc's allocator, by the number that malloc.h gives each: up to what size an array comes from the heap, how much
# that is free the heap holds on to, and how much more than needed it takes from the system at a time; bytes.
_HEAP = {-3: 2**25, -1: 2**28, -2: 2**26}
# Pieces of work that a helper remembers: a study with its plan is sent once for all blocks of ears.
_REMEMBERED = 8
_numbers = count()


def usual() -> int:
    """Workers of this computer: its cores, up to ``MOST``."""
    return min(MOST, os.cpu_count() or 1)


@dataclass(eq=False)
class Work(Generic[Item, Result]):
    """What is done to each of some items: a helper process is sent it once, a thread does it in its ``context``."""

    do: Callable[[Item], Result]
    number: int = field(default_factory=lambda: next(_numbers))
    context: Context = field(default_factory=copy_context)
    _bytes: bytes = b""

    @property
    def pickled(self) -> bytes:
        """The work as bytes."""
        self._bytes = self._bytes or pickle.dumps(self.do)
        return self._bytes


# Whether it was done, and what came of it: an error where it was not.
Outcome = tuple[bool, Any]


def outcome(do: Callable[[Item], object], item: Item) -> Outcome:
    """What comes of an item."""
    try:
        return True, do(item)
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        return False, error


@dataclass(eq=False)
class Task(Generic[Item, Result]):
    """One item of a work, which a helper does, or whoever asks for its result before one has taken it."""

    work: Work[Item, Result]
    item: Item
    team: Team
    done: Future[Outcome] = field(default_factory=Future)

    def result(self) -> Result:
        """What comes of it, or its error; meanwhile other items of the same work are done here."""
        while not self.done.done() and (task := self.team.take(self)) is not None:
            task.done.set_result(outcome(task.work.do, task.item))
        sound, value = self.done.result()
        if not sound:
            raise value
        result: Result = value
        return result


Helper = Callable[[Task[Any, Any]], Outcome]


class Team:
    """Helpers, each called with a task; and the tasks that none has taken yet, first come first."""

    def __init__(self, helpers: Sequence[Helper] = ()) -> None:
        """A thread waits with each helper; with none, every task is done where its result is asked for."""
        self._waiting: deque[Task[Any, Any]] = deque()
        self._changed = Condition()
        self._ended = False
        self._threads = [Thread(target=self._serve, args=(helper,), daemon=True) for helper in helpers]
        for thread in self._threads:
            thread.start()

    def begin(self, do: Callable[[Item], Result], items: Sequence[Item]) -> list[Task[Item, Result]]:
        """Hand out work on every item, first come first: so those that take longest go to the front.

        ``do``  a function of a module, a partial one, or a dataclass that is called: so that a process can have it
        """
        work = Work(do)
        tasks = [Task(work, item, self) for item in items]
        with self._changed:
            self._waiting.extend(tasks)
            self._changed.notify_all()
        return tasks

    def spread(self, do: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """What comes of every item, in their order; the error of the first that fails. ``begin`` says the rest."""
        tasks = deque(self.begin(do, items))
        try:
            while tasks:
                # Forgotten once it is handed out: all of them together may be large.
                yield tasks.popleft().result()
        finally:
            self.withdraw(tasks)

    def take(self, wanted: Task[Item, Result]) -> Task[Item, Result] | None:
        """A task that waits, now in the hands of who asked: that one, or another of its work."""
        with self._changed:
            task = (
                wanted
                if wanted in self._waiting
                else next((each for each in self._waiting if each.work is wanted.work), None)
            )
            if task is not None:
                self._waiting.remove(task)
            return task

    def withdraw(self, tasks: Iterable[Task[Any, Any]]) -> None:
        """Drop the tasks that nobody has taken."""
        dropped = set(map(id, tasks))
        with self._changed:
            self._waiting = deque(task for task in self._waiting if id(task) not in dropped)

    def end(self) -> None:
        """Drop what waits; helpers end with what they do."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the helpers to end."""
        for thread in self._threads:
            thread.join()

    def _serve(self, helper: Helper) -> None:
        while (task := self._next()) is not None:
            task.done.set_result(helper(task))

    def _next(self) -> Task[Any, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            return None if self._ended else self._waiting.popleft()


_TEAM: ContextVar[Team | None] = ContextVar("team", default=None)


@contextmanager
def team(workers: int) -> Iterator[Team]:
    """The team there is, or one of threads for as long as it is wanted; of one worker it is this thread alone."""
    there = _TEAM.get()
    if there is not None and workers > 1:
        yield there
        return
    with _at_work(Team([_in_thread] * (workers - 1))) as own:
        yield own
    own.join()


@contextmanager
def processes(workers: int, imports: Sequence[str] = ()) -> Iterator[Team]:
    """A team of this process and its helpers, ended at the end whatever they do.

    ``imports``  modules that a helper imports before it is asked for anything
    """
    use_again()
    with ExitStack() as stack:
        helpers = [stack.enter_context(_process(imports)) for _ in range(workers - 1)]
        yield stack.enter_context(_at_work(Team(helpers)))


@contextmanager
def _at_work(own: Team) -> Iterator[Team]:
    before = _TEAM.set(own)
    try:
        yield own
    finally:
        _TEAM.reset(before)
        own.end()


def _in_thread(task: Task[Any, Any]) -> Outcome:
    return task.work.context.copy().run(outcome, task.work.do, task.item)


@dataclass
class _Process:
    """A process that does tasks; it has the works of these numbers."""

    pipe: Connection
    known: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def __call__(self, task: Task[Any, Any]) -> Outcome:
        sound, answer = outcome(self._ask, task)
        return answer if sound else (sound, answer)

    def _ask(self, task: Task[Any, Any]) -> Outcome:
        work = task.work
        new = work.number not in self.known
        try:
            self.pipe.send((work.number, work.pickled if new else None, task.item))
            if new:
                self.known.append(work.number)
            answer: Outcome = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise BadInput(
                "a worker was ended from outside",
                key="workers",
                cure="if memory ran short, ask for fewer --subjects",
            ) from error
        return answer


@contextmanager
def _process(imports: Sequence[str]) -> Iterator[_Process]:
    """A helper process, started; it is ended at the end, whatever it does."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_help, args=(theirs, tuple(imports)), daemon=True)
    with _environment(_ALONE), _uninterrupted():
        process.start()
    theirs.close()
    try:
        yield _Process(ours)
    finally:
        process.kill()
        process.join()
        ours.close()


def use_again() -> None:
    """Let this process use memory again that it has freed.

    The arrays of a block of ears come and go by the hundred. What is given back to the system meanwhile comes from it
    anew, page by page and wiped: a fifth of the time of a simulation.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for number, size in _HEAP.items():
            libc.mallopt(number, size)


def _help(pipe: Connection, imports: Sequence[str]) -> None:
    """What a helper process does until it is ended, or the one who asks is gone."""
    # What ends a whole group of processes is answered by the one who asks, and then this one is ended.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    _TEAM.set(Team())
    use_again()
    for module in imports:
        importlib.import_module(module)
    known: dict[int, Callable[[Any], Any]] = {}

    def answer(message: tuple[int, bytes | None, Any]) -> Any:
        number, pickled, item = message
        if pickled is not None:
            known[number] = pickle.loads(pickled)
            while len(known) > _REMEMBERED:
                del known[next(iter(known))]
        return known[number](item)

    while True:
        try:
            sound, value = outcome(answer, pipe.recv())
        except (EOFError, OSError):
            return
        # The place in a formula of one's own is found where its error was raised.
        pipe.send((sound, value if sound or isinstance(value, BadInput) else own_fault(value) or value))


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """The environment with some names set besides, which a process started now has."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process started now is not interrupted by a key; the one who started it is, and ends it."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
