"""What the documents tell a reader to do works as written."""

import re
from pathlib import Path

import pytest

from otosome import evidence
from otosome.catalog import SHELVES, Catalog

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "docs" / "architecture.md",
    ROOT / "docs" / "quality.md",
    ROOT / "docs" / "people.md",
    ROOT / "docs" / "speech.md",
    ROOT / "docs" / "compare.md",
]
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


def text_of(document):
    return document.read_text(encoding="utf-8")


@every_document
def test_every_link_inside_the_project_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#]+)\)", text_of(document))
    inside = [link for link in links if not link.startswith("http")]
    assert [link for link in inside if not (document.parent / link).exists()] == []


@every_document
def test_every_module_and_shelf_a_document_names_is_there(document):
    # What was released names the modules of its day.
    now = text_of(document).partition("## [0.1.1]")[0]
    named = re.findall(r"`([a-z_/]*[a-z_](?:\.py|/))`", now)
    folders = ("src", "tests", "docs", "tools", "examples")
    # A shelf that has no entry yet is no folder.
    there = {path.name for folder in folders for path in (ROOT / folder).rglob("*")} | {*SHELVES}
    assert [name for name in named if Path(name).name not in there.union(folders)] == []


def test_every_make_target_a_document_names_is_there():
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    named = {name for document in DOCUMENTS for name in re.findall(r"\bmake ([a-z]+)\b", text_of(document))}
    assert {"run", "test", "lock", "format"} <= named & targets
    for name in re.findall(r"`make ([a-z]+)", "".join(map(text_of, DOCUMENTS))):
        assert name in targets


def test_the_worked_entry_is_an_insult_as_it_stands(tmp_path):
    (worked,) = re.findall(r"```toml\n(.*?)```", text_of(ROOT / "docs" / "architecture.md"), flags=re.DOTALL)
    (tmp_path / "insults").mkdir()
    (tmp_path / "insults" / "drill.toml").write_text(worked, encoding="utf-8")
    drill = Catalog((tmp_path,)).get("insults", "drill")
    for species in ("guinea_pig", "mouse"):
        table = evidence.draw_columns(drill.parameters(species).values(), 1, 0, 3)
        assert drill.bind(table, species).damage.shape == (3, 1, 1)


def test_the_shelves_of_the_architecture_are_the_shelves_there_are():
    shelves = text_of(ROOT / "docs" / "architecture.md").split("## Shelves")[1].split("##")[0]
    assert all(f"`{shelf}/`" in shelves for shelf in SHELVES)


def test_the_python_of_the_readme_runs(capsys):
    (script,) = re.findall(r"```python\n(.*?)```", text_of(ROOT / "README.md"), flags=re.DOTALL)
    exec(compile(script.replace("subjects=200", "subjects=2"), "README.md", "exec"), {})
    assert "benefit" in capsys.readouterr().out
