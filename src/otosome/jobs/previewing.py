"""A study's answer kept for the places of its sliders; what is not kept is computed when it is asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from otosome import __version__
from otosome.errors import BadInput
from otosome.files import add_line
from otosome.jobs.drafting import write
from otosome.jobs.watch import SILENT, Watch
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.answers.preview import Changes, Position, Sliders
    from otosome.ears import Ears
    from otosome.study import Study

# Ears of a preview: three full blocks.
EARS = 24
_LARGEST = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a study gives and suffers in another way: names of the shelves, or a lot's file beside the study.

    ``route``, ``batch``  of its vesicles;  ``insult``  in the place of its first that is no operation;  ``level``  its
    """

    route: str = ""
    batch: str = ""
    insult: str = ""
    level: str = ""


@dataclass(frozen=True, kw_only=True)
class PreviewInputs:
    """What is to be previewed.

    ``study``     a study file, or the name of a shipped study
    ``subjects``  ears;  ``seed``  of every draw, ``prior`` by name: a run's own by default
    ``folder``    where answers are kept
    ``variant``   another route, other vesicles or another insult;  ``lot``  the record of a lot in place of the batch
    """

    study: str
    folder: Path
    subjects: int = EARS
    seed: int | None = None
    prior: str | None = None
    variant: Variant = Variant()
    lot: Path | None = None
    shelves: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Previews:
    """The answers of a study for the places of its sliders: those that are kept, and the others once computed.

    ``seed``   of every draw
    ``study``  as its prior has it, with its ``ears``
    """

    inputs: PreviewInputs
    seed: int
    ears: Ears
    study: Study

    @cached_property
    def sliders(self) -> Sliders:
        """Where the sliders may stand."""
        from otosome.answers.preview import sliders

        return sliders(self.study)

    @cached_property
    def key(self) -> str:
        """A word for all that an answer depends on: every number, curve and ear, and the version."""
        from otosome.study import saves

        parts = (__version__, saves(self.study, self.seed), self.ears.fingerprint)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]

    @property
    def file(self) -> Path:
        """Where answers are kept, a line each."""
        return self.inputs.folder / f"{self.key}.jsonl"

    @property
    def fault(self) -> Path:
        """Where it is written why answers could not be computed."""
        return self.file.with_suffix(".fault.json")

    def wrong(self) -> Json | None:
        """Why answers could not be computed, where they could not."""
        if not self.fault.is_file():
            return None
        fault: Json = json.loads(self.fault.read_text(encoding="utf-8"))
        return fault

    def windows(self) -> list[str]:
        """The doses and potencies whose windows are kept, as their files are called."""
        files = self.inputs.folder.glob(f"{self.key}.*.window.json")
        return sorted(file.name.removeprefix(f"{self.key}.").removesuffix(".window.json") for file in files)

    def answers(self) -> dict[Position, Json]:
        """What is kept, by position; a line that was cut short is computed again."""
        if not self.file.is_file():
            return {}
        state = self.file.stat()
        return (
            dict(_answers(self.file, state.st_mtime_ns, state.st_size)) if state.st_size <= _LARGEST else {}
        )

    def window(self, position: Position) -> Json | None:
        """The packed window of a dose and a potency, as the report draws it; none while it is not kept."""
        file = self._window(position)
        if not file.is_file():
            return None
        packed: Json = json.loads(file.read_text(encoding="utf-8"))
        return packed

    def window_kept(self, position: Position) -> bool:
        """Whether the window of a dose and a potency is kept, or the study has none."""
        from otosome.answers.window import has_window

        return not has_window(self.study) or self._window(position).is_file()

    def _window(self, position: Position) -> Path:
        return self.file.with_suffix(f".{position.dose:g}_{position.potency:g}.window.json")

    def fill(self, position: Position, watch: Watch = SILENT) -> None:
        """Compute and keep the answer of a position, its window, and all that one slider reaches from it."""
        self.sliders.check(position)
        known = self.answers()
        wanted = [place for place in self.sliders.near(position) if place not in known]
        tick = watch.ticks("computing what the sliders show")
        tick(0, len(wanted))
        for done, place in enumerate(wanted, start=1):
            self._keep(place)
            if done == 1:
                self._draw(position)
            tick(done, len(wanted))
        self._draw(position)

    def _keep(self, position: Position) -> None:
        from otosome.answers.preview import preview

        self.inputs.folder.mkdir(parents=True, exist_ok=True)
        add_line(self.file, json.dumps(asdict(preview(self.study, self.ears, position))))

    def _draw(self, position: Position) -> None:
        """Compute and keep the window of a dose and a potency, where the study has one."""
        from otosome.answers.description import described
        from otosome.answers.preview import moved, question_of
        from otosome.answers.window import has_window, window
        from otosome.report.summary import words
        from otosome.report.window import packed

        file = self._window(position)
        if file.is_file() or not has_window(self.study):
            return
        there = moved(self.study, replace(position, day=self.sliders.start.day))
        question = question_of(there)
        tones = [float(tone) for tone in there.tables.measure[question.measure].tones]
        drawn = window(there, question, self.sliders.days)
        first = self.sliders.days.index(self.sliders.start.day)
        marks = described(there).marks
        chosen = [mark for mark in marks if not mark.event] or marks
        names = [{"name": words(mark.entry), "time": mark.time} for mark in chosen]
        beside = file.with_name(f"{file.name}.part")
        beside.write_text(json.dumps(packed(drawn, tones, first, names)), encoding="utf-8", newline="\n")
        beside.replace(file)

    def write(self, position: Position, file: Path) -> Path:
        """The study at a position as a study file of its own, to be run; raises BadInput where one is there."""
        write(file, self.text(position))
        return file

    def text(self, position: Position) -> str:
        """The study at a position as TOML."""
        import tomli_w

        from otosome.answers.preview import changes

        apart = dict(_variation(self.study, self.inputs.variant))
        for use, keys in changes(self.study, position).items():
            apart[use] = apart.get(use, {}) | keys
        return tomli_w.dumps(_amended(self.inputs.study, apart))


@lru_cache(maxsize=8)
def _answers(file: Path, time: int, size: int) -> dict[Position, Json]:
    """The answers in a file, read once while it stays as it is: it was written at ``time`` and holds ``size`` bytes."""
    from otosome.answers.preview import Position

    answers = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            answer = json.loads(line)
            answers[Position(**answer["position"])] = answer
        except (ValueError, TypeError, KeyError):
            continue
    return answers


def vary(study: str, variant: Variant, file: Path) -> Path:
    """Write a study with other vesicles, another route or another insult beside; raises BadInput where it is none."""
    import tomli_w

    from otosome.study import load

    write(file, tomli_w.dumps(_amended(study, _variation(load(study), variant))))
    try:
        load(file)
    except BadInput:
        file.unlink()
        raise
    return file


def _variation(known: Study, variant: Variant) -> Changes:
    """What a study's file states otherwise in a variant, by table and name."""
    from otosome.answers.preview import question_of

    treated = known.arm(question_of(known).of)
    batches = {known.tables.treatment[name].batch for name in treated.treatments}
    changes: Changes = {}
    for name, use in known.tables.treatment.items():
        own = {"route": variant.route, "batch": variant.batch if use.batch in batches else ""}
        changes["treatment", name] = {key: word for key, word in own.items() if word}
    insults = [n for n in treated.insults if not known.is_event(known.tables.insult[n])]
    if insults:
        stated = {"entry": variant.insult, "level": variant.level}
        changes["insult", insults[0]] = {key: word for key, word in stated.items() if word}
    return {use: keys for use, keys in changes.items() if keys}


def _amended(study: str, changes: Changes) -> Json:
    """What a study's file states, with other values of some keys."""
    from otosome.cards import read_toml
    from otosome.study.files import file_of

    values = read_toml(file_of(study))
    for (table, name), keys in changes.items():
        uses = values[table]
        assert isinstance(uses, dict)  # as a checked study has them
        uses[name] = {**uses[name], **keys}
    return values


def previews(inputs: PreviewInputs) -> Previews:
    """The previews of a study; raises BadInput for a study that gives nothing that could be moved."""
    from otosome.answers.preview import question_of
    from otosome.evidence import WORLD
    from otosome.forward import draw
    from otosome.review.priors.rows import check_prior, default, drawn
    from otosome.study import load

    if inputs.subjects < 1:
        raise BadInput("must be at least 1", key="--subjects", given=inputs.subjects)
    study = load(inputs.study, shelves=inputs.shelves)
    question_of(study)
    apart = _variation(study, inputs.variant)
    if apart or inputs.lot is not None:
        values = _amended(inputs.study, apart)
        study = load(inputs.study, shelves=inputs.shelves, batch=inputs.lot, values=values)
    own = study.tables.seed
    seed = inputs.seed if inputs.seed is not None else own if own is not None else 1
    prior = inputs.prior or default(study)
    if prior is None:
        return Previews(inputs, seed, draw(study, inputs.subjects, seed), study)
    ears, wide = drawn(study, check_prior(prior), inputs.subjects, seed, WORLD)
    return Previews(inputs, seed, ears, wide)
