"""A claim's figure in words, and the figures computed last, which stand beside the shelf for reports."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

from otosome.catalog import SHIPPED, Catalog, Entry
from otosome.review.claims.claim import SHELF, VERDICTS, Claim
from otosome.review.claims.laboratory import Laboratory
from otosome.roles import Options
from otosome.study import STUDIES
from otosome.units import Json

STORED = SHIPPED / SHELF / "figures.json"
# Units whose figures range over powers of ten.
_WIDE = ("times", "patients", "particles")
# Below it two decimals show nothing.
_SMALL = 0.05
KINDS = {"measured": "measured", "direction": "direction only", "none": "nothing published"}


def figure_text(figure: Json) -> str:
    """A figure as it is printed: middle, unit, and interval."""
    numbers = [figure[key] for key in ("value", "low", "high")]
    largest = max(map(abs, numbers))
    if figure["unit"] in _WIDE or 0 < largest < _SMALL:
        value, low, high = map(_power, numbers)
    else:
        decimals = 1 if largest >= 10 else 2
        # Plus zero, because a number that rounds to nothing must not read -0.
        value, low, high = (f"{round(number, decimals) + 0.0:.{decimals}f}" for number in numbers)
    return f"{value} {figure['unit']} ({low} to {high})"


def _power(value: float) -> str:
    """Two digits, with a power of ten where it is far from one."""
    if value == 0 or not 1e-3 <= abs(value) < 1e4:
        digits, _, exponent = f"{value:.1e}".partition("e")
        return "0" if value == 0 else f"{digits}e{int(exponent)}"
    return f"{round(value, 1 - math.floor(math.log10(abs(value)))):g}"


def short(row: Json) -> str:
    """A claim's figure with what it is, in a few words; or that there is none."""
    figure = row["figure"]
    return (
        "not computed here yet"
        if figure is None
        else f"{figure_text(figure)}: {figure['words'].split(';')[0]}"
    )


def grounds(row: Json) -> str:
    """What a claim stands on, by kind, each kind once."""
    kinds = dict.fromkeys(KINDS[ground["is"]] for ground in row["stands_on"])
    return "; ".join(kinds)


def ordered(rows: list[Json]) -> list[Json]:
    """Claims best supported first."""
    return sorted(rows, key=lambda row: VERDICTS.index(row["verdict"]))


def evidence_hash() -> str:
    """Changes when a claim does, or an entry, formula, study or source its figure rests on; no other code is in it."""
    digest = hashlib.sha256()
    for file in sorted(set(_evidence(Catalog()))):
        # As text, because a checkout may change line endings.
        content = file.read_text(encoding="utf-8")
        digest.update(f"{file.relative_to(SHIPPED).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:16]


def _evidence(catalog: Catalog) -> Iterator[Path]:
    """The files that claims and their figures rest on."""
    laboratory = Laboratory(catalog=catalog)
    for name in catalog.names(SHELF):
        claim = Claim.of(catalog.get(SHELF, name), catalog)
        if claim.study:
            yield STUDIES / f"{claim.study}.toml"
        entries = _entries(claim, laboratory)
        for entry in entries:
            stem = SHIPPED / entry.card.shelf / entry.name
            yield from (file for kind in (".toml", ".py") if (file := stem.with_suffix(kind)).is_file())
        yield from (SHIPPED / "sources" / f"{key}.toml" for key in _sources(claim, entries) if key)


def _sources(claim: Claim, entries: list[Entry[Options, object]]) -> set[str | None]:
    """Keys of the sources a claim stands on, and of those of its entries' numbers."""
    numbers = (p for entry in entries for by in entry.card.parameters.values() for p in by.values())
    return {p.source for p in numbers} | {s.key for ground in claim.stands_on for s in ground.sources}


def bases(claim: Claim, laboratory: Laboratory) -> set[str]:
    """Of what kind the numbers are that a claim's figure rests on."""
    return {
        p.basis for e in _entries(claim, laboratory) for by in e.card.parameters.values() for p in by.values()
    }


def _entries(claim: Claim, laboratory: Laboratory) -> list[Entry[Options, object]]:
    """A claim's own entry, those it uses, and those of its study with every mechanism there is: some figures are so."""
    study = claim.entry.options.study
    of_study = laboratory.study(study, mechanisms=None).entries() if study else ()
    used = (text.partition(".") for text in claim.uses)
    return [claim.entry, *(laboratory.catalog.get(shelf, name) for shelf, _, name in used), *of_study]


def stored() -> Json:
    """The rows as last written: version, seed, ears, evidence (a hash), rows, and ``stale``: evidence changed since."""
    table: Json = json.loads(STORED.read_text(encoding="utf-8"))
    return {**table, "stale": table["evidence"] != evidence_hash()}
