"""What designs and doses rest on besides their files: numbers of studies and shelves, published experiments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.jobs.reviewing import differing
from otosome.results import GROUNDS, read_answer
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.catalog import Catalog
    from otosome.study import Study


@dataclass(frozen=True)
class ShelfNumbers:
    """Numbers of an entry: ``keys`` of it, for a species; all it has where none are named."""

    shelf: str
    entry: str
    species: str = ""
    keys: tuple[str, ...] | None = None

    def rows(self, catalog: Catalog) -> list[Json]:
        """The numbers as they stand now."""
        from otosome.answers.sources import number_row

        card = catalog.get(self.shelf, self.entry).card
        keys = card.parameters if self.keys is None else self.keys
        return [asdict(number_row(card.parameter(key, self.species), catalog)) for key in keys]


def grounds(
    catalog: Catalog, studies: Iterable[Study], numbers: Iterable[ShelfNumbers], believed: bool
) -> Json:
    """What an answer rests on as it stands now.

    ``believed``  whether beliefs of published experiments are used
    """
    from otosome.answers.sources import sources
    from otosome.study import saves

    return {
        "studies": [
            {"name": study.name, "text": saves(study), "sources": [asdict(row) for row in sources(study)]}
            for study in studies
        ],
        "numbers": [{"of": asdict(each), "sources": each.rows(catalog)} for each in numbers],
        "experiments": _experiments(catalog) if believed else {},
    }


def changed(folder: Path, catalog: Catalog) -> list[Json]:
    """What of the grounds of a stored answer differs now, a row a number or file."""
    from otosome.answers.sources import sources
    from otosome.review.standing import asked_again
    from otosome.review.standing import changed as differs

    then = _stored(folder)
    rows: list[Json] = []
    for study in then.get("studies", []):
        now = sources(asked_again(study["text"], study["name"], catalog))
        rows += differs(study["sources"], [asdict(row) for row in now])
    for each in then.get("numbers", []):
        rows += differs(each["sources"], _named(each["of"]).rows(catalog))
    experiments = then.get("experiments", {})
    return [*rows, *(differing(experiments, _experiments(catalog), catalog) if experiments else [])]


def between(old: Path, new: Path) -> list[Json]:
    """What differs between the grounds of two stored answers."""
    from otosome.review.standing import changed as differs

    then, now = (_stored(folder) for folder in (old, new))
    rows = differs(_all_sources(then), _all_sources(now))
    return [*rows, *differing(then.get("experiments", {}), now.get("experiments", {}))]


def _all_sources(stated: Json) -> list[Json]:
    parts = [*stated.get("studies", []), *stated.get("numbers", [])]
    return [row for part in parts for row in part["sources"]]


def _named(of: Json) -> ShelfNumbers:
    keys = of["keys"]
    return ShelfNumbers(of["shelf"], of["entry"], of["species"], None if keys is None else tuple(keys))


def _stored(folder: Path) -> Json:
    """What was written beside an answer; an earlier version wrote none, and is checked by its files alone."""
    file = folder / GROUNDS
    return read_answer(file, cure="ask again") if file.is_file() else {}


def _experiments(catalog: Catalog) -> dict[str, str]:
    """The files of the experiments that beliefs are computed from, and of their sources."""
    from otosome.review.experiments.experiment import files
    from otosome.review.priors.stored import behind

    return files(catalog, behind(catalog))
