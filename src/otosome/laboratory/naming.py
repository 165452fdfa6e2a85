"""A laboratory's words for entries of the shelves: "CBA/JRj" is the strain ``cba_jrj``; what a sheet may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otosome.catalog import Catalog

# Letters of a breeder or substrain that may stand behind a strain: C57BL/6J, C57BL/6NRj.
_BREEDER = 4


def entry_of(word: str, names: Sequence[str]) -> str | None:
    """The entry that a word names, whatever its capitals, blanks and signs; None where it names none."""
    return {_letters(name): name for name in names}.get(_letters(word))


def strain_of(word: str, names: Sequence[str]) -> str | None:
    """The strain that a word names, or of which it names a substrain, as C57BL/6J does of c57bl6."""
    exact = entry_of(word, names)
    if exact is not None:
        return exact
    of = [name for name in names if _is_substrain(_letters(word), _letters(name))]
    return max(of, key=len) if of else None


def _is_substrain(word: str, strain: str) -> bool:
    """Whether letters follow the name of a strain that ends in a number, and so is not cut short in a word."""
    rest = word.removeprefix(strain)
    return rest != word and strain[-1:].isdigit() and rest.isalpha() and len(rest) <= _BREEDER


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def column_hints(catalog: Catalog) -> list[str]:
    """What the columns of an animals sheet may hold, a line each."""
    return [
        "group: any name; animals without one stand in no group and no arm",
        f"species: {', '.join(catalog.names('species'))}",
        f"strain: {', '.join(catalog.names('strains'))}, however it is spelt (CBA/JRj); of any other the animals are "
        "a mixture",
        f"insult: {', '.join(catalog.names('insults'))}, or none",
        "insult_dose: the level of noise (103 dB SPL) or the dose of a drug (12 mg/kg); its duration and band are set "
        "in the study",
        f"treatment: none, vehicle, or a batch of the shelf ({', '.join(catalog.names('batches'))}); of other drugs "
        "only the readings are compared",
        "dose: a volume (2 uL), a number (2e9 particles) or a protein (10 ug)",
        "day0: the day of the first insult (2024-05-31), for files that are dated",
        "run: which animals were exposed together; left blank, it is read from day0, cage or the ids",
    ]
