"""A TOML file as a form: its keys with the words beside them, and the file with some of them changed and no other.

What ``otosome new`` writes is made to be filled in by hand: a line above a key says what it asks, and a key that may be
left out stands there as a comment with an example. A form shows the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otosome.cards import LARGEST_FILE, parse_toml
from otosome.errors import BadInput
from otosome.files import content

Plain = str | int | float | bool | list[str] | list[int] | list[float]
_HEADING = re.compile(r"^(\[\[?)\s*([\w.\-\"]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^(?P<off># ?)?(?P<key>[A-Za-z_][\w-]*) = (?P<value>.+)$")
_LONGEST = 2_000


@dataclass(frozen=True)
class Field:
    """A key of a file.

    ``table`` ``index``  the table it stands in, blank at the top, and which of several of that name
    ``value``  as it is; None where it is left out;  ``example``  of a key that is left out
    ``about``  the words beside it
    """

    table: str
    index: int
    key: str
    value: Plain | None
    example: Plain
    about: str
    line: int

    @property
    def name(self) -> str:
        """What a form calls it."""
        return f"{self.table}|{self.index}|{self.key}"

    @property
    def kind(self) -> str:
        """Of which kind its value is: flag, number, list or text."""
        if isinstance(self.example, bool):
            return "flag"
        if isinstance(self.example, int | float):
            return "number"
        return "list" if isinstance(self.example, list) else "text"


@dataclass(frozen=True)
class Change:
    """A key to be set to what a person wrote, or to be left out (None)."""

    name: str
    value: str | None


def fields(text: str) -> list[Field]:
    """The keys of a file, those that are set and those that stand there as a comment, each once."""
    rows: dict[tuple[str, int, str], Field] = {}
    table, index, words = "", 0, list[str]()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines()):
        heading, key = _HEADING.match(line), _KEY.match(line)
        if heading:
            table = heading[2]
            counts[table] = counts.get(table, -1) + 1
            index, words = counts[table], []
        elif key and (value := _value(key["value"])) is not None:
            beside = " ".join([*words, _beside(key["value"])]).strip()
            field = Field(table, index, key["key"], None if key["off"] else value, value, beside, number)
            where = (table, index, key["key"])
            if where not in rows or rows[where].value is None:
                rows[where] = field
            words = []
        else:
            words = [*words, line[1:].strip()] if line.startswith("# ") else []
    return list(rows.values())


def _value(text: str) -> Plain | None:
    """A value that stands on one line and that a form can show; None for others."""
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    if isinstance(value, list):
        numbers = all(isinstance(part, int | float) and not isinstance(part, bool) for part in value)
        return value if numbers or all(isinstance(part, str) for part in value) else None
    return value if isinstance(value, str | int | float) else None


def _beside(text: str) -> str:
    """The words after a value on its line."""
    for place in (match.start() for match in re.finditer(r"#", text)):
        if _value(text[:place]) is not None:
            return text[place + 1 :].strip()
    return ""


def amended(text: str, changes: Sequence[Change], file: str) -> str:
    """A file with some keys changed; raises BadInput where that cannot be done and everything else stay as it is."""
    by_name = {field.name: field for field in fields(text)}
    lines = text.splitlines()
    before = parse_toml(text.encode(), file)
    for change in changes:
        field = by_name.get(change.name)
        if field is None:
            raise BadInput(
                "is no key of this file (any more)", file=file, key=change.name, cure="load the page anew"
            )
        literal = _literal(field, change.value, file)
        words = _beside(_KEY.match(lines[field.line])["value"])  # type: ignore[index]  # it is a line of a field
        tail = f"  # {words}" if words else ""
        off = "# " if change.value is None else ""
        lines[field.line] = f"{off}{field.key} = {literal}{tail}"
    after = "\n".join(lines) + "\n"
    expected = _changed(before, [(by_name[change.name], change.value) for change in changes], file)
    if parse_toml(after.encode(), file) != expected:
        raise BadInput(
            "cannot be changed in this form", file=file, cure="change it in the text below the form"
        )
    return after


def _literal(field: Field, value: str | None, file: str) -> str:
    return _toml(field.example if value is None else _meant(field, value, file))


def _toml(value: Plain) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _meant(field: Field, text: str, file: str) -> Plain:
    """What a person wrote, as a value of the field's kind."""
    if len(text) > _LONGEST or not text.replace("\t", " ").isprintable():
        raise BadInput("is no line of text", file=file, key=field.key)
    if field.kind == "flag":
        return text == "true"
    if field.kind == "number":
        return _number(text, field.key, file)
    if field.kind == "list":
        parts = [part.strip() for part in text.split(",") if part.strip()]
        numbers = bool(field.example) and not isinstance(field.example[0], str)  # type: ignore[index]
        return [_number(part, field.key, file) for part in parts] if numbers else parts
    return text


def _number(text: str, key: str, file: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError as error:
        raise BadInput("is no number", file=file, key=key, given=text, allowed="such as 12 or 0.5") from error
    if number - number != 0:
        raise BadInput("is no finite number", file=file, key=key, given=text)
    return number


def _changed(
    values: dict[str, object], changes: list[tuple[Field, str | None]], file: str
) -> dict[str, object]:
    """What the file must say afterwards."""
    for field, value in changes:
        table: object = values
        for part in field.table.split(".") if field.table else ():
            table = table.get(part.strip('"'), {}) if isinstance(table, dict) else {}
        table = table[field.index] if isinstance(table, list) and field.index < len(table) else table
        if not isinstance(table, dict):
            raise BadInput("cannot be changed in this form", file=file, key=field.key)
        table.pop(field.key, None)
        if value is not None:
            table[field.key] = _meant(field, value, file)
    return values


def text_of(path: Path, name: str) -> str:
    """The text of a file; raises BadInput for one that is too large or no text."""
    try:
        return content(path, LARGEST_FILE, name=name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("is no text in UTF-8", file=name) from error


def mark(text: str) -> str:
    """What tells whether a text is still the one that a form was drawn of."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def save(path: Path, name: str, before: str, text: str) -> None:
    """Put a text in the place of another; raises BadInput where the file is no longer what it was (``before``)."""
    parse_toml(text.encode("utf-8", "replace"), name)
    if mark(text_of(path, name)) != before:
        raise BadInput(
            "was changed meanwhile, in another tab or an editor",
            file=name,
            cure="load the page anew; nothing was written",
        )
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=name) from error
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Sheet:
    """A file as a form shows it: its keys by table, its text, and the mark of that text."""

    tables: dict[str, list[Field]]
    text: str
    mark: str


def sheet(path: Path, name: str) -> Sheet:
    """A file as a form; raises BadInput where it is no text."""
    text = text_of(path, name)
    tables: dict[str, list[Field]] = {}
    for field in fields(text):
        several = f"{field.table} {field.index + 1}" if field.index else field.table
        tables.setdefault(several, []).append(field)
    return Sheet(tables, text, mark(text))
