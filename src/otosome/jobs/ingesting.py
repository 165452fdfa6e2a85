"""Published text or a sheet becomes drafts of experiments on a shelf of one's own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput, at
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.review.ingest import Draft

STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class IngestInputs:
    """A text, a sheet (CSV or .xlsx), or ``-`` for what is piped in; the folder of shelves, and a text's name there."""

    file: str
    name: str = "my_draft"
    out: Path = Path("shelves")


@dataclass(frozen=True)
class Ingested:
    """Drafts written, and why each counts nowhere yet; empty for one that a person has checked."""

    folder: Path
    drafts: list[Draft]
    why_out: dict[str, str]

    def as_dict(self) -> Json:
        """The drafts for a machine, as ``docs/schemas`` has them."""
        rows = [
            {
                "name": each.name,
                "file": str(self.folder / "experiments" / f"{each.name}.toml"),
                "why_out": self.why_out[each.name],
                "facts": [{"kind": f.kind, "text": f.text, "place": f.place} for f in each.facts],
            }
            for each in self.drafts
        ]
        return {"out": str(self.folder), "result": {"rows": rows}, "notes": []}

    def lines(self) -> list[str]:
        """Each draft with the facts that were found, and what to do with it."""
        lines = []
        for each in self.drafts:
            lines.append(f"wrote {self.folder / 'experiments' / each.name}.toml")
            lines += [f"  {fact.kind}: {fact.text} (character {fact.place})" for fact in each.facts]
            if self.why_out[each.name]:
                lines.append(f"  counts nowhere: {self.why_out[each.name]}")
        return [*lines, f"then: otosome review --shelves {self.folder}"]


def ingest(inputs: IngestInputs) -> Ingested:
    """Drafts of a text or a sheet, checked as any entry is and written; raises BadInput, and writes nothing then."""
    from otosome.catalog import Catalog
    from otosome.review.experiments import experiments
    from otosome.review.ingest import draft, drafts, is_sheet

    text = _text(inputs.file)
    with at(inputs.file):
        each = drafts(text) if is_sheet(text) else [draft(text, inputs.name)]
    names = [entry.name for entry in each]
    with tempfile.TemporaryDirectory() as beside:
        _write(each, Path(beside))
        checked = experiments(Catalog((Path(beside),)), names)
    for name in names:
        for shelf, stem in (("experiments", name), ("sources", f"{name}_source")):
            file = inputs.out / shelf / f"{stem}.toml"
            if file.exists():
                raise BadInput(
                    "is there already; nothing is overwritten", file=str(file), cure="name another --out"
                )
    _write(each, inputs.out)
    return Ingested(inputs.out, each, {experiment.name: experiment.why_out for experiment in checked})


def _text(file: str) -> str:
    from otosome.laboratory.file import Export
    from otosome.laboratory.workbook import is_workbook, sheets
    from otosome.review.ingest import LARGEST

    if file == STDIN:
        return sys.stdin.read(LARGEST + 1)
    export = Export.open(Path(file))
    raw = sheets(export)[0].content if is_workbook(export) else export.content
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"is not UTF-8 text (byte {error.start})", file=file, cure="save it as UTF-8"
        ) from error


def _write(each: Sequence[Draft], folder: Path) -> None:
    import tomli_w

    for entry in each:
        for shelf, stem, values in (
            ("experiments", entry.name, entry.experiment),
            ("sources", f"{entry.name}_source", entry.source),
        ):
            (folder / shelf).mkdir(parents=True, exist_ok=True)
            text = tomli_w.dumps(values)
            (folder / shelf / f"{stem}.toml").write_text(text, encoding="utf-8", newline="\n")
