"""What a record of a batch must report: each item present, missing or not applicable, and never a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from otosome.errors import BadInput
from otosome.roles import ChecklistItem

State = Literal["present", "missing", "not applicable"]
_NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Item:
    """One item: what it asks, and what the record says of it."""

    key: str
    name: str
    asks: str
    status: str
    state: State
    said: str


def checked(items: Mapping[str, ChecklistItem], statements: Mapping[str, str], file: str) -> list[Item]:
    """Every item of a checklist with what was said of it.

    ``items``  of the entry: name, what is asked and status, by key
    ``statements``   what the record says, by key; "not applicable: reason" where it does not apply
    raises     BadInput for a key that is no item, or an item that does not apply without a reason
    """
    for key in statements:
        if key not in items:
            raise BadInput("is not an item", file=file, key=key, given=key, allowed=list(items))
    return [_item(key, item, statements.get(key, "").strip(), file) for key, item in items.items()]


def _item(key: str, item: ChecklistItem, text: str, file: str) -> Item:
    state: State = "present" if text else "missing"
    if text.lower().startswith(_NOT_APPLICABLE):
        state = "not applicable"
        text = text[len(_NOT_APPLICABLE) :].strip(" :,;-")
        if not text:
            raise BadInput(
                "what does not apply says why",
                file=file,
                key=key,
                given=_NOT_APPLICABLE,
                cure=f'{key} = "not applicable: the reason"',
            )
    return Item(key, item.name, item.asks, item.status, state, text)


def share_present(items: list[Item]) -> float | None:
    """Share of the applicable items that are present, 0 to 1; None where none applies."""
    applicable = [item for item in items if item.state != "not applicable"]
    return sum(item.state == "present" for item in applicable) / len(applicable) if applicable else None
