"""Level series of an import looked at and marked by hand, by readers who may be blinded, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from otosome.errors import BadInput
from otosome.jobs.laboratory import IMPORT, Imported, ImportInputs, import_
from otosome.jobs.options import inputs_again
from otosome.jobs.watch import SILENT, Watch
from otosome.results import Record, record_of
from otosome.units import Json

if TYPE_CHECKING:
    import pandas as pd

    from otosome.laboratory.marks import History, Value
    from otosome.laboratory.traces import Trace
    from otosome.report.imported import Agreement

AUTOMATIC = "automatic"
# Of a waveform that is looked at, points at most.
SHOWN = 400


@dataclass(frozen=True)
class Marking:
    """The level series of an import and the history of their marks, as a reader may see them.

    ``folder``  of the import;  ``traces``  by key
    """

    folder: Path
    record: Record
    traces: Mapping[str, Trace]

    @property
    def file(self) -> Path:
        """The history, beside the folder."""
        from otosome.laboratory.marks import beside

        return beside(self.folder)

    @property
    def history(self) -> History:
        """The history as it stands now."""
        from otosome.laboratory.marks import History

        return History.read(self.file)

    def mark(
        self,
        reader: str,
        key: str,
        threshold: float | str | None = None,
        *,
        level: float | None = None,
        wave: tuple[float, float] | None = None,
    ) -> int:
        """Mark a threshold, or wave I of a level; neither takes the reader's own mark away.

        ``threshold``  in the unit of the levels, or ``above`` or ``below`` all of them
        ``level``      whose wave I is marked, ``wave`` with P1 and N1 in ms after the onset
        returns        the number of the line in the history
        raises         BadInput for a series, a level or a moment that is not there
        """
        from otosome.laboratory.marks import THRESHOLD, WAVE, add

        trace = self._trace(key)
        if level is None:
            after = None if threshold is None else trace.threshold(threshold)
            return add(self.file, reader, series=trace.name, quantity=THRESHOLD, after=after)
        peaks = None if wave is None else trace.wave(level, *wave)
        return add(self.file, reader, series=trace.name, quantity=WAVE, level=level, after=peaks)

    def undo(self, reader: str) -> int:
        """Take back the last mark of a reader that stands; raises BadInput where there is none."""
        return self._back(reader, self.history.latest(reader), "has no mark that stands")

    def redo(self, reader: str) -> int:
        """Bring back the mark that a reader took back last; raises BadInput where there is none since a new mark."""
        return self._back(reader, self.history.recall(reader), "took nothing back since the last mark")

    def _back(self, reader: str, line: int | None, message: str) -> int:
        from otosome.laboratory.marks import add

        if line is None:
            raise BadInput(message, file=self.file.name, key="reader", given=reader)
        return add(self.file, reader, "undo", undoes=line)

    def turn(self, reader: str, does: Literal["blind", "open", "lead"]) -> int:
        """Begin to read blinded, end it, or take the lead: the marks that stand in the readings are the lead's."""
        from otosome.laboratory.marks import add

        history = self.history
        if does == "open" and not history.blind(reader):
            raise BadInput("does not read blinded", file=self.file.name, key="reader", given=reader)
        if does == "lead" and history.blind(reader):
            raise BadInput("reads blinded: open the marks first", file=self.file.name, given=reader)
        return add(self.file, reader, does)

    def _trace(self, key: str) -> Trace:
        if key not in self.traces:
            raise BadInput("is no level series of this import", file=str(self.folder), given=key)
        return self.traces[key]

    def sight(self, reader: str) -> Json:
        """What a reader may see: of all series the waveforms; to one who reads blinded, nobody else's marks or names.

        A mark is ``{value, censored, latency, trough, line}``; ``marks`` of each series are by reader.
        """
        history = self.history
        blind = history.blind(reader)
        readers = [reader] if blind else [*dict.fromkeys([*history.readers, reader])]
        marks: dict[str, dict[str, Json]] = {}
        for name in readers:
            for (key, _, level), (number, line) in history.standing(name).items():
                own = marks.setdefault(key, {}).setdefault(name, {"threshold": None, "waves": []})
                value = _plain(line.after) | {"line": number}
                if level is None:
                    own["threshold"] = value
                else:
                    own["waves"].append({**value, "level": level})
        return {
            "reader": reader,
            "blind": blind,
            "lead": "" if blind else history.lead,
            "readers": readers,
            "history": self.file.name,
            "undo": history.latest(reader) is not None,
            "redo": history.recall(reader) is not None,
            "notes": history.notes,
            "series": [
                _shown(trace, number, blind) | {"marks": marks.get(key, {})}
                for number, (key, trace) in enumerate(self.traces.items(), start=1)
            ],
        }

    def waveforms(self, key: str) -> Json:
        """The responses of a series, uV, softest level first, thinned to what a screen shows."""
        trace = self._trace(key)
        step = max(1, -(-trace.time.size // SHOWN))
        return {
            "key": key,
            "levels": trace.levels.tolist(),
            "time": np.round(trace.time[::step], 4).tolist(),
            "responses": np.round(trace.responses[:, ::step], 4).tolist(),
        }

    def changes(self, reader: str) -> list[Json]:
        """Who changed what when, a row a line, the latest first; to one who reads blinded, their own."""
        history = self.history
        blind = history.blind(reader)
        labels = {key: trace.label for key, trace in self.traces.items()}
        return [
            {
                "line": number,
                "at": line.at,
                "reader": line.reader,
                "does": line.does,
                "series": ""
                if line.series is None or blind
                else labels.get(line.series.key, line.series.file),
                "key": "" if line.series is None else line.series.key,
                "quantity": line.quantity or "",
                "level": line.level,
                "from": _plain(line.before),
                "to": _plain(line.after),
                "undoes": line.undoes,
                "undone": number in history.undone,
            }
            for number, line in reversed(history.lines.items())
            if not blind or line.reader == reader
        ]

    def agreement(self, first: str, second: str, quantity: str = "abr_threshold") -> Agreement | None:
        """How far the thresholds of two readers lie apart, or a reader's and the automatic ones; none for few pairs.

        Of a reader who read blinded only what was marked before the marks of others were shown. The second less the
        first; a threshold that lies beyond the levels is compared with none.

        ``first``, ``second``  readers, or ``automatic``
        raises                 BadInput for somebody who marked nothing
        """
        from otosome.report.imported import agreement

        return agreement(self._pairs(first, second), (second, first))

    def _pairs(self, first: str, second: str) -> pd.DataFrame:
        import pandas as pd

        columns = "subject ear frequency unit file value low high manual censored".split()
        ours, theirs = self._thresholds(first), self._thresholds(second)
        rows = [
            {
                **{name: getattr(trace.name, name) for name in ("subject", "ear", "unit", "file")},
                "frequency": np.nan if trace.name.frequency is None else trace.name.frequency,
                "value": theirs[key].value,
                "manual": ours[key].value,
                "censored": "none",
            }
            for key, trace in self.traces.items()
            if key in ours and key in theirs and {ours[key].censored, theirs[key].censored} == {"none"}
        ]
        return pd.DataFrame(rows, columns=pd.Index(columns))

    def _thresholds(self, name: str) -> dict[str, Value]:
        from otosome.laboratory.marks import THRESHOLD

        if name == AUTOMATIC:
            return {key: t.automatic.threshold for key, t in self.traces.items() if t.automatic is not None}
        history = self.history
        if name not in history.readers:
            raise BadInput(
                "marked nothing", file=self.file.name, key="reader", given=name, allowed=history.readers
            )
        return {
            key: line.after
            for (key, quantity, _), (_, line) in history.independent(name).items()
            if quantity == THRESHOLD and line.after is not None
        }

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command line that imports the files again with the marks that stand."""
        inputs = self.inputs()
        words = [*map(str, inputs.paths)]
        for name in ("animals", "mapping", "species", "voltage"):
            if value := getattr(inputs, name):
                words += [f"--{name}", str(value)]
        shelves = [word for folder in inputs.shelves for word in ("--shelves", str(folder))]
        return ("otosome", "import", *words, *shelves, "--out", str(self.folder), "--force")

    def inputs(self) -> ImportInputs:
        """What the import was inputs, with the history among its files."""
        inputs = inputs_again(ImportInputs, self.record, self.folder)
        there = self.file.resolve() in {path.resolve() for path in inputs.paths}
        return (
            inputs if there or not self.file.exists() else replace(inputs, paths=(*inputs.paths, self.file))
        )

    def apply(self, watch: Watch = SILENT) -> Imported:
        """Import the files again with the marks that stand, in its place; raises BadInput, or Cancelled."""
        return import_(self.inputs(), watch)


def marking(folder: Path) -> Marking:
    """The level series of an import, to be marked; raises BadInput where the folder is none, or holds no waveforms."""
    import pandas as pd

    from otosome.laboratory.traces import traces

    record = record_of(folder)
    file = folder / "waveforms.parquet"
    if record.verb != IMPORT or not file.is_file():
        raise BadInput(
            "holds no waveforms to be marked", file=str(folder), cure="import a folder of recordings"
        )
    estimates = folder / "thresholds.parquet"
    estimated = pd.read_parquet(estimates) if estimates.is_file() else pd.DataFrame()
    waveforms = pd.read_parquet(file)
    listed = traces(waveforms, estimated, _species(folder, record, waveforms))
    return Marking(folder, record, {trace.name.key: trace for trace in listed})


def _species(folder: Path, record: Record, waveforms: pd.DataFrame) -> dict[str, str]:
    """The species of each subject, as the import took it: of the animals sheet, else as it was named."""
    import pandas as pd

    named = record.option("species")
    known = dict.fromkeys(map(str, waveforms["subject"].unique()), str(named)) if named else {}
    sheet = folder / "animals.csv"
    if sheet.is_file():
        rows = pd.read_csv(sheet, dtype=str, keep_default_na=False)
        known |= {s: kind for s, kind in zip(rows["subject"], rows["species"], strict=True) if kind}
    return known


def _shown(trace: Trace, number: int, blind: bool) -> Json:
    """A series as a list shows it; to one who reads blinded without whose it is and what was estimated."""
    stimulus = "click" if trace.name.frequency is None else f"{trace.name.frequency:g} kHz"
    automatic = trace.automatic
    whose = {
        "subject": trace.name.subject,
        "ear": trace.name.ear,
        "group": trace.group,
        "file": trace.name.file,
    }
    return {
        "key": trace.name.key,
        "label": f"series {number}, {stimulus}" if blind else trace.label,
        "stimulus": stimulus,
        "unit": trace.name.unit,
        "levels": trace.levels.tolist(),
        "reason": trace.reason,
        **(dict.fromkeys(whose, "") if blind else whose),
        "automatic": None
        if blind or automatic is None
        else {
            "threshold": _plain(automatic.threshold)
            | {name: _finite(getattr(automatic, name)) for name in ("low", "high")},
            "waves": [{**_plain(value), "level": level} for level, value in automatic.waves.items()],
        },
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _plain(value: Value | None) -> Json:
    return {} if value is None else value.model_dump()
