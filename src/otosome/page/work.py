"""Jobs of the page: verbs of the command line in processes of their own, which outlive a tab and a server.

Everything about a job lies in files of its folder: what was asked, how far it is, what it answered. A server that
begins anew reads them, meets the jobs that still run, and says which have ended without an answer.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from otosome.errors import BadInput, OutOfSpace
from otosome.jobs.watch import PROGRESS
from otosome.page.workspace import NotHere
from otosome.units import Json

State = Literal["waiting", "running", "done", "refused", "cancelled", "ended"]
OPEN: tuple[State, ...] = ("waiting", "running")
_AT_ONCE = max(2, (os.cpu_count() or 2) - 1)
_LONGEST = 24 * 3600.0
_SHARE_OF_MEMORY = 0.7
_PATIENCE = 20.0
_PAUSE = 0.2
_MOST_LOG = 20_000
# What goes on from where it was ended.
RESUMES = ("fit", "trial")


@dataclass(frozen=True)
class Job:
    """A verb asked from the page.

    ``arguments``  of the command line, from the folder
    ``pid``        of its process, with the time it was ``born``: a number may be given to another process later
    ``why``        why it was ended, where a limit or a person ended it
    """

    id: str
    verb: str
    arguments: tuple[str, ...]
    title: str
    state: State
    asked: str
    pid: int | None = None
    born: float | None = None
    ended: str | None = None
    why: str = ""

    @property
    def command(self) -> str:
        """The command line that does the same, to copy."""
        return " ".join(["otosome", self.verb, *map(_quoted, self.arguments)])


def _quoted(word: str) -> str:
    """A word of a command line, in quotes where a shell would take it apart."""
    plain = word and all(letter.isalnum() or letter in "-_./=:,+@%" for letter in word)
    return word if plain else "'" + word.replace("'", "'\\''") + "'"


class Work:
    """The jobs of a folder: some run at once, the others wait."""

    def __init__(self, folder: Path, own: Path, at_once: int = _AT_ONCE) -> None:
        self._folder, self._own, self._at_once = folder, own / "jobs", at_once
        self._jobs: dict[str, Job] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._end, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._own.mkdir(parents=True, exist_ok=True)
        for file in sorted(self._own.glob("*/job.json")):
            job = _read(file)
            if job is not None:
                self._jobs[job.id] = job

    def begin(self) -> None:
        """Look after the jobs until ``end``."""
        self._thread.start()

    def end(self) -> None:
        """Look after them no longer; those that run go on by themselves."""
        self._end.set()
        self._wake.set()
        self._thread.join(timeout=5)

    def jobs(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._lock:
            # Those asked within one tick of the clock keep the order in which they came.
            return sorted(self._jobs.values(), key=lambda job: job.asked)[::-1]

    def job(self, name: str) -> Job:
        """A job by its id; raises BadInput."""
        with self._lock:
            if name not in self._jobs:
                raise NotHere("is no job of this folder", key="job", given=name)
            return self._jobs[name]

    def ask(self, verb: str, arguments: Sequence[str], title: str) -> Job:
        """Have a verb done: at once, or when those before it are done."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        name = f"{now[:10].replace('-', '')}-{secrets.token_hex(4)}"
        job = Job(name, verb, tuple(arguments), title, "waiting", now)
        with self._lock:
            try:
                (self._own / name).mkdir(parents=True)
                self._keep(job)
            except OSError as error:
                self._jobs.pop(name, None)
                raise unwritten(error, "the job", self._folder.name) from error
        self._wake.set()
        return job

    def again(self, name: str) -> Job:
        """The same asked once more; what can be resumed goes on where it was ended."""
        job = self.job(name)
        if job.state in OPEN:
            raise BadInput("is not done yet", key="job", given=name, cure="cancel it first")
        resumed = job.verb in RESUMES and job.state in ("cancelled", "ended")
        extra = ("--resume",) if resumed and "--resume" not in job.arguments else ()
        return self.ask(job.verb, (*extra, *job.arguments), job.title)

    def cancel(self, name: str, why: str = "") -> Job:
        """End a job; what was there before it stays as it was."""
        with self._lock:
            job = self.job(name)
            if job.state == "waiting":
                self._close(job, "cancelled", why)
            elif job.state == "running":
                _terminate(job)
                self._keep(replace(job, why=why or "cancelled"))
            return self._jobs[name]

    def progress(self, name: str) -> Json:
        """How far a job is: doing, done, of, left; empty before it says."""
        return _json(self._own / self.job(name).id / "progress.json")

    def answer(self, name: str) -> Json:
        """What it answered, as ``--json`` prints it; empty where it has not."""
        return _json(self._own / self.job(name).id / "answer.json")

    def log(self, name: str) -> str:
        """What it printed for a person, the end of it."""
        file = self._own / self.job(name).id / "log.txt"
        return file.read_text(encoding="utf-8", errors="replace")[-_MOST_LOG:] if file.is_file() else ""

    def _go(self) -> None:
        while not self._end.is_set():
            self._wake.wait(_PAUSE)
            self._wake.clear()
            # On a full disk a job's state stands in memory until there is room, and the others go on.
            with self._lock, suppress(OSError):
                for job in [job for job in self._jobs.values() if job.state == "running"]:
                    self._look(job)
                running = sum(job.state == "running" for job in self._jobs.values())
                waiting = [job for job in reversed(self.jobs()) if job.state == "waiting"]
                for job in waiting[: max(0, self._at_once - running)]:
                    self._start(job)

    def _start(self, job: Job) -> None:
        own = self._own / job.id
        # -P: nothing that lies in the folder is taken for a module.
        words = [sys.executable, "-P", "-m", "otosome.cli", job.verb, "--json", *job.arguments]
        environment = {**os.environ, PROGRESS: str(own / "progress.json"), "PYTHONIOENCODING": "utf-8"}
        try:
            with (own / "answer.json").open("wb") as answer, (own / "log.txt").open("wb") as log:
                process = subprocess.Popen(
                    words,
                    cwd=self._folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=answer,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            self._close(job, "refused", f"cannot be begun ({error.strerror})")
            return
        self._processes[job.id] = process
        self._keep(replace(job, state="running", pid=process.pid, born=_born(process.pid)))

    def _look(self, job: Job) -> None:
        """A running job: it goes on, goes beyond a limit, or has ended."""
        process = self._processes.get(job.id)
        if process.poll() is None if process is not None else _alive(job):
            self._limit(job)
            return
        self._processes.pop(job.id, None)
        answer = self.answer(job.id)
        if "ok" in answer:
            self._close(job, "done" if answer["ok"] else "refused", job.why)
        elif job.why:
            self._close(job, "cancelled", job.why)
        else:
            self._close(job, "ended", "it ended without an answer")

    def _limit(self, job: Job) -> None:
        began = datetime.fromtimestamp(job.born, UTC) if job.born else datetime.now(UTC)
        took = (datetime.now(UTC) - began).total_seconds()
        if took > _LONGEST:
            self.cancel(job.id, f"it took longer than {_LONGEST / 3600:.0f} hours")
        elif _memory(job) > _SHARE_OF_MEMORY * psutil.virtual_memory().total:
            self.cancel(job.id, f"it took more than {100 * _SHARE_OF_MEMORY:.0f} % of the memory")

    def _close(self, job: Job, state: State, why: str) -> None:
        ended = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._keep(replace(job, state=state, ended=ended, why=why))

    def _keep(self, job: Job) -> None:
        """Remember a job, in memory and in its file, which is replaced as a whole; raises OSError."""
        self._jobs[job.id] = job
        file = self._own / job.id / "job.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(job), indent=1), encoding="utf-8", newline="\n")
        part.replace(file)


def unwritten(error: OSError, what: str, folder: str) -> BadInput:
    """What could not be written, in one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace(
            f"has no room for {what}", file=folder, cure="free some, then ask again; nothing is lost"
        )
    return BadInput(f"cannot be written ({error.strerror})", file=folder)


def _read(file: Path) -> Job | None:
    """A job as its file has it; None where the file is none of ours."""
    values = _json(file)
    try:
        return Job(**{**values, "arguments": tuple(values["arguments"])})
    except (KeyError, TypeError):
        return None


def _json(file: Path) -> Json:
    """The object in a file, empty where there is none yet."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _born(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def _alive(job: Job) -> bool:
    if job.pid is None or job.born is None or _born(job.pid) != job.born:
        return False
    return psutil.Process(job.pid).status() != psutil.STATUS_ZOMBIE


def _family(job: Job) -> list[psutil.Process]:
    """A job's process and those it began; empty once it has ended."""
    if job.pid is None or _born(job.pid) != job.born:
        return []
    with suppress(psutil.Error):
        process = psutil.Process(job.pid)
        return [process, *process.children(recursive=True)]
    return []


def _memory(job: Job) -> float:
    total = 0
    for process in _family(job):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return float(total)


def _terminate(job: Job) -> None:
    """Ask a job to end, and end what does not within some seconds."""
    family = _family(job)
    for process in reversed(family):
        with suppress(psutil.Error):
            process.terminate()

    def insist() -> None:
        _, left = psutil.wait_procs(family, timeout=_PATIENCE)
        for process in left:
            with suppress(psutil.Error):
                process.kill()

    threading.Thread(target=insist, daemon=True).start()


def wait(work: Work, name: str, seconds: float) -> Job:
    """A job once it is done, or as it is after so many seconds."""
    until = time.monotonic() + seconds
    while (job := work.job(name)).state in OPEN and time.monotonic() < until:
        time.sleep(_PAUSE / 4)
    return job
