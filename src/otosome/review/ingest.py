"""Published text and sheets as drafts of experiments: what rules find in them, unread until a person checks it.

A draft is an experiment's file that says ``read = "draft"`` and who checked it not at all, so it counts nowhere. The
text itself is not kept: facts found in it are, each with where it stood.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from otosome.errors import BadInput
from otosome.roles import Product
from otosome.units import Json

LARGEST = 200_000
MOST_ROWS = 2000
_FEW = 40

_SPECIES = {
    "mouse": r"\bmice\b|\bmouse\b|\bmurine\b",
    "rat": r"\brats?\b",
    "guinea pig": r"\bguinea[- ]pigs?\b",
    "gerbil": r"\bgerbils?\b",
    "chinchilla": r"\bchinchillas?\b",
    "rabbit": r"\brabbits?\b",
    "human": r"\bpatients?\b|\bparticipants?\b|\bvolunteers?\b|\bchildren\b",
}
_INSULTS = {
    "cisplatin": r"\bcisplatin\b",
    "aminoglycoside": r"\bneomycin\b|\bgentamicin\b|\bkanamycin\b|\bamikacin\b|\baminoglycosides?\b",
    "noise": r"\bnoise\b|\bacoustic trauma\b",
    "ischaemia": r"\bischa?emia\b",
    "ouabain": r"\bouabain\b",
    "implantation": r"\bcochlear implant|\belectrode insertion\b",
}
_PRODUCTS = {
    "vesicles": r"\bexosom\w*|\bextracellular vesicles?\b|\bEVs?\b",
    "live cells": r"\bstem cells? (?:were )?(?:transplant|inject)\w*|\bcell transplant\w*",
    "steroid": r"\bdexamethasone\b|\bmethylprednisolone\b|\bprednisolone\b",
    "thiosulfate": r"\bthiosulfate\b",
    "antioxidant": r"\bacetyl-?cysteine\b|\bD-methionine\b|\bebselen\b",
}
_READ = {
    "threshold": r"\bABR\b|\bauditory brainstem\b|\bthresholds?\b|\bhearing loss\b",
    "emission": r"\bDPOAEs?\b|\botoacoustic\b",
    "hair cells": r"\bhair cells?\b",
    "neurons": r"\bspiral ganglion\b|\bneurons?\b",
}
_NOTHING = (
    r"\bno (?:statistically )?significant (?:difference|effect|improvement|protection)"
    r"|\bdid not (?:reduce|protect|improve)"
)
_BETTER = (
    r"\battenuat\w*|\bprotect\w*|\bimprov\w*|\brescu\w*|\balleviat\w*|\breduc\w*|\bpreserv\w*|\brestor\w*"
)
_FACTS = {
    "doi": r"\b10\.\d{4,9}/[^\s\"<>]+[^\s\"<>.,;)]",
    "n": r"\bn\s*=\s*\d{1,4}\b",
    "p": r"\b[pP]\s*[<=>]\s*0?\.\d{1,6}\b",
    "dose": r"\b\d+(?:\.\d+)?(?:e\d+)?\s*(?:mg/kg|ug|µg|μg|particles|mg/mL|uL|µL|μL|μl|µl|mg|mL)\b",
    "decibels": r"\b\d+(?:\.\d+)?(?:\s*(?:±|\+/-)\s*\d+(?:\.\d+)?)?\s*dB(?: SPL| HL)?\b",
    "frequency": r"\b\d+(?:\.\d+)?\s*kHz\b",
    "day": r"\b\d+\s*(?:days?|weeks?|months?)\b",
}


@dataclass(frozen=True)
class Fact:
    """Something a rule found: what it is, as it is written, and at which character it begins."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Draft:
    """A draft: its name, the experiment and its source as a file's tables, and the facts it was made of."""

    name: str
    experiment: Json
    source: Json
    facts: tuple[Fact, ...] = field(default_factory=tuple)


def facts(text: str) -> list[Fact]:
    """Numbers, units, counts, p and identifiers in a text, in order, and the words that rules know."""
    words = {"species": _SPECIES, "insult": _INSULTS, "product": _PRODUCTS, "reads": _READ}
    rows = [
        Fact(kind, match.group(0), match.start())
        for kind, pattern in _FACTS.items()
        for match in list(re.finditer(pattern, text))[:_FEW]
    ]
    for kind, known in words.items():
        for name, pattern in known.items():
            match = re.search(pattern, text, re.IGNORECASE)
            rows += [Fact(kind, name, match.start())] if match else []
    return sorted(rows, key=lambda row: (row.place, row.kind))


def draft(text: str, name: str) -> Draft:
    """A pasted news item or abstract as a draft; raises BadInput where it names no species or no product.

    ``name``  of the file to be
    """
    if len(text) > LARGEST:
        raise BadInput("is too long for a text", given=len(text), allowed=f"at most {LARGEST} characters")
    rows = facts(text)
    first = {row.kind: row.text for row in reversed(rows)}
    for kind, known in (("species", _SPECIES), ("product", _PRODUCTS)):
        if kind not in first:
            raise BadInput(f"names no {kind} that is known", key=kind, allowed=list(known))
    doi = first.get("doi")
    source = {
        "title": "A draft: put the title here",
        "link": f"https://doi.org/{doi}" if doi else "put the address here",
        "standing": "current",
        "read": "draft",
    }
    experiment = {
        "about": f"A draft of an experiment on {first['product']} in the {first['species']}.",
        "source": f"{name}_source",
        "locator": "pasted text",
        "read": "draft",
        "unit": "not stated",
        "note": "Found by rule, unread: "
        + "; ".join(f"{row.kind} {row.text} (character {row.place})" for row in rows)
        + ". Compare every field with the source, then state checked.",
        "subject": {"species": first["species"]},
        "insult": {"kind": first.get("insult", "other")},
        "group": {
            "control": {"about": "control"},
            "treated": {"about": f"with {first['product']}", "product": first["product"]},
        },
        "outcome": _outcomes(text, rows),
    }
    return Draft(name, experiment, source, tuple(rows))


def _outcomes(text: str, rows: Sequence[Fact]) -> Json:
    """A direction for everything that was read; what a p or a mean belongs to only a reader can say."""
    nothing, better = (re.search(pattern, text, re.IGNORECASE) for pattern in (_NOTHING, _BETTER))
    direction = "none" if nothing or not better else "better"
    kinds = [row.text for row in rows if row.kind == "reads"] or ["threshold"]
    return {
        kind.replace(" ", "_"): {
            "of": kind,
            "treated": "treated",
            "control": "control",
            "strength": "direction",
            "direction": direction,
            "better": "lower" if kind == "threshold" else "higher",
        }
        for kind in dict.fromkeys(kinds)
    }


# ---------------------------------------------------------------- sheets

# The columns of a sheet of experiments: one row an outcome; those needed come first.
NEEDED = (
    "experiment about link title read locator species insult unit treated product control outcome of strength direction"
).split()
COLUMNS = [
    *NEEDED,
    *"treated_about control_about n_treated n_control n_is effect_unit better frequency day".split(),
    *"mean_treated mean_control spread_treated spread_control spread_is events_treated events_control".split(),
    *"p p_below p_above p_is test paired dose volume route when checked_by checked_on".split(),
]
_NUMBERS = ("mean", "spread", "events")


def template() -> str:
    """A sheet with its columns and one row to be replaced."""
    example = dict.fromkeys(NEEDED, "") | {
        "experiment": "my_experiment",
        "about": "Vesicles at the round window of mice after noise.",
        "link": "https://doi.org/10.1000/example",
        "title": "Title of the paper",
        "read": "full text",
        "locator": "table 1",
        "species": "mouse",
        "insult": "noise",
        "unit": "animal",
        "treated": "vesicles",
        "product": "vesicles",
        "control": "vehicle",
        "n_treated": "8",
        "n_control": "8",
        "outcome": "abr",
        "of": "threshold",
        "strength": "means",
        "direction": "better",
        "effect_unit": "dB",
        "frequency": "16 kHz",
        "day": "14 d",
        "mean_treated": "41",
        "mean_control": "52",
        "spread_treated": "8",
        "spread_control": "9",
        "spread_is": "SD",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerow(example)
    return text.getvalue()


def is_sheet(text: str) -> bool:
    """Whether a text begins with the header of a sheet of experiments."""
    head = next(csv.reader(io.StringIO(text.partition("\n")[0])), [])
    return {"experiment", "outcome", "strength"} <= {cell.strip() for cell in head}


def drafts(text: str) -> list[Draft]:
    """The experiments of a sheet, rows of one name together; raises BadInput naming row and column."""
    rows = list(csv.DictReader(io.StringIO(text)))
    unknown = [name for name in (rows[0] if rows else {}) if name not in COLUMNS]
    if unknown:
        raise BadInput("is no column of a sheet of experiments", key=str(unknown[0]), allowed=COLUMNS)
    if not 1 <= len(rows) <= MOST_ROWS:
        raise BadInput("holds no rows, or too many", given=len(rows), allowed=f"1 to {MOST_ROWS}")
    by_name: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in enumerate(rows, start=2):
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(value, str)}
        for column in NEEDED:
            if not cells.get(column):
                raise BadInput("is empty", key=f"row {number}: {column}")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", cells["experiment"]):
            place = f"row {number}: experiment"
            raise BadInput("is a name of small letters, digits and _", key=place, given=cells["experiment"])
        by_name.setdefault(cells["experiment"], []).append((number, cells))
    return [_of_rows(name, some) for name, some in by_name.items()]


def _of_rows(name: str, rows: Sequence[tuple[int, dict[str, str]]]) -> Draft:
    head = rows[0][1]
    source = {"title": head["title"], "link": head["link"], "standing": "current", "read": head["read"]}
    experiment: Json = {
        "about": head["about"],
        "source": f"{name}_source",
        "locator": head["locator"],
        "read": head["read"],
        "unit": head["unit"],
        **_checked(head),
        "subject": {"species": head["species"]},
        "insult": {"kind": head["insult"]},
        "group": {},
        "outcome": {},
    }
    for number, cells in rows:
        _add_groups(experiment["group"], number, cells)
        if cells["outcome"] in experiment["outcome"]:
            raise BadInput("stands there twice", key=f"row {number}: outcome", given=cells["outcome"])
        experiment["outcome"][cells["outcome"]] = dict(_outcome(number, cells))
    return Draft(name, experiment, source)


def _checked(cells: Mapping[str, str]) -> Json:
    who, when = cells.get("checked_by"), cells.get("checked_on")
    return {"checked": {"by": who, "on": when}} if who and when else {}


def _known(column: str, row: tuple[int, Mapping[str, str]], allowed: Sequence[str]) -> str:
    number, cells = row
    if allowed and cells[column] not in allowed:
        raise BadInput(
            "is not known", key=f"row {number}: {column}", given=cells[column], allowed=list(allowed)
        )
    return cells[column]


def _add_groups(groups: Json, number: int, cells: Mapping[str, str]) -> None:
    """The two groups of a row; a control named in several rows is one group, and must be the same."""
    for side in ("treated", "control"):
        group: Json = {"about": cells.get(f"{side}_about") or cells[side]}
        if cells.get(f"n_{side}"):
            group["n"] = int(_number(number, f"n_{side}", cells))
            group |= {"n_is": cells["n_is"]} if cells.get("n_is") else {}
        if side == "treated":
            group["product"] = _known("product", (number, cells), get_args(Product))
            group |= {key: cells[key] for key in ("dose", "volume", "route", "when") if cells.get(key)}
        if groups.setdefault(cells[side], group) != group:
            raise BadInput(
                "is another group under the same name: it would count twice",
                key=f"row {number}: {side}",
                given=cells[side],
            )


def _outcome(number: int, cells: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    yield from ((key, cells[key]) for key in ("of", "treated", "control", "strength", "direction"))
    texts = {"unit": "effect_unit", **{key: key for key in ("better", "day", "spread_is", "p_is", "test")}}
    yield from ((key, cells[column]) for key, column in texts.items() if cells.get(column))
    yield from ((key, _number(number, key, cells)) for key in ("p", "p_below", "p_above") if cells.get(key))
    yield from ((key, pair) for key in _NUMBERS if (pair := _pair(number, key, cells)))
    if cells.get("frequency"):
        yield "frequency", [tone.strip() for tone in cells["frequency"].split(";")]
    if cells.get("paired"):
        yield "paired", cells["paired"].lower() in ("yes", "true", "1")


def _pair(number: int, key: str, cells: Mapping[str, str]) -> dict[str, float]:
    """A number of both groups, those that are filled, by the group's name; events are whole."""
    sides = [side for side in ("treated", "control") if cells.get(f"{key}_{side}")]
    pair = {cells[side]: _number(number, f"{key}_{side}", cells) for side in sides}
    return {name: int(value) for name, value in pair.items()} if key == "events" else pair


def _number(number: int, column: str, cells: Mapping[str, str]) -> float:
    try:
        return float(cells[column])
    except ValueError as error:
        raise BadInput("is no number", key=f"row {number}: {column}", given=cells[column]) from error
