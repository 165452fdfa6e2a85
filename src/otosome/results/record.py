"""What a result folder says of itself: which verb wrote it, of what, from which files, with which version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from otosome import __version__
from otosome.errors import BadInput
from otosome.results.seal import Altered, altered, hashes

MARK = "otosome.json"
# What the mark was called before results recorded their verb.
_EARLIER = "study.json"
FORMAT = 3
# From this format on a record holds the hashes of its result's files.
_SEALED = 3
_LARGEST = 4_000_000
Option = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class Record:
    """The job that wrote a result folder.

    ``verb``     run, compare, import, quality, trial
    ``name``     what it answers about: a study, a lot, an import
    ``inputs``   SHA-256 of each file that was read, by path
    ``options``  what else was asked for, by name
    ``files``    SHA-256 of each file of the result itself, its seal; empty before format 3, which had none
    ``written``  when, ISO 8601 in UTC
    """

    verb: str
    name: str
    inputs: Mapping[str, str]
    options: Mapping[str, Option] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    otosome: str = __version__
    format: int = FORMAT
    written: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def write(self, folder: Path) -> None:
        """Write it into a result folder as the last of its files, with the seal of the others."""
        sealed = replace(self, files=hashes(folder, MARK))
        text = json.dumps(asdict(sealed), indent=1, ensure_ascii=False)
        (folder / MARK).write_text(text, encoding="utf-8", newline="\n")

    def option(self, name: str) -> Option:
        """What was asked for under a name, None where nothing was."""
        return self.options.get(name)


def unsealed(folder: Path, record: Record) -> list[Altered]:
    """The files of a result that are not as otosome wrote them; none for a result that was never sealed."""
    return altered(folder, record.files, MARK) if record.files else []


def is_ours(folder: Path) -> bool:
    """Whether a folder is a result that otosome wrote, in this format or an earlier one."""
    return any("otosome" in (_values(folder / name) or {}) for name in (MARK, _EARLIER))


def record_of(folder: Path) -> Record:
    """The record of a result folder; raises BadInput where the folder is none of otosome's."""
    values = _values(folder / MARK)
    if values is not None:
        return _record(values, folder / MARK)
    earlier = _values(folder / _EARLIER)
    if earlier is None or "otosome" not in earlier:
        raise BadInput(
            "is not a result folder of otosome", file=str(folder), cure=f"name one that holds {MARK}"
        )
    return _of_earlier(earlier, folder)


def _values(mark: Path) -> dict[str, object] | None:
    """What a mark says; None where there is none that can be read."""
    try:
        if not mark.is_file() or mark.stat().st_size > _LARGEST:
            return None
        values = json.loads(mark.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _record(values: Mapping[str, object], mark: Path) -> Record:
    texts = {key: values.get(key) for key in ("verb", "name", "otosome", "written")}
    inputs, options, number = values.get("inputs"), values.get("options"), values.get("format")
    sound = all(isinstance(text, str) for text in texts.values())
    if not (sound and isinstance(inputs, dict) and isinstance(options, dict) and isinstance(number, int)):
        raise BadInput("does not say which verb wrote this result", file=str(mark), key="verb")
    if number > FORMAT:
        raise BadInput(
            "is of a later otosome",
            file=str(mark),
            key="format",
            given=number,
            allowed=f"at most {FORMAT}",
            cure=f"install otosome {texts['otosome']} or later",
        )
    files = values.get("files", {} if number < _SEALED else None)
    if not isinstance(files, dict):
        raise BadInput("does not hold the hashes of the result's files", file=str(mark), key="files")
    plain = {key: str(text) for key, text in texts.items()}
    return Record(**plain, inputs=_texts(inputs), options=options, files=_texts(files), format=number)


def _texts(values: Mapping[object, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}


def _of_earlier(values: Mapping[str, object], folder: Path) -> Record:
    """The record of a result from before records: its verb shows in what it holds."""
    inputs = values.get("inputs")
    verb = "import" if "imported" in values else "quality" if "lot" in values else "run"
    options = {key: value for key in ("seed", "subjects") if isinstance(value := values.get(key), int)}
    name = next((str(values[key]) for key in ("study", "lot") if key in values), "import")
    return Record(
        verb=verb,
        name=name,
        inputs=_texts(inputs) if isinstance(inputs, dict) else {},
        options=options,
        otosome=str(values["otosome"]),
        format=1,
        written=str(values.get("written", "")),
    )
