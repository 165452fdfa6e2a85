"""A TOML file as a form: what is changed is changed, and everything else stays as it was, comments too."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otosome.errors import BadInput
from otosome.page.fields import Change, amended, fields, mark, save, text_of
from otosome.trials.reading import TEMPLATES

TEXT = """\
# What it is called.
name = "lot"
# label = "2e10 particles/mL"
n = 12  # animals of a group
free = ["insults.noise.ohc", "b # c"]

[[count]]
file = "a.csv"
# day = "2026-03-31"

[[count]]
file = "b.csv"
# day = "2026-03-31"

[findings]
# Words as shown.
# sterility = "negative"
"""
SHIPPED = [TEXT, *(file.read_text(encoding="utf-8") for file in sorted(TEMPLATES.glob("*.toml")))]


def test_the_words_above_and_beside_a_key_come_with_it():
    rows = {field.name: field for field in fields(TEXT)}
    assert rows["|0|name"].about == "What it is called."
    assert rows["|0|n"].about == "animals of a group"
    assert (rows["|0|label"].value, rows["|0|label"].example) == (None, "2e10 particles/mL")
    assert rows["findings|0|sterility"].about == "Words as shown."
    assert [name for name in rows if name.endswith("day")] == ["count|0|day", "count|1|day"]


def test_a_key_of_the_second_table_is_set_there_and_nothing_else_moves():
    text = amended(TEXT, [Change("count|1|day", "2026-04-01")], "lot.toml")
    assert tomllib.loads(text)["count"] == [{"file": "a.csv"}, {"file": "b.csv", "day": "2026-04-01"}]
    moved = [(old, new) for old, new in zip(TEXT.splitlines(), text.splitlines(), strict=True) if old != new]
    assert moved == [('# day = "2026-03-31"', 'day = "2026-04-01"')]


@pytest.mark.parametrize("text", SHIPPED)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_text_set_is_read_back_as_it_was_written(text, data):
    field = data.draw(st.sampled_from([field for field in fields(text) if field.kind == "text"]))
    value = data.draw(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs", "Cf", "Co", "Cn"]))
    )
    read = {row.name: row.value for row in fields(amended(text, [Change(field.name, value)], "a.toml"))}
    before = {row.name: row.value for row in fields(text)}
    assert read == {**before, field.name: value}


def test_set_and_left_out_again_the_file_says_what_it_said():
    for field in (field for field in fields(TEXT) if field.value is None):
        there = amended(TEXT, [Change(field.name, "2 d")], "a.toml")
        assert tomllib.loads(amended(there, [Change(field.name, None)], "a.toml")) == tomllib.loads(TEXT)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("|0|n", "twelve", "is no number"),
        ("|0|n", "nan", "is no finite number"),
        ("|0|name", "a\nb = 1", "is no line of text"),
        ("|0|nowhere", "1", "is no key of this file"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(name, value, words):
    with pytest.raises(BadInput, match=words):
        amended(TEXT, [Change(name, value)], "a.toml")


def test_a_file_that_another_changed_meanwhile_is_not_written(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_text(TEXT, encoding="utf-8")
    seen = mark(text_of(file, "a.toml"))
    file.write_text("n = 1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="was changed meanwhile"):
        save(file, "a.toml", seen, "n = 2\n")
    assert file.read_text() == "n = 1\n"
    save(file, "a.toml", mark("n = 1\n"), "n = 2\n")
    assert file.read_text() == "n = 2\n"
    with pytest.raises(BadInput, match="not valid TOML"):
        save(file, "a.toml", mark("n = 2\n"), "n = \n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]
