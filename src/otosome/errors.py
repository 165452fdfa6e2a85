"""What a person gave that cannot be used, in words: where, what was given, what is allowed, the cure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from typing_extensions import TypedDict

_LONGEST = 200
# Where modules of one's own stand: no package has this name.
OWN = "otosome_own"
# Under which an error keeps where it was raised, once it has left there.
_PLACED = "otosome_placed"


class Fault(TypedDict):
    """What was wrong: where, what was given, what is allowed, the cure."""

    message: str
    file: str | None
    key: str | None
    given: str | None
    allowed: list[Any] | str | None
    cure: str | None


class BadInput(ValueError):
    """Something a person gave that cannot be used: where, what was given, what is allowed, the cure.

    ``exit_code``  how a verb of the command line ends that meets it
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        key: str | None = None,
        given: object = None,
        allowed: object = None,
        cure: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.file, self.key = message, file, key
        self.given, self.allowed, self.cure = given, allowed, cure

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        parts = [f"{place}: {self.message}" if place else self.message]
        if self.given is not None:
            parts.append(f"given: {_short(self.given)}")
        if self.allowed is not None:
            parts.append(f"allowed: {_short(self.allowed)}")
        return "; ".join([*parts, *self._cures])

    @property
    def near(self) -> str | None:
        """The allowed name that what was given nearly is; None where none is near, or names are not what is allowed."""
        if not isinstance(self.given, str) or not isinstance(self.allowed, (list, tuple)):
            return None
        names = {name.casefold(): name for name in self.allowed if isinstance(name, str)}
        near = get_close_matches(self.given[:_LONGEST].casefold(), names, n=1)
        return names[near[0]] if near and names[near[0]] != self.given else None

    @property
    def _cures(self) -> list[str]:
        """The near name as a question, and the cure; the first to say it once where both do."""
        question = None if self.near is None else f"is it {self.near}?"
        return list(dict.fromkeys(text for text in (question, self.cure) if text is not None))

    def as_dict(self) -> Fault:
        """The error for a machine, keys as in the ``--json`` contract."""
        return {
            "message": self.message,
            "file": self.file,
            "key": self.key,
            "given": None if self.given is None else _short(self.given),
            "allowed": self.allowed if isinstance(self.allowed, (list, str)) else None,
            "cure": "; ".join(self._cures) or None,
        }


def own_fault(error: Exception) -> BadInput | None:
    """An error that a formula of one's own raised, as bad input with its file, line and words; None if it is ours."""
    if (known := error.__dict__.get(_PLACED)) is not None:
        fault: BadInput = known
        return fault
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).startswith(f"{OWN}.")
        and frame.f_code.co_filename == frame.f_globals.get("__file__")
    ]
    if not places:
        return None
    file, line = places[-1]
    return BadInput(f"raised {type(error).__name__}: {error}", file=file, key=f"line {line}")


def placed(error: ValueError) -> ValueError:
    """The error as it can go to another process, where nobody sees any more in which formula it was raised."""
    own = None if isinstance(error, BadInput) else own_fault(error)
    if own is None:
        return error
    plain = ValueError(str(error))
    plain.__dict__[_PLACED] = own
    return plain


class OutOfSpace(BadInput):
    """A disk without room for what is to be written; nothing that was there is replaced."""

    exit_code = 74


@contextmanager
def at(file: str | None = None, key: str | None = None) -> Iterator[None]:
    """Add the place, once, to any BadInput raised inside: what raises it need not know where its values stand.

    An error that names a file already keeps its place. ``key`` goes before the error's own:
    ``at("a.toml", "dose")`` makes of key ``low`` the key ``dose.low``.
    """
    try:
        yield
    except BadInput as error:
        if error.file is None:
            error.file = file
            error.key = ".".join(part for part in (key, error.key) if part) or None
        raise


def _short(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    text = str(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
